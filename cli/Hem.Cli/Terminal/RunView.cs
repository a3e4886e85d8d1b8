namespace Hem.Cli.Terminal;

/// <summary>What a run looks like at one moment: everything that a display needs, and no more.</summary>
internal sealed record RunView
{
    public required string Sweep { get; init; }

    public int Total { get; init; }

    public int Done { get; init; }

    public int Waiting { get; init; }

    public int Failed { get; init; }

    /// <summary>Share of the sweep's work that is done, running trials counted in part; 0..1.</summary>
    public double Progress { get; init; }

    public TimeSpan Elapsed { get; init; }

    public TimeSpan? Left { get; init; }

    public IReadOnlyList<RunningTrial> Running { get; init; } = [];

    /// <summary>Configurations with their finished seeds, in the order of the sweep.</summary>
    public IReadOnlyList<ConfigurationRow> Configurations { get; init; } = [];

    /// <summary>Trials that failed for good, newest last.</summary>
    public IReadOnlyList<FailedTrial> Failures { get; init; } = [];

    /// <summary>One line at the bottom: what a person can do now.</summary>
    public string Hint { get; init; } = "";
}

/// <param name="State">"starting", "training", "saving" or "adopted".</param>
/// <param name="Curve">Success rates so far, oldest first.</param>
/// <param name="StepsPerSecond">Environment steps a second since the last evaluation.</param>
internal sealed record RunningTrial(
    string Label,
    long Seed,
    int Attempt,
    string State,
    double? SuccessRate,
    IReadOnlyList<double> Curve,
    long Iteration,
    long Iterations,
    double? StepsPerSecond,
    TimeSpan? Left);

/// <param name="Done">Seeds that are complete.</param>
/// <param name="Success">Mean over the complete seeds of their last success rate.</param>
internal sealed record ConfigurationRow(string Label, int Seeds, int Done, double? Success);

internal sealed record FailedTrial(string Label, long Seed, string Reason, string LogFile);
