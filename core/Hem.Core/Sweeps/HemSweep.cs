namespace Hem.Core.Sweeps;

/// <summary>A sweep as it is written: what a sweep file or a HemSweep object holds.</summary>
public sealed record HemSweep(string ApiVersion, string Kind, SweepMetadata Metadata, SweepSpec Spec)
{
    /// <summary>The API version that this program reads; part of every trial's identity.</summary>
    public const string CurrentApiVersion = "hem.dev/v1alpha1";

    public const string KindName = "HemSweep";

    /// <summary>The longest name of a sweep: with the hash of a trial behind it, it must still be a Kubernetes name.</summary>
    public const int LongestName = 40;

    public HemSweep(string name, SweepSpec spec)
        : this(CurrentApiVersion, KindName, new SweepMetadata(name), spec)
    {
    }

    /// <summary>
    /// The sweep as canonical JSON that <see cref="SweepReader"/> reads back; equal sweeps give equal text. The axes of the grid come out
    /// sorted by name, so configurations may come in another order; their identities do not change.
    /// </summary>
    public string ToJson() => SweepWriter.Write(this);
}

/// <summary>The sweep's name, a DNS label of at most 40 characters.</summary>
public sealed record SweepMetadata(string Name);

/// <summary>What is asked for: configurations (base, cases, grid, exclude), seeds, and how the trials are run.</summary>
public sealed record SweepSpec
{
    /// <summary>Parameters shared by all trials.</summary>
    public ParameterSet Base { get; init; } = ParameterSet.Empty;

    /// <summary>Values that go together, crossed with the grid; empty means one case that sets nothing.</summary>
    public IReadOnlyList<ParameterSet> Cases { get; init; } = [];

    /// <summary>The axes of the cartesian product, in the order of the file: the last one varies fastest.</summary>
    public IReadOnlyList<GridAxis> Grid { get; init; } = [];

    /// <summary>Combinations to leave out: those for which every field of an entry is equal.</summary>
    public IReadOnlyList<ParameterSet> Exclude { get; init; } = [];

    public required SeedSpec Seeds { get; init; }

    /// <summary>How many trials run at once; null: as many as the engine has room for.</summary>
    public int? Parallelism { get; init; }

    public RetrySpec Retries { get; init; } = new();
    public BudgetSpec? Budget { get; init; }
    public bool Suspend { get; init; }

    /// <summary>Seconds after which a finished sweep and its trials are deleted (results stay); null: never.</summary>
    public int? TtlSecondsAfterFinished { get; init; }

    public TrainerTemplate Trainer { get; init; } = new();
}

/// <summary>One axis of the grid: a parameter and the values it takes.</summary>
public sealed record GridAxis(string Name, IReadOnlyList<ParameterValue> Values);

/// <summary>Either a count n, meaning the seeds 1 to n, or the seeds themselves.</summary>
public sealed record SeedSpec
{
    public int? Count { get; private init; }
    public IReadOnlyList<int>? Values { get; private init; }

    public static SeedSpec Of(int count) => new() { Count = count };
    public static SeedSpec Of(IEnumerable<int> values) => new() { Values = values.ToArray() };

    /// <summary>How many seeds there are.</summary>
    public int Total => Values?.Count ?? Count ?? 0;

    /// <summary>The seeds, in order.</summary>
    public IReadOnlyList<int> List => Values ?? Enumerable.Range(1, Count ?? 0).ToArray();
}

/// <summary>How often a trial is tried again: after failures of its own, and after disruptions that it could not help.</summary>
public sealed record RetrySpec(int Failures = 3, int Disruptions = 100);

/// <summary>
/// What a sweep may use: then its trials save and stop, and it ends with reason BudgetExhausted until the budget is raised. GPU hours
/// are GPUs times the time that trials held them.
/// </summary>
public sealed record BudgetSpec(TimeSpan? WallClock = null, double? GpuHours = null);
