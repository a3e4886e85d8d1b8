using Hem.Core.Sweeps;

namespace Hem.Cli.Engine;

/// <summary>A trial as displays name it.</summary>
internal sealed record TrialLabel(string Name, string Configuration, long Seed)
{
    public override string ToString() => $"{Configuration} seed {Seed}";
}

/// <summary>Something that happened in a run and that a person or a script may want to know.</summary>
internal abstract record RunEvent;

internal sealed record SweepStarted(string Sweep, int Total, int Done, int Parallelism, string Store) : RunEvent;

internal sealed record AttemptStarted(TrialLabel Trial, int Attempt, int Pid, bool Adopted, string LogFile) : RunEvent;

internal sealed record TrialEvaluated(
    TrialLabel Trial, int Attempt, long Iteration, long Iterations, double SuccessRate, double? StepsPerSecond)
    : RunEvent;

internal sealed record TrialFinished(TrialLabel Trial, long Iteration, double? SuccessRate, bool StoppedEarly, double WallSeconds)
    : RunEvent;

/// <param name="Kind">"failed", "disrupted" or "left".</param>
/// <param name="Next">What happens now, in words: "retried", "out of retries", "goes on when the sweep does".</param>
/// <param name="Final">The trial has failed for good.</param>
internal sealed record AttemptEnded(TrialLabel Trial, int Attempt, string Kind, string Reason, string LogFile, string Next, bool Final)
    : RunEvent;

/// <summary>A message of the run as a whole.</summary>
/// <param name="Warning">Something is wrong, though the run goes on.</param>
internal sealed record RunNotice(string Text, bool Warning = false) : RunEvent;

/// <summary>What a run tells while it goes on. Called from one thread at a time.</summary>
internal interface IRunDisplay : IDisposable
{
    /// <summary>How often <see cref="Refresh"/> should be called while nothing happens; null: not at all.</summary>
    TimeSpan? RefreshEvery { get; }

    void Show(RunEvent happened);

    void Refresh(Func<Terminal.RunView> view);

    /// <summary>The run is over: what was only there for the moment goes, what is to stay stays.</summary>
    void Finish();
}
