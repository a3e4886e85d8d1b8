namespace Hem.Core.Planning;

public enum StopReason { Suspended, BudgetExhausted, Superseded, ParallelismReduced, Finished }

/// <summary>One thing for the engine to do now. What each promises is said at <see cref="Planner"/>.</summary>
public abstract record PlanAction(string Trial);

/// <summary>Create the trial object.</summary>
/// <param name="Complete">Its Finished is stored, so it is born complete and gets no attempt.</param>
public sealed record CreateTrial(string Trial, string Hash, bool Complete) : PlanAction(Trial);

/// <summary>Claim attempt <paramref name="Number"/> and launch it. Refused if the record knows this number or a later one.</summary>
public sealed record StartAttempt(string Trial, int Number) : PlanAction(Trial);

/// <summary>Ask the attempt to save and leave (exit code 143), whatever it is doing.</summary>
public sealed record StopAttempt(string Trial, int Number, StopReason Reason) : PlanAction(Trial);

/// <summary>Delete the object of a trial that is no longer wanted and never had an attempt.</summary>
public sealed record DeleteTrial(string Trial) : PlanAction(Trial);

/// <summary>Record that the trial is no longer part of the sweep: kept, but out of the ranking.</summary>
public sealed record MarkSuperseded(string Trial) : PlanAction(Trial);

/// <summary>Take the mark off again: the value was added back.</summary>
public sealed record ClearSuperseded(string Trial) : PlanAction(Trial);

/// <summary>What to do now, and what the sweep looks like before it is done.</summary>
public sealed record Plan(IReadOnlyList<PlanAction> Actions, SweepStatus Status)
{
    /// <summary>Plan again at this time even if nothing is observed before; null = only when something is observed.</summary>
    public DateTimeOffset? NextWake { get; init; }
}

public enum TrialPhase
{
    /// <summary>Could start now, waits for its turn.</summary>
    Waiting,

    /// <summary>Its last attempt failed or was disrupted; it may start again later.</summary>
    BackingOff,

    /// <summary>An attempt lives (Starting, Running or Stopping).</summary>
    Running,
    Finished,

    /// <summary>Failed for good.</summary>
    Failed,

    /// <summary>Its name is taken by something that is not ours.</summary>
    Conflicted,

    /// <summary>No longer part of the sweep.</summary>
    Superseded,
}

/// <summary>One trial in words, for a status line or a HemTrial's status.</summary>
/// <param name="Reason">One line: why it failed, or what it waits for; empty where the phase says it all.</param>
/// <param name="RetryAt">With BackingOff: when it may start again.</param>
public sealed record TrialStatus(TrialPhase Phase, string Reason, int Attempts, int Failures, int Disruptions, DateTimeOffset? RetryAt);

/// <summary>Trials by phase; all but Superseded add up to Total, the number of trials that the sweep asks for.</summary>
/// <param name="Stopping">Of the running ones: asked to save and leave.</param>
/// <param name="Starting">Of the running ones: claimed, not yet running.</param>
public sealed record TrialCounts(
    int Total, int Waiting, int BackingOff, int Running, int Finished, int Failed, int Conflicted, int Superseded,
    int Starting, int Stopping);

/// <summary>What the sweep has used, from the attempts' times alone: the same after a restart and in both engines.</summary>
/// <param name="WallClock">
/// Time in which the sweep was active: at least one attempt held its process or pod (the union of the attempts' times, not their sum).
/// Suspended time, waiting in a queue and time in which the machine was off are not active.
/// </param>
/// <param name="GpuTime">Sum over all attempts of time held times GPUs.</param>
public sealed record SweepUsage(TimeSpan WallClock, TimeSpan GpuTime);

public enum ConditionType { Accepted, Progressing, Complete, Suspended }

/// <summary>As Kubernetes' conditions.</summary>
/// <param name="Reason">In CamelCase, for programs.</param>
/// <param name="Message">One line, for people.</param>
public sealed record Condition(ConditionType Type, bool Status, string Reason, string Message);

public enum SweepState { Invalid, Progressing, Suspending, Suspended, Stopping, BudgetExhausted, Complete, CompleteWithFailures }

/// <summary>The sweep as observed; its size does not depend on the number of trials.</summary>
public sealed record SweepStatus(SweepState State, TrialCounts Counts, SweepUsage Usage, IReadOnlyList<Condition> Conditions)
{
    public long ObservedGeneration { get; init; }

    /// <summary>Name and fault of conflicted trials, the first few.</summary>
    public IReadOnlyList<(string Trial, string Fault)> Faults { get; init; } = [];

    /// <summary>When the last attempt ended, once the sweep has ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>No attempt lives and none will start unless the spec is edited (a suspended sweep has not ended).</summary>
    public bool HasEnded => State is SweepState.Complete or SweepState.CompleteWithFailures or SweepState.BudgetExhausted;

    public Condition this[ConditionType type] => Conditions.First(c => c.Type == type);
}
