namespace Hem.Core.Sweeps;

/// <summary>How a trial runs. Not part of its identity: a change here changes no result and no name.</summary>
public sealed record TrainerTemplate
{
    /// <summary>Threads of the trainer; null where the sweep leaves it to Hem (1 at least).</summary>
    public int? Threads { get; init; }

    /// <summary>Which vector kernels the trainer uses: <c>auto</c>, <c>512</c>, <c>256</c> or <c>128</c> bits.</summary>
    public string Kernels { get; init; } = "auto";

    /// <summary>GPUs of a trial; 1 or more means the device cuda.</summary>
    public int Gpus { get; init; }

    /// <summary>Settings for some of the trials; where several match, the later one wins field by field.</summary>
    public IReadOnlyList<TrainerOverride> Overrides { get; init; } = [];

    /// <summary>One machine: the program and its arguments to run instead of hem-trainer.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Clusters: whether trainers serve metrics; null: where the image is Hem's own, which does.</summary>
    public bool? Metrics { get; init; }

    public CheckpointSpec Checkpoints { get; init; } = new();

    /// <summary>What only a cluster uses; read, checked in shape and kept on one machine.</summary>
    public PodSettings Pod { get; init; } = new();

    /// <summary><c>cpu</c> or <c>cuda</c>.</summary>
    public string Device => Gpus > 0 ? "cuda" : "cpu";

    /// <summary>The template of one trial, with the overrides that match its parameters (defaults count as if written) applied.</summary>
    public TrainerTemplate For(ParameterSet parameters)
    {
        var template = this;
        foreach (var item in Overrides)
        {
            if (!ParameterTable.Matches(parameters, item.Match)) continue;
            template = template with
            {
                Gpus = item.Gpus ?? template.Gpus,
                Threads = item.Threads ?? template.Threads,
                Pod = template.Pod.With(item.Pod),
            };
        }
        return template with { Overrides = [] };
    }
}

/// <summary>Settings for the trials whose parameters equal all of <paramref name="Match"/>.</summary>
public sealed record TrainerOverride(ParameterSet Match, int? Gpus = null, int? Threads = null)
{
    public PodSettings Pod { get; init; } = new();
}

/// <summary>How often a trainer saves, and on a cluster the claim that it saves to.</summary>
public sealed record CheckpointSpec(TimeSpan Every, string? ClaimName = null)
{
    public CheckpointSpec()
        : this(TimeSpan.FromSeconds(60))
    {
    }
}

/// <summary>Fields of a trial's pod, with Kubernetes' names and shapes; null: not set.</summary>
public sealed record PodSettings
{
    public string? Image { get; init; }
    public string? ImagePullPolicy { get; init; }
    public ParameterValue? ImagePullSecrets { get; init; }
    public string? ServiceAccountName { get; init; }
    public ParameterValue? Labels { get; init; }
    public ParameterValue? Annotations { get; init; }
    public ParameterValue? Affinity { get; init; }
    public ParameterValue? Env { get; init; }
    public ParameterValue? EnvFrom { get; init; }
    public ParameterValue? Resources { get; init; }
    public ParameterValue? NodeSelector { get; init; }
    public ParameterValue? Tolerations { get; init; }
    public string? PriorityClassName { get; init; }
    public string? RuntimeClassName { get; init; }
    public string? QueueName { get; init; }
    public ParameterValue? Volumes { get; init; }
    public ParameterValue? VolumeMounts { get; init; }

    /// <summary>These settings, replaced by what <paramref name="other"/> sets.</summary>
    public PodSettings With(PodSettings other) => new()
    {
        Image = other.Image ?? Image,
        ImagePullPolicy = other.ImagePullPolicy ?? ImagePullPolicy,
        ImagePullSecrets = other.ImagePullSecrets ?? ImagePullSecrets,
        ServiceAccountName = other.ServiceAccountName ?? ServiceAccountName,
        Labels = other.Labels ?? Labels,
        Annotations = other.Annotations ?? Annotations,
        Affinity = other.Affinity ?? Affinity,
        Env = other.Env ?? Env,
        EnvFrom = other.EnvFrom ?? EnvFrom,
        Resources = other.Resources ?? Resources,
        NodeSelector = other.NodeSelector ?? NodeSelector,
        Tolerations = other.Tolerations ?? Tolerations,
        PriorityClassName = other.PriorityClassName ?? PriorityClassName,
        RuntimeClassName = other.RuntimeClassName ?? RuntimeClassName,
        QueueName = other.QueueName ?? QueueName,
        Volumes = other.Volumes ?? Volumes,
        VolumeMounts = other.VolumeMounts ?? VolumeMounts,
    };
}
