using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>Reads spec.trainer: how trials run.</summary>
internal sealed class TrainerReader(FaultList faults, SpecReader sweep)
{
    private static readonly string[] podFields = [.. PodFields.All.Select(field => field.Name)];

    public TrainerTemplate Read(SpecNode node)
    {
        var otherwise = new TrainerTemplate();
        var trainer = new FieldReader(faults, node, "spec.trainer",
            ["gpus", "threads", "kernels", "overrides", "command", "metrics", "checkpoints", .. podFields]);
        if (!trainer.IsMap) return otherwise;
        var before = faults.Count;
        var read = new TrainerTemplate
        {
            Gpus = trainer.Whole("gpus", 0, 64) ?? otherwise.Gpus,
            Threads = trainer.Whole("threads", 1, 1_024),
            Kernels = Kernels(trainer) ?? otherwise.Kernels,
            Overrides = Overrides(trainer),
            Command = Command(trainer),
            Metrics = trainer.Boolean("metrics"),
            Checkpoints = Checkpoints(trainer),
            Pod = Pod(trainer),
        };
        // What could not be read would only be missed.
        if (faults.Count == before) new VolumeRules(faults).Check(node, read);
        return read;
    }

    /// <summary>A width is a number to YAML; quotes around it do no harm.</summary>
    private static string? Kernels(FieldReader trainer)
    {
        if (trainer.Get("kernels") is not { } node) return null;
        if (node.Scalar?.ToString() is "auto" or "512" or "256" or "128") return node.Scalar.ToString();
        trainer.Fault("kernels", node, "must be auto, 512, 256 or 128");
        return null;
    }

    private TrainerOverride[] Overrides(FieldReader trainer)
    {
        var items = trainer.List("overrides", 1_000);
        var overrides = new List<TrainerOverride>(items.Count);
        for (var i = 0; i < items.Count; i++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"spec.trainer.overrides[{i}]");
            var item = new FieldReader(faults, items[i], path, ["match", "gpus", "threads", .. podFields]);
            if (!item.IsMap || item.Required("match", "the parameters of the trials that are meant") is not { } match) continue;
            var matched = sweep.Parameters(match, $"{path}.match");
            overrides.Add(new TrainerOverride(matched, item.Whole("gpus", 0, 64), item.Whole("threads", 1, 1_024)) { Pod = Pod(item) });
        }
        return [.. overrides];
    }

    private static string[]? Command(FieldReader trainer)
    {
        if (trainer.Get("command") is null) return null;
        var items = trainer.List("command", 1_000);
        var command = new List<string>(items.Count);
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].Scalar is { Kind: ParameterValueKind.Text } word && (i > 0 || word.AsString().Length > 0))
                command.Add(word.AsString());
            else
                trainer.Fault($"command[{i}]", items[i], "must be text: the program, then its arguments, numbers in quotes");
        }
        return command.Count > 0 ? [.. command] : null;
    }

    private CheckpointSpec Checkpoints(FieldReader trainer)
    {
        var otherwise = new CheckpointSpec();
        if (trainer.Get("checkpoints") is not { } node) return otherwise;
        var checkpoints = new FieldReader(faults, node, "spec.trainer.checkpoints", ["every", "claimName"]);
        return new(
            checkpoints.Time("every", TimeSpan.FromMilliseconds(100)) ?? otherwise.Every,
            new PodReader(faults).Read(checkpoints, PodFields.CheckpointClaim)?.AsString());
    }

    private PodSettings Pod(FieldReader owner) => Pod(owner, PodFields.All, faults);

    /// <summary>Some of a pod's fields; the others are not set.</summary>
    public static PodSettings Pod(FieldReader owner, IReadOnlyList<FieldDefinition> fields, FaultList faults)
    {
        var read = fields.ToDictionary(field => field.Name, field => new PodReader(faults).Read(owner, field));
        return new()
        {
            Image = Of("image")?.AsString(),
            ImagePullPolicy = Of("imagePullPolicy")?.AsString(),
            ImagePullSecrets = Of("imagePullSecrets"),
            ServiceAccountName = Of("serviceAccountName")?.AsString(),
            Labels = Of("labels"),
            Annotations = Of("annotations"),
            Affinity = Of("affinity"),
            Env = Of("env"),
            EnvFrom = Of("envFrom"),
            Resources = Of("resources"),
            NodeSelector = Of("nodeSelector"),
            Tolerations = Of("tolerations"),
            PriorityClassName = Of("priorityClassName")?.AsString(),
            RuntimeClassName = Of("runtimeClassName")?.AsString(),
            QueueName = Of("queueName")?.AsString(),
            Volumes = Of("volumes"),
            VolumeMounts = Of("volumeMounts"),
        };

        ParameterValue? Of(string name) => read.GetValueOrDefault(name);
    }
}
