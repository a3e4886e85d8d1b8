using System.Diagnostics.Metrics;
using Hem.Core.Sweeps;
using Hem.Metrics;
using Hem.Progress;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Trials;

namespace Hem.Trainer.Metrics;

/// <summary>
/// What a trainer measures. Everything is looked up when somebody asks, on that thread: training neither counts nor waits for it.
/// </summary>
internal sealed class TrainerMetrics : IDisposable
{
    public const string MeterName = "Hem.Trainer";

    private readonly Meter meter = new(MeterName);
    private readonly TrialDocument? trial;
    private readonly ProgressClient? progress;
    private readonly Lazy<Nvml?> gpus;
    private volatile Subject? subject;

    /// <param name="trial">What is trained; null: only the names of what could be measured are wanted.</param>
    /// <param name="progress">The trainer's end of the progress protocol.</param>
    public TrainerMetrics(TrialDocument? trial = null, ProgressClient? progress = null)
    {
        (this.trial, this.progress) = (trial, progress);
        gpus = new(() => trial?.Trainer.Device == "cuda" ? Nvml.TryLoad() : null);
        meter.CreateObservableGauge("hem_trainer_info", Info,
            description: "Always 1: the trial, its sweep, configuration, seed and device, and all its parameters. To be joined with the "
                + "other series.");
        meter.CreateObservableGauge("hem_trainer_success_rate", () => Newest(point => point.SuccessRate),
            description: "Success rate of this attempt's last evaluation, 0..1.");
        meter.CreateObservableGauge("hem_trainer_loss", () => Newest(point => double.IsNaN(point.Loss) ? null : point.Loss),
            description: "Mean training loss from the last evaluation but one to the last.");
        meter.CreateObservableGauge("hem_trainer_goal_coverage",
            () => Newest(point => double.IsNaN(point.GoalCoverage) ? null : point.GoalCoverage),
            description: "Distinct goals that the episodes of an iteration achieved, points by cells of 5 cm: mean from the last "
                + "evaluation but one to the last.");
        Count("hem_trainer_iterations_total", seen => seen.Algorithm.Iteration, "Iterations completed.");
        Count("hem_trainer_env_steps_total", seen => seen.Algorithm.Counts.EnvironmentSteps, "Environment steps taken while collecting.");
        Count("hem_trainer_episodes_total", seen => seen.Algorithm.Counts.Trajectories, "Episodes collected.");
        Count("hem_trainer_unstable_episodes_total", seen => seen.Algorithm.Counts.Unstable,
            "Episodes that were dropped because their simulation diverged.");
        Count("hem_trainer_updates_total", seen => seen.Algorithm.Counts.Updates, "Gradient steps.");
        meter.CreateObservableGauge("hem_trainer_planned_iterations", Planned,
            description: "Iterations that the trial is to have, unless it stops early.");
        meter.CreateObservableCounter("hem_trainer_wall_seconds_total", () => Seen<double>(seen => seen.Run.Wall.TotalSeconds), "s",
            "Time spent on training and evaluating.");
        meter.CreateObservableGauge("hem_trainer_checkpoint_age_seconds",
            () => Seen<double>(seen => seen.Run.SinceCheckpoint.TotalSeconds), "s",
            "How old the newest checkpoint is, or what was resumed from, or the start: what would be trained again after a crash.");
        meter.CreateObservableGauge("hem_trainer_checkpoint_bytes",
            () => Seen<long>(seen => seen.Run.Saves > 0 ? seen.Run.SavedBytes : null), "By",
            "What the last save wrote; without the trajectories that an earlier one wrote.");
        meter.CreateObservableCounter("hem_trainer_checkpoint_saves_total", Saves,
            description: "Attempts to save a checkpoint in this process, by result (saved, failed).");
        meter.CreateObservableGauge("hem_trainer_reports_waiting", Waiting,
            description: "Reports that Hem has not acknowledged yet: it is away, or cannot store them.");
        meter.CreateObservableGauge("hem_trainer_gpu_utilization_ratio", () => EachGpu(gpu => gpu.Utilization),
            description: "Share of the last moments in which the GPU computed, 0..1, by gpu; where the trial computes on GPUs, of "
                + "each that its pod has.");
        meter.CreateObservableGauge("hem_trainer_gpu_memory_used_bytes", () => EachGpu(gpu => gpu.MemoryUsed), "By",
            "Memory of the GPU that is in use, by gpu.");
        meter.CreateObservableGauge("hem_trainer_gpu_memory_total_bytes", () => EachGpu(gpu => gpu.MemoryTotal), "By",
            "Memory of the GPU, by gpu.");
    }

    /// <summary>The attempt holds the trial from now on.</summary>
    public void Observe(IAlgorithm algorithm, TrialRun run) => subject = new Subject(algorithm, run);

    public void Dispose()
    {
        meter.Dispose();
        if (gpus is { IsValueCreated: true, Value: { } nvml })
            nvml.Dispose();
    }

    private void Count(string name, Func<Subject, long> value, string description) =>
        meter.CreateObservableCounter(name, () => Seen<long>(seen => value(seen)), description: description);

    private IEnumerable<Measurement<T>> Seen<T>(Func<Subject, T?> value)
        where T : struct => subject is { } seen && value(seen) is { } known ? [new(known)] : [];

    private IEnumerable<Measurement<double>> Newest(Func<Evaluation, double?> value) =>
        Seen<double>(seen => seen.Run.Newest is { } point ? value(point) : null);

    private IEnumerable<Measurement<int>> Info()
    {
        if (trial is null)
            return [];
        List<KeyValuePair<string, object?>> labels =
        [
            new("sweep", trial.Sweep), new("trial", trial.Name), new("seed", trial.Seed), new("device", trial.Trainer.Device),
        ];
        if (trial.Configuration is { } configuration)
            labels.Add(new("configuration", configuration));
        foreach ((string name, ParameterValue value) in trial.Parameters)
            labels.Add(new(LabelName.Of(name), value.ToString()));
        return [new(1, labels)];
    }

    private IEnumerable<Measurement<long>> Planned() =>
        trial is not null && trial.Parameters.TryGetValue("iterations", out ParameterValue? planned) ? [new(planned.AsInt())] : [];

    private IEnumerable<Measurement<long>> Saves() => subject is { Run: var run }
        ? [new(run.Saves, new KeyValuePair<string, object?>("result", "saved")),
            new(run.FailedSaves, new KeyValuePair<string, object?>("result", "failed"))]
        : [];

    private IEnumerable<Measurement<int>> Waiting() => progress is null ? [] : [new(progress.UnacknowledgedCount)];

    private IEnumerable<Measurement<T>> EachGpu<T>(Func<Nvml.Gpu, T?> value)
        where T : struct
    {
        foreach (Nvml.Gpu gpu in gpus.Value?.Read() ?? [])
        {
            if (value(gpu) is { } known)
                yield return new(known, new KeyValuePair<string, object?>("gpu", gpu.Uuid));
        }
    }

    private sealed record Subject(IAlgorithm Algorithm, TrialRun Run);
}
