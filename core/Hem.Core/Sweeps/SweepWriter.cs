namespace Hem.Core.Sweeps;

/// <summary>Writes a sweep as the JSON that <see cref="SweepReader"/> reads: what a store keeps of it.</summary>
internal static class SweepWriter
{
    public static string Write(HemSweep sweep) => Object(
        ("apiVersion", sweep.ApiVersion), ("kind", sweep.Kind), ("metadata", Object(("name", sweep.Metadata.Name))),
        ("spec", Spec(sweep.Spec))).ToJson();

    private static ParameterValue Spec(SweepSpec spec) => Object(
        ("base", Any(spec.Base)),
        ("cases", List(spec.Cases, ParameterValue.From)),
        ("grid", Object([.. spec.Grid.Select(axis => (axis.Name, (ParameterValue?)ParameterValue.From(axis.Values)))])),
        ("exclude", List(spec.Exclude, ParameterValue.From)),
        ("seeds", Object(("count", Any(spec.Seeds.Count)), ("values", List(spec.Seeds.Values ?? [], seed => seed)))),
        ("parallelism", Any(spec.Parallelism)),
        ("retries", Object(("failures", spec.Retries.Failures), ("disruptions", spec.Retries.Disruptions))),
        ("budget", spec.Budget is { } budget ? Object(("wallClock", Time(budget.WallClock)), ("gpuHours", Any(budget.GpuHours))) : null),
        ("suspend", spec.Suspend),
        ("ttlSecondsAfterFinished", Any(spec.TtlSecondsAfterFinished)),
        ("trainer", Trainer(spec.Trainer)));

    private static ParameterValue Trainer(TrainerTemplate trainer) => Object(
    [
        ("gpus", trainer.Gpus),
        ("threads", Any(trainer.Threads)),
        ("kernels", trainer.Kernels),
        ("overrides", List(trainer.Overrides, item => Object(
            [("match", Any(item.Match)), ("gpus", Any(item.Gpus)), ("threads", Any(item.Threads)), .. Pod(item.Pod)]))),
        ("command", List(trainer.Command ?? [], word => word)),
        ("metrics", trainer.Metrics is { } serves ? ParameterValue.From(serves) : null),
        ("checkpoints", Object(("every", Time(trainer.Checkpoints.Every)), ("claimName", Any(trainer.Checkpoints.ClaimName)))),
        .. Pod(trainer.Pod),
    ]);

    private static (string Name, ParameterValue? Value)[] Pod(PodSettings pod) =>
    [
        ("image", Any(pod.Image)), ("resources", pod.Resources), ("nodeSelector", pod.NodeSelector), ("tolerations", pod.Tolerations),
        ("priorityClassName", Any(pod.PriorityClassName)), ("runtimeClassName", Any(pod.RuntimeClassName)),
        ("queueName", Any(pod.QueueName)), ("volumes", pod.Volumes), ("volumeMounts", pod.VolumeMounts),
        ("imagePullPolicy", Any(pod.ImagePullPolicy)), ("imagePullSecrets", pod.ImagePullSecrets),
        ("serviceAccountName", Any(pod.ServiceAccountName)), ("labels", pod.Labels), ("annotations", pod.Annotations),
        ("affinity", pod.Affinity), ("env", pod.Env), ("envFrom", pod.EnvFrom),
    ];

    /// <summary>The fields that have a value; the order of a file's grid is kept by nothing here, nor is it by a cluster.</summary>
    private static ParameterValue Object(params (string Name, ParameterValue? Value)[] fields) => ParameterValue.From(ParameterSet.From(
        fields.Where(field => field.Value is not null).Select(field => KeyValuePair.Create(field.Name, field.Value!))));

    private static ParameterValue? List<T>(IReadOnlyList<T> items, Func<T, ParameterValue> convert) =>
        items.Count == 0 ? null : ParameterValue.From(items.Select(convert));

    private static ParameterValue? Any(int? value) => value is { } number ? number : null;
    private static ParameterValue? Any(double? value) => value is { } number ? number : null;
    private static ParameterValue? Any(string? value) => value is null ? null : ParameterValue.From(value);
    private static ParameterValue Any(ParameterSet set) => ParameterValue.From(set);
    private static ParameterValue? Time(TimeSpan? value) => value is { } time ? ParameterValue.From(Duration.Format(time)) : null;
}
