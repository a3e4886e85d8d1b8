namespace Hem.Core.Planning;

/// <summary>
/// Decides what a sweep does next, for one machine (trials are rows, attempts are processes) and for a cluster (trials are HemTrials,
/// attempts are Jobs) alike. Level-triggered: it looks at what is, never at what happened.
/// <code>
/// var observed = new ObservedSweep(desired);           // start: read the records, look at the processes or pods
/// foreach (var trial in ReadAll()) observed.Observe(trial);
/// while (true)
/// {
///     var plan = Planner.Plan(observed, time.GetUtcNow());
///     foreach (var action in plan.Actions) observed.Observe(CarryOut(action));   // what is now true, as read back from the record
///     Publish(plan.Status);
///     if (plan.Status.HasEnded) break;                                            // one machine; an operator just waits
///     if (plan.Actions.Count == 0) await NextObservation(until: plan.NextWake);   // exits, stored Finished, edits: Observe or Edit
/// }
/// </code>
/// </summary>
/// <remarks>
/// <para><b>The contract.</b> Plan promises, for any observed state however old:</para>
/// <list type="number">
/// <item>StartAttempt(t, n) only if every attempt of t that is observed is terminal and n is one more than the greatest number
/// observed. As terminal is for ever and numbers are claimed once, attempt n+1 cannot exist before attempt n has ended, however
/// many planners with however old views there are. No attempt is started for a trial whose Finished is observed.</item>
/// <item>The same observed state and time give the same plan, in the same order. Repeating it is harmless.</item>
/// <item>Live attempts (Starting, Running, Stopping) never exceed parallelism by a start.</item>
/// <item>Nothing about a conflicted object is changed; nothing with an attempt is deleted.</item>
/// </list>
/// <para>The engine promises:</para>
/// <list type="number">
/// <item><b>Records first.</b> StartAttempt first claims the number in the trial's durable record by a conditional write (a primary
/// key, a resourceVersion), and is refused there if the record knows that number or a later one, has a live attempt, or has Finished.
/// Only the holder of the claim launches. A claim found without process or pod after a restart is launched under its own number if the engine
/// can tell that it never was (Jobs have deterministic names), else is recorded as <see cref="AttemptOutcome.NeverLaunched"/>.
/// An attempt's end is in the record before its Job, log or pid file is removed.</item>
/// <item><b>Own writes are observed at once.</b> What CarryOut has read back or written goes into Observe before the next Plan; after
/// a restart the index is filled from reads that cannot be older than the engine's own writes (the store, a quorum list). This
/// is what keeps parallelism; the one-attempt rule holds without it.</item>
/// <item><b>Finished before exit.</b> An exit is observed together with, or after, a read of the store made after the exit: only then
/// does "exit 0 without Finished" mean a failure.</item>
/// <item><b>Every action is idempotent</b>: creating what exists with the same full hash and owner, stopping what is stopping or gone,
/// deleting what is gone, marking what is marked are successes. DeleteTrial is refused if the record has an attempt.</item>
/// <item><b>A refusal is an observation</b>: read the trial again and Observe it. "Already exists" with another hash or owner is
/// observed as <see cref="TrialObservation.Conflict"/>. An error (disk full, 5xx) leaves the observation as it was; the engine
/// backs off and plans again.</item>
/// <item>A stopped attempt that does not leave in its grace period is ended by the engine (137, asked = left).</item>
/// </list>
/// <para>Repeated, late and old observations are allowed everywhere: <see cref="ObservedSweep.Observe"/> says how they are merged.</para>
/// </remarks>
public static class Planner
{
    /// <summary>Trials that are created before there is a place for them, so that a free place is taken at once.</summary>
    public const int Window = 16;

    /// <summary>Plans one step. Costs O(parallelism + log trials).</summary>
    public static Plan Plan(ObservedSweep observed, DateTimeOffset now) => throw new NotSupportedException();

    /// <summary>One trial in words.</summary>
    public static TrialStatus Describe(ObservedSweep observed, string trial, DateTimeOffset now) => throw new NotSupportedException();
}
