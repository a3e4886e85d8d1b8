using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Hem.Kubernetes;
using Hem.Operator.Api.Schema;

namespace Hem.Operator.Api;

[Description("Which trial this is. It never changes.")]
[Rule("self == oldSelf", "a trial never changes: edit the sweep")]
internal sealed record HemTrialSpec
{
    [Required]
    [Description("The sweep's name.")]
    [StringLength(40, MinimumLength = 1)]
    public string Sweep { get; init; } = "";

    [Required]
    [Description("The sweep's UID: a sweep that was deleted and made again has other trials.")]
    [StringLength(64, MinimumLength = 1)]
    public string SweepUid { get; init; } = "";

    [Required]
    [Description("The whole hash of the trial's identity; the trial's name ends with its first 16 digits.")]
    [StringLength(64, MinimumLength = 64)]
    [RegularExpression("^[0-9a-f]{64}$")]
    public string Hash { get; init; } = "";

    [Required]
    [Description("The random seed.")]
    [Range(0, int.MaxValue)]
    public int Seed { get; init; }

    [Required]
    [Description("Id of the configuration: 16 hex digits, the same for all its seeds.")]
    [StringLength(16, MinimumLength = 16)]
    [RegularExpression("^[0-9a-f]{16}$")]
    public string Configuration { get; init; } = "";

    [Required]
    [Description("Every parameter that the algorithm and task use, with defaults written out.")]
    [Shape(typeof(ResolvedParameters))]
    public JsonElement Parameters { get; init; }
}

internal enum HemTrialPhase
{
    Pending,
    BackingOff,
    Running,
    Succeeded,
    Failed,
    Conflicted,
    Superseded,
}

[Description("Where the trial is.")]
internal sealed record HemTrialStatus
{
    /// <summary>In bytes; <see cref="StatusText.Shorten"/> keeps to it.</summary>
    public const int LongestMessage = 1_024;

    [Description(
        "Pending: waits for its turn or its pod. BackingOff: waits to be tried again. Running: an attempt lives. Succeeded: its "
        + "Finished is stored. Failed: for good. Conflicted: its name is taken by another trial. Superseded: no longer part of the sweep.")]
    public HemTrialPhase? Phase { get; init; }

    [Description("Attempts that were started.")]
    public int? Attempts { get; init; }

    [Description("Attempts that failed.")]
    public int? Failures { get; init; }

    [Description("Attempts that were disrupted: preempted, evicted, their node lost.")]
    public int? Disruptions { get; init; }

    [Description("Attempts after the first that followed a failure or a disruption.")]
    public int? Retries { get; init; }

    [Description(
        "Iterations done, of all: 40/80. Written every two minutes, once half of them are done, and whenever the phase changes: every "
        + "evaluation is in the sweep's answers (`hem report -n`) and metrics.")]
    public string? Progress { get; init; }

    [Description("Success rate of the last evaluation, from 0 to 1.")]
    public double? SuccessRate { get; init; }

    [Description("Why it is in this phase, in CamelCase.")]
    public string? Reason { get; init; }

    [Description("The same for people, with the last words of a trainer that failed.")]
    public string? Message { get; init; }

    [Description("The pod of the last attempt.")]
    public string? PodName { get; init; }

    [Description("When the first attempt started.")]
    public DateTimeOffset? StartTime { get; init; }

    [Description("When the trial succeeded or failed for good.")]
    public DateTimeOffset? CompletionTime { get; init; }

    [Description("The generation that this status is of.")]
    public long? ObservedGeneration { get; init; }

    [Description("Complete: the trial succeeded. Failed: it failed for good.")]
    [ListType("map", "type")]
    [Length(0, 16)]
    public IReadOnlyList<V1Condition>? Conditions { get; init; }
}
