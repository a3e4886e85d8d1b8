using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api.Schema;

namespace Hem.Operator.Api;

/// <summary>Its size does not depend on the number of trials, and stays under <see cref="MostBytes"/>.</summary>
[Description("What the operator sees. Its size does not depend on the number of trials.")]
internal sealed record HemSweepStatus
{
    /// <summary>As JSON in UTF-8.</summary>
    public const int MostBytes = 4096;

    /// <summary>Longest messages, in bytes: of Accepted, which names every fault, and of the other conditions.</summary>
    public const int LongestFaults = 1_400, LongestMessage = 300;

    public const int LongestLabel = 200;

    /// <summary>Condition: the operator has the newest checkpoint of each trial without a claim. Absent where it always had.</summary>
    public const string CheckpointsKept = "CheckpointsKept";

    [Description("The generation of the spec that this status is of.")]
    public long? ObservedGeneration { get; init; }

    [Description(
        "Invalid: the spec has faults, see the condition Accepted. Progressing: trials run or wait. Suspending and Stopping: trials save "
        + "and leave. Complete: all trials are done. CompleteWithFailures: some failed for good.")]
    public SweepState? State { get; init; }

    [Description("How many trials the spec asks for.")]
    public int? Trials { get; init; }

    [Description("Trials that are complete.")]
    public int? Done { get; init; }

    [Description("Trials with an attempt that was started and has not ended.")]
    public int? Running { get; init; }

    [Description("Trials that wait, those that wait to be tried again included.")]
    public int? Waiting { get; init; }

    [Description("Trials that failed for good, or whose name is taken by something else.")]
    public int? Failed { get; init; }

    [Description("Trials of an earlier spec that are kept but no longer asked for.")]
    public int? Superseded { get; init; }

    public BestConfiguration? Best { get; init; }

    public SweepUsageStatus? Usage { get; init; }

    [Description("When the first attempt started.")]
    public DateTimeOffset? StartTime { get; init; }

    [Description("When the last attempt ended, once the sweep has ended.")]
    public DateTimeOffset? CompletionTime { get; init; }

    [Description(
        "Accepted: the spec is sound; else every fault with its field. Progressing: why trials wait. Complete: all trials are done. "
        + "Suspended: nothing runs, as asked. CheckpointsKept (where that was ever in question): false while checkpoints find no room.")]
    [ListType("map", "type")]
    [Length(0, 16)]
    public IReadOnlyList<V1Condition>? Conditions { get; init; }
}

[Description("The configuration with the highest score so far; of a sweep with several tasks, none.")]
internal sealed record BestConfiguration
{
    [Required]
    [Description("The parameters that tell it from the others, for example N=20.")]
    public string? Configuration { get; init; }

    [Description("Its id: 16 hex digits.")]
    public string? Id { get; init; }

    [Required]
    [Description("Its final success rate, from 0 to 1: the interquartile mean over seeds, or with few seeds the mean.")]
    public double? Score { get; init; }

    [Description("interquartileMean or mean.")]
    public string? Measure { get; init; }

    [Description("The 95% interval of the score, [low, high]; absent with too few seeds.")]
    [ListType("atomic")]
    [Length(2, 2)]
    public IReadOnlyList<double>? Interval { get; init; }

    [Description("How many seeds of it are done.")]
    public int? Seeds { get; init; }
}

[Description("What the sweep has used, as its budget counts it.")]
internal sealed record SweepUsageStatus
{
    [Description("Seconds in which at least one trial ran.")]
    public long? WallClockSeconds { get; init; }

    [Description("GPUs times the hours that trials held them.")]
    public double? GpuHours { get; init; }
}
