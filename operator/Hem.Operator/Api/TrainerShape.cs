using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Hem.Core.Sweeps;
using Hem.Operator.Api.Schema;

namespace Hem.Operator.Api;

[Description("How a trial runs: its pod. Not part of a trial's identity; a change here holds for attempts that start later.")]
[PodFields]
[Rule(
    "!has(self.command) || has(self.image) || (has(self.overrides) && self.overrides.exists(o, has(o.image)))",
    "command needs image: the operator's own trainer image holds no other program")]
[Rule(MountsRule, "every volumeMount must name one of volumes")]
internal sealed class TrainerShape
{
    private const string MountsRule =
        "!has(self.volumeMounts) || self.volumeMounts.all(m, (has(self.volumes) && self.volumes.exists(v, v.name == m.name)) || "
        + "(has(self.overrides) && self.overrides.exists(o, has(o.volumes))))";

    [Description("GPUs of each trial: 1 or more means a limit nvidia.com/gpu, the GPU image, and the device cuda.")]
    [Range(0, 64)]
    [DefaultValue(0)]
    public int? Gpus { get; init; }

    [Description("Threads of the trainer. Default: 1. Results do not depend on it.")]
    [Range(1, 1_024)]
    public int? Threads { get; init; }

    [Description("Width in bits of the vector kernels that the trainer uses: auto, 512, 256 or 128. Results do not depend on it.")]
    [DefaultValue("auto")]
    public KernelWidth? Kernels { get; init; }

    [Description("Settings for some of the trials. Where several entries match a trial, the later one wins, field by field.")]
    [Length(1, 1_000)]
    [ListType("atomic")]
    public IReadOnlyList<OverrideShape>? Overrides { get; init; }

    [Description(
        "The program and its arguments to run instead of the image's entry point. On a cluster it needs image; on one machine it is run as "
        + "it is. It follows docs/trainer-contract.md.")]
    [Length(1, 1_000)]
    [ListType("atomic")]
    [Each(MaxLength = 32_768)]
    [Rule("self[0].size() > 0", "must begin with the name of a program")]
    public IReadOnlyList<string>? Command { get; init; }

    [Description(
        "Whether trainers serve metrics at HEM_METRICS_PORT, and their pods have the port metrics for it. Default: those of the operator's "
        + "own trainer images do, those of an image that the sweep names do not.")]
    public bool? Metrics { get; init; }

    [DefaultValue("{}")]
    public CheckpointShape? Checkpoints { get; init; }
}

[Description("Settings for the trials that match.")]
[PodFields]
internal sealed class OverrideShape
{
    [Required]
    [Description("The parameters that a trial must all have, defaults included. Empty: every trial.")]
    public ParameterValues? Match { get; init; }

    [Description("GPUs of each of these trials.")]
    [Range(0, 64)]
    public int? Gpus { get; init; }

    [Description("Threads of these trials' trainers.")]
    [Range(1, 1_024)]
    public int? Threads { get; init; }
}

[Description("How often a trainer saves, and where to. A trial whose pod is lost goes on from its last checkpoint.")]
internal sealed class CheckpointShape
{
    [Description("Time between two checkpoints, for example 60s or 10m; from 100ms.")]
    [RegularExpression(Durations.Pattern)]
    [StringLength(Durations.Longest, MinimumLength = 2)]
    [DefaultValue("60s")]
    public string? Every { get; init; }

    [Description(
        "A PersistentVolumeClaim of the sweep's namespace to save to, a folder for each trial; trials on several nodes need ReadWriteMany. "
        + "Default: checkpoints go to the operator, up to 64 MiB a trial.")]
    [StringLength(253, MinimumLength = 1)]
    [RegularExpression(PodFields.NamePattern)]
    public string? ClaimName { get; init; }
}
