using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Hem.Core.Sweeps;
using Hem.Operator.Api.Schema;

namespace Hem.Operator.Api;

/// <summary>
/// The shape of a sweep's spec, from which its resource definition is written. What is in an object is read by Hem.Core's SweepReader, as
/// it is from a file: nobody makes an instance of this.
/// </summary>
[Description(
    "What is asked for: configurations (base, cases, grid, exclude), seeds, and how the trials are run. A trial is a configuration with a "
    + "seed. An edit means the difference: what is new runs, what is no longer asked for stops, and what is done stays done.")]
[Rule(
    "(has(self.base) && has(self.base.algorithm)) || (has(self.grid) && has(self.grid.algorithm)) || "
    + "(has(self.cases) && self.cases.all(c, has(c.algorithm)))",
    "algorithm must be set in base, in grid or in every one of cases")]
[Rule(
    "(has(self.base) && has(self.base.task)) || (has(self.grid) && has(self.grid.task)) || "
    + "(has(self.cases) && self.cases.all(c, has(c.task)))",
    "task must be set in base, in grid or in every one of cases")]
internal sealed class HemSweepSpec
{
    [Description("Parameters shared by all trials. What neither base, cases nor grid set has its default.")]
    public ParameterValues? Base { get; init; }

    [Description(
        "Values that go together: each entry sets several parameters at once (over base), and each is crossed with the grid. A parameter "
        + "is either in the cases or in the grid.")]
    [Length(1, Expansion.MostCases)]
    [ListType("atomic")]
    [Each(Description = "Parameters that this case sets.")]
    public IReadOnlyList<ParameterValues>? Cases { get; init; }

    [Description(
        "The axes of the cartesian product: for each parameter a list of values to try, for example {\"N\": [5, 10, 20]}. Quote \"N\": "
        + "a bare N is false to kubectl's YAML.")]
    public ParameterAxes? Grid { get; init; }

    [Description(
        "Combinations to leave out: those for which every field of an entry is equal, defaults included. An entry that drops nothing is a "
        + "fault.")]
    [Length(1, Expansion.MostExclusions)]
    [ListType("atomic")]
    [Each(Description = "Parameters that a combination must all have to be left out.", MinProperties = 1)]
    public IReadOnlyList<ParameterValues>? Exclude { get; init; }

    [Required]
    public SeedShape? Seeds { get; init; }

    [Description(
        "How many trials run at once; the others wait, and those with the first seed go first. Default: as the operator is set (100 if "
        + "nobody changed it); on one machine, its processors.")]
    [Range(1, Expansion.MostTrials)]
    public int? Parallelism { get; init; }

    [DefaultValue("{}")]
    public RetryShape? Retries { get; init; }

    public BudgetShape? Budget { get; init; }

    [Description("Nothing starts, and what runs saves and stops; set to false, it goes on from there.")]
    [DefaultValue(false)]
    public bool? Suspend { get; init; }

    [Description(
        "Seconds after which the finished sweep and its trials are deleted; results stay in Hem's store. Default: they are kept. "
        + "For example 604800: a week.")]
    [Range(0, int.MaxValue)]
    public int? TtlSecondsAfterFinished { get; init; }

    [DefaultValue("{}")]
    public TrainerShape? Trainer { get; init; }
}

[Description("The random seeds that every configuration is run with: either count or values.")]
[PropertyCount(1, 1)]
[Rule("has(self.count) != has(self.values)", "must have either count (seeds 1 to count) or values (the seeds themselves)")]
internal sealed class SeedShape
{
    [Description("The seeds 1 to count. More seeds later run only the difference.")]
    [Range(1, Expansion.MostTrials)]
    public int? Count { get; init; }

    [Description("The seeds themselves, for example [1, 7, 9].")]
    [Length(1, Expansion.MostTrials)]
    [ListType("set")]
    [Each(Min = 0, Max = int.MaxValue)]
    public IReadOnlyList<int>? Values { get; init; }
}

[Description("How often a trial is tried again, after a wait that doubles with each failure, from a second to five minutes.")]
internal sealed class RetryShape
{
    [Description("Failures that are forgiven: a trainer that crashed, ran out of memory or said Failed. Exit code 64 is never forgiven.")]
    [Range(0, 1_000)]
    [DefaultValue(3)]
    public int? Failures { get; init; }

    [Description("Disruptions that are forgiven: a preemption, an eviction, a lost node.")]
    [Range(0, 100_000)]
    [DefaultValue(100)]
    public int? Disruptions { get; init; }
}

[Description(
    "What the sweep may use. Then its trials save and stop, and it ends as BudgetExhausted until the budget is raised.")]
internal sealed class BudgetShape
{
    [Description("Time in which at least one trial ran, for example 12h or 1h30m; from 1s. Default: no limit.")]
    [RegularExpression(Durations.Pattern)]
    [StringLength(Durations.Longest, MinimumLength = 2)]
    public string? WallClock { get; init; }

    [Description("GPU hours: GPUs times the hours that trials held them. Default: no limit.")]
    [Range(0.001, 1e9)]
    public double? GpuHours { get; init; }
}

/// <summary>What the schema says of durations: the units of <see cref="Duration"/> in their order.</summary>
internal static class Durations
{
    private const string Number = "[0-9]+([.][0-9]*)?";
    public const string Pattern = $"^({Number}d)?({Number}h)?({Number}m)?({Number}s)?({Number}ms)?$";
    public const int Longest = 40;
}
