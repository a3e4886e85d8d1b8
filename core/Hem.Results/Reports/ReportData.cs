namespace Hem.Results.Reports;

/// <summary>
/// All that a report says, free of where it is stored. Everything here may be partial: trials may still run, have failed or wait.
/// </summary>
public sealed partial record ReportData
{
    /// <summary>The sweep's name.</summary>
    public required string Sweep { get; init; }

    /// <summary>When the data were read.</summary>
    public required DateTimeOffset ReadAt { get; init; }

    /// <summary>When the sweep was first started, where known.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Path of the sweep file as the user gave it, where known.</summary>
    public string? SweepFile { get; init; }

    /// <summary>Version of Hem that writes the report.</summary>
    public string HemVersion { get; init; } = typeof(ReportData).Assembly.GetName().Version?.ToString(3) ?? "unknown";

    /// <summary>
    /// Parameters that the sweep sets, the candidates for labels; null: all. It keeps out of the labels those that differ only because
    /// their defaults depend on another parameter.
    /// </summary>
    public IReadOnlyCollection<string>? ParametersSet { get; init; }

    /// <summary>In the order of the sweep.</summary>
    public required IReadOnlyList<ReportConfiguration> Configurations { get; init; }
}

/// <summary>One combination of parameters, run once per seed.</summary>
public sealed record ReportConfiguration
{
    /// <summary>16 hex digits.</summary>
    public required string Id { get; init; }

    /// <summary>The parameters that vary in the sweep, e.g. <c>task=flipbit-25, N=20</c>.</summary>
    public required string Label { get; init; }

    /// <summary>
    /// Every parameter that was set or resolved, as text: numbers as in JSON, strings without quotes, objects as JSON. The report needs
    /// <c>task</c> (one section each), <c>evaluationEpisodes</c> (evaluation error; unknown without it) and those that vary.
    /// </summary>
    public required IReadOnlyDictionary<string, string> Parameters { get; init; }

    /// <summary>The sweep was edited and no longer asks for this configuration: kept in the data, out of figures and ranking.</summary>
    public bool Superseded { get; init; }

    /// <summary>One per seed.</summary>
    public required IReadOnlyList<ReportTrial> Trials { get; init; }
}

/// <summary>How far a trial is.</summary>
public enum ReportTrialState
{
    /// <summary>Not started, or between two attempts.</summary>
    Waiting,

    /// <summary>An attempt is under way.</summary>
    Running,

    /// <summary>Finished is stored. Only these count in final scores.</summary>
    Complete,

    /// <summary>Out of retries.</summary>
    Failed,
}

/// <summary>One trial: a configuration with a seed.</summary>
public sealed record ReportTrial
{
    /// <summary>Name, as in logs and in the store.</summary>
    public required string Name { get; init; }

    /// <summary>The seed.</summary>
    public required long Seed { get; init; }

    /// <summary>How far it is.</summary>
    public required ReportTrialState State { get; init; }

    /// <summary>The sweep was edited and no longer asks for this trial.</summary>
    public bool Superseded { get; init; }

    /// <summary>Ended by <c>stopAt</c>: its last value stands for the rest of the curve.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>Attempts so far.</summary>
    public int Attempts { get; init; }

    /// <summary>Attempts that failed.</summary>
    public int Failures { get; init; }

    /// <summary>Attempts that were disrupted (killed, preempted, lost).</summary>
    public int Disruptions { get; init; }

    /// <summary>Why it failed, or the reason of the last failure, where there was one.</summary>
    public string? Reason { get; init; }

    /// <summary>In the order of iterations.</summary>
    public IReadOnlyList<ReportPoint> Points { get; init; } = [];
}

/// <summary>One evaluation.</summary>
/// <param name="Iteration">Iterations completed.</param>
/// <param name="Trajectories">Trajectories collected so far, all workers together.</param>
/// <param name="EnvSteps">Environment steps so far.</param>
/// <param name="Updates">Gradient steps so far.</param>
/// <param name="SuccessRate">0..1.</param>
/// <param name="Loss">Mean training loss since the last point; NaN where there is none.</param>
/// <param name="WallSeconds">Training and evaluation, over all attempts, s.</param>
/// <param name="GoalCoverage">Distinct goals that an iteration's episodes achieved, mean since the last point; null where unknown.</param>
public readonly record struct ReportPoint(
    long Iteration, long Trajectories, long EnvSteps, long Updates, double SuccessRate, double Loss, double WallSeconds,
    double? GoalCoverage = null);
