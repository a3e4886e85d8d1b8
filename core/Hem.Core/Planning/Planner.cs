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
/// Only the holder of the claim launches. A claim found without process or pod after a restart is launched under its own number
/// if the engine can tell that it never was (Jobs have deterministic names), else is recorded as
/// <see cref="AttemptOutcome.NeverLaunched"/>.
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

    /// <summary>Deletions, marks and re-creations of one step, each; the engine plans again at once, so this only bounds a step.</summary>
    public const int Batch = 256;

    /// <summary>A trainer that still lives this long after its Finished was stored is stopped: it keeps a place.</summary>
    public static readonly TimeSpan FinishGrace = TimeSpan.FromSeconds(30);

    /// <summary>Plans one step. Costs O(parallelism + log trials), and never more than a batch of bookkeeping.</summary>
    public static Plan Plan(ObservedSweep observed, DateTimeOffset now)
    {
        var desired = observed.Desired;
        var accepted = desired.Faults.Count == 0;
        var live = LiveAttempts.Of(observed, now);
        var usage = new SweepUsage(
            new TimeSpan(observed.Activity.Elapsed(live.Since, now.UtcTicks)), new TimeSpan(observed.GpuTicksOver + live.GpuTicks));
        var budget = Budget.Of(desired, usage, live);
        var hold = desired.Suspend ? StopReason.Suspended : budget.Exhausted ? StopReason.BudgetExhausted : (StopReason?)null;

        var actions = new List<PlanAction>();
        StopAttempts(observed, live, hold, accepted, now, actions);
        if (accepted)
            KeepBooks(observed, actions);
        if (accepted && hold is null && budget.MayStart)
            StartAttempts(observed, desired.Parallelism - live.Count, now, actions);

        var status = StatusWriter.Write(observed, live, usage, budget, now);
        return new Plan(actions, status) { NextWake = NextWake(observed, live, budget, hold, accepted, now) };
    }

    /// <summary>One trial in words.</summary>
    public static TrialStatus Describe(ObservedSweep observed, string trial, DateTimeOffset now) =>
        StatusWriter.Describe(observed, trial, now);

    /// <summary>
    /// Everything stops when the sweep is suspended or out of budget; else what is no longer wanted, and, after parallelism was
    /// lowered, the surplus: those that wait for a place first, then the youngest. They save and go on later, so lowering it gives the
    /// machine back now and costs at most what saving costs.
    /// </summary>
    private static void StopAttempts(
        ObservedSweep observed, LiveAttempts live, StopReason? hold, bool accepted, DateTimeOffset now, List<PlanAction> actions)
    {
        var staying = new List<(ObservedSweep.Entry Trial, AttemptObservation Attempt)>();
        foreach (var entry in observed.Live)
            foreach (var attempt in entry.Seen!.Attempts)
            {
                if (attempt.IsTerminal || attempt.Phase == AttemptPhase.Stopping)
                    continue;
                // A trial that is complete is about to exit by itself.
                var reason = entry.Seen.FinishedAt is { } finished ? (now >= finished + FinishGrace ? StopReason.Finished : null)
                    : hold ?? (accepted && entry.Order < 0 ? StopReason.Superseded : (StopReason?)null);
                if (reason is { } why)
                    actions.Add(new StopAttempt(entry.Name, attempt.Number, why));
                else
                    staying.Add((entry, attempt));
            }

        var surplus = staying.Count - Math.Max(0, observed.Desired.Parallelism);
        if (surplus <= 0 || !accepted)
            return;
        foreach (var (trial, attempt) in staying.OrderByDescending(s => s.Attempt.StartedAt ?? DateTimeOffset.MaxValue).Take(surplus))
            actions.Add(new StopAttempt(trial.Name, attempt.Number, StopReason.ParallelismReduced));
    }

    /// <summary>The difference that edits and lost objects leave: removed trials deleted or marked, trials added back unmarked, objects
    /// of complete trials made again.</summary>
    private static void KeepBooks(ObservedSweep observed, List<PlanAction> actions)
    {
        foreach (var entry in observed.ToDelete.Take(Batch))
            actions.Add(new DeleteTrial(entry.Name));
        foreach (var entry in observed.ToMark.Take(Batch))
            actions.Add(new MarkSuperseded(entry.Name));
        foreach (var order in observed.ToClear.Items().Take(Batch))
            actions.Add(new ClearSuperseded(observed.Wanted(order).Name));
        foreach (var order in observed.ToRecreate.Items().Take(Batch))
            actions.Add(Create(observed, order));
    }

    /// <summary>
    /// Begun trials come first, longest due first: finishing what was begun gives answers sooner and keeps few checkpoints around. Then
    /// new ones in the order of the sweep. An attempt starts only when its object is observed; a trial whose object is missing keeps
    /// its place while it is created.
    /// </summary>
    private static void StartAttempts(ObservedSweep observed, int places, DateTimeOffset now, List<PlanAction> actions)
    {
        if (observed.Desired.Parallelism <= 0)
            return;
        places = Math.Max(0, places);
        foreach (var order in observed.Resumable.Due(now.UtcTicks).Take(places))
        {
            var entry = observed.Wanted(order);
            actions.Add(entry.Seen is { Exists: true } ? new StartAttempt(entry.Name, entry.Verdict.NextNumber) : Create(observed, order));
            places--;
        }
        foreach (var order in observed.FreshCreated.Items().Take(places))
            actions.Add(new StartAttempt(observed.Wanted(order).Name, observed.Wanted(order).Verdict.NextNumber));
        foreach (var order in observed.FreshMissing.Items().Take(Math.Max(0, places + Window - observed.FreshCreated.Count)))
            actions.Add(Create(observed, order));
    }

    private static CreateTrial Create(ObservedSweep observed, int order)
    {
        var (name, hash) = observed.Desired.Trials[order];
        return new CreateTrial(name, hash, Complete: observed.Wanted(order).Seen?.FinishedAt is not null);
    }

    private static DateTimeOffset? NextWake(
        ObservedSweep observed, LiveAttempts live, Budget budget, StopReason? hold, bool accepted, DateTimeOffset now)
    {
        var next = live.NextFinishGrace;
        if (hold is null && budget.ExhaustedAfter is { } left && left < DateTimeOffset.MaxValue - now)
            next = Earlier(next, now + left);
        if (hold is null && accepted && observed.Resumable.NextAfter(now.UtcTicks) is { } due)
            next = Earlier(next, new DateTimeOffset(due, TimeSpan.Zero));
        return next;
    }

    private static DateTimeOffset Earlier(DateTimeOffset? a, DateTimeOffset b) => a < b ? a.Value : b;
}
