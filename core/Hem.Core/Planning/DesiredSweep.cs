using Hem.Core.Sweeps;

namespace Hem.Core.Planning;

/// <summary>A trial that the sweep asks for: its name (<c>&lt;sweep&gt;-&lt;16 hex&gt;</c>) and the full hash of its identity.</summary>
public readonly record struct DesiredTrial(string Name, string Hash);

/// <summary>
/// What the sweep's owner wants: the expanded trials and the settings of the spec that planning needs. The planner never changes it;
/// a spec that was edited is a new <see cref="DesiredSweep"/>, given to <see cref="ObservedSweep.Edit"/>.
/// </summary>
public sealed record DesiredSweep
{
    /// <summary>The trials in the order of the expansion, which is the order in which they start. Names are unique.</summary>
    public required IReadOnlyList<DesiredTrial> Trials { get; init; }

    /// <summary>Attempts that may live at once. 0 stops everything, as <see cref="Suspend"/> does.</summary>
    public required int Parallelism { get; init; }

    /// <summary>What is forgiven: with 3 failures, the fourth is the trial's last. Disruptions count apart.</summary>
    public RetrySpec Retries { get; init; } = new();

    /// <summary>Limit of <see cref="SweepUsage.WallClock"/>; null = none.</summary>
    public TimeSpan? WallClock { get; init; }

    /// <summary>Limit of <see cref="SweepUsage.GpuTime"/>, in GPU hours; null = none.</summary>
    public double? GpuHours { get; init; }

    /// <summary>Running attempts save and leave, nothing starts. `hem run` also sets it when it is interrupted.</summary>
    public bool Suspend { get; init; }

    /// <summary>Version of the spec, copied to <see cref="SweepStatus.ObservedGeneration"/>.</summary>
    public long Generation { get; init; } = 1;

    /// <summary>
    /// Why the spec is not accepted, each with its field path. If there are any, <see cref="Trials"/> means nothing: nothing is
    /// created, started, deleted or superseded, what runs goes on, and only suspend and budget still stop it.
    /// </summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>What a sweep asks for.</summary>
    /// <param name="sweep">As read.</param>
    /// <param name="expansion">Of that sweep; its faults become <see cref="Faults"/>.</param>
    /// <param name="defaultParallelism">Used where the spec says nothing.</param>
    /// <param name="generation">Version of the spec.</param>
    public static DesiredSweep From(HemSweep sweep, SweepExpansion expansion, int defaultParallelism, long generation = 1) => new()
    {
        Trials = [.. expansion.Trials.Select(trial => new DesiredTrial(trial.Name, trial.Hash))],
        Parallelism = sweep.Spec.Parallelism ?? defaultParallelism,
        Retries = sweep.Spec.Retries,
        WallClock = sweep.Spec.Budget?.WallClock,
        GpuHours = sweep.Spec.Budget?.GpuHours,
        Suspend = sweep.Spec.Suspend,
        Generation = generation,
        Faults = [.. expansion.Faults.Select(fault => fault.ToString())],
    };
}
