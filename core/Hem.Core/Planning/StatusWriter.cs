using System.Globalization;

namespace Hem.Core.Planning;

/// <summary>The sweep and its trials in words.</summary>
internal static class StatusWriter
{
    private const int FaultsNamed = 5;
    private const int WaitingReasonsNamed = 2;

    public static SweepStatus Write(ObservedSweep observed, LiveAttempts live, SweepUsage usage, Budget budget, DateTimeOffset now)
    {
        var due = observed.Resumable.CountDue(now.UtcTicks);
        var backingOff = observed.Resumable.Count - due;
        var counts = new TrialCounts(
            Total: observed.Desired.Trials.Count,
            Waiting: observed.CountOf(TrialPhase.Waiting) - backingOff,
            BackingOff: backingOff,
            Running: observed.CountOf(TrialPhase.Running),
            Finished: observed.CountOf(TrialPhase.Finished),
            Failed: observed.CountOf(TrialPhase.Failed),
            Conflicted: observed.CountOf(TrialPhase.Conflicted),
            Superseded: observed.CountOf(TrialPhase.Superseded),
            Starting: live.Starting,
            Stopping: live.Stopping);
        var state = StateOf(observed.Desired, counts, live, budget);
        var status = new SweepStatus(state, counts, usage, Conditions(observed, state, counts, live, budget, now))
        {
            ObservedGeneration = observed.Desired.Generation,
            Faults = [.. observed.Conflicted.Items().Take(FaultsNamed).Select(order =>
                (observed.Wanted(order).Name, TrialVerdict.ConflictOf(observed.Desired.Trials[order], observed.Wanted(order).Seen!)!))],
        };
        return status.HasEnded && observed.Activity.LastEnd is { } end
            ? status with { EndedAt = new DateTimeOffset(end, TimeSpan.Zero) }
            : status;
    }

    public static TrialStatus Describe(ObservedSweep observed, string trial, DateTimeOffset now)
    {
        if (observed.EntryOf(trial) is not { } entry)
            return new TrialStatus(TrialPhase.Superseded, "not part of the sweep", 0, 0, 0, null);
        var verdict = entry.Verdict;
        var last = entry.Seen is { Attempts: [.., var latest] } ? latest : null;
        var backsOff = verdict is { CanStart: true, Begun: true } && verdict.Due > now.UtcTicks;
        var phase = backsOff ? TrialPhase.BackingOff : verdict.Phase;
        var reason = phase switch
        {
            TrialPhase.Conflicted => TrialVerdict.ConflictOf(observed.Desired.Trials[entry.Order], entry.Seen!)!,
            TrialPhase.Failed when verdict.Disruptions > observed.Desired.Retries.Disruptions =>
                $"disrupted {Words.Count(verdict.Disruptions, "time")}, the last time: {Why(last)}",
            TrialPhase.Failed when verdict.Failures > observed.Desired.Retries.Failures =>
                $"failed {Words.Count(verdict.Failures, "time")}, the last time: {Why(last)}",
            TrialPhase.Failed or TrialPhase.BackingOff => Why(last),
            TrialPhase.Waiting when last is not null => Why(last),
            TrialPhase.Running => last?.Waiting ?? "",
            _ => "",
        };
        return new TrialStatus(phase, reason, entry.Seen?.Attempts.Count ?? 0, verdict.Failures, verdict.Disruptions,
            backsOff ? new DateTimeOffset(verdict.Due, TimeSpan.Zero) : null);
    }

    private static string Why(AttemptObservation? last) => last?.Ended switch
    {
        null => "",
        { Result: AttemptResult.Completed } => "exit code 0, but its Finished was never stored",
        var ended => ended.Reason,
    };

    private static SweepState StateOf(DesiredSweep desired, TrialCounts counts, LiveAttempts live, Budget budget)
    {
        if (desired.Faults.Count > 0)
            return SweepState.Invalid;
        if (counts.Waiting + counts.BackingOff + counts.Running == 0 && live.Count == 0)
            return counts.Failed + counts.Conflicted == 0 ? SweepState.Complete : SweepState.CompleteWithFailures;
        if (desired.Suspend)
            return live.Count > 0 ? SweepState.Suspending : SweepState.Suspended;
        if (budget.Exhausted)
            return live.Count > 0 ? SweepState.Stopping : SweepState.BudgetExhausted;
        return SweepState.Progressing;
    }

    private static List<Condition> Conditions(
        ObservedSweep observed, SweepState state, TrialCounts counts, LiveAttempts live, Budget budget, DateTimeOffset now)
    {
        var faults = observed.Desired.Faults;
        var (reason, message) = state switch
        {
            SweepState.Invalid => ("InvalidSpec", "nothing starts until the spec is accepted"),
            SweepState.Suspending => ("Suspending", $"{live.Count} save and leave"),
            SweepState.Suspended => ("Suspended", $"suspended with {counts.Finished} of {counts.Total} trials finished"),
            SweepState.Stopping => ("BudgetExhausted", $"{live.Count} save and leave; {budget.Spent}"),
            SweepState.BudgetExhausted => ("BudgetExhausted", $"{counts.Finished} of {counts.Total} trials finished; {budget.Spent}"),
            SweepState.Complete => ("AllFinished", $"{Words.Count(counts.Finished, "trial")} finished"),
            SweepState.CompleteWithFailures => ("SomeFailed", Outcome(counts)),
            _ => ("InProgress", Progress(observed, counts, live, now)),
        };
        var progressing = state is SweepState.Progressing or SweepState.Suspending or SweepState.Stopping;
        var ended = state is SweepState.Complete or SweepState.CompleteWithFailures or SweepState.BudgetExhausted;
        return
        [
            faults.Count == 0
                ? new(ConditionType.Accepted, true, "Accepted", $"{Words.Count(counts.Total, "trial")}")
                : new(ConditionType.Accepted, false, "InvalidSpec", $"{Words.Count(faults.Count, "fault")}: {string.Join("; ", faults)}"),
            new(ConditionType.Progressing, progressing, reason, message),
            new(ConditionType.Complete, ended, reason, ended ? message : $"{counts.Finished} of {counts.Total} trials finished"),
            new(ConditionType.Suspended, state == SweepState.Suspended,
                state is SweepState.Suspended or SweepState.Suspending ? reason : "NotSuspended",
                state is SweepState.Suspended or SweepState.Suspending ? message : ""),
        ];
    }

    private static string Outcome(TrialCounts counts)
    {
        var parts = new List<string> { $"{Words.Count(counts.Finished, "trial")} finished" };
        if (counts.Failed > 0)
            parts.Add($"{counts.Failed} failed");
        if (counts.Conflicted > 0)
            parts.Add($"{counts.Conflicted} could not be created");
        return string.Join(", ", parts);
    }

    /// <summary>Who runs, and why the others do not: "8 run, 412 wait for parallelism, 3 back off after a failure, next in 4 s".</summary>
    private static string Progress(ObservedSweep observed, TrialCounts counts, LiveAttempts live, DateTimeOffset now)
    {
        var parts = new List<string>();
        var running = live.Count - live.Starting - live.Stopping;
        if (running > 0)
            parts.Add($"{running} run");
        var explained = 0;
        foreach (var (why, number) in live.Waiting.OrderByDescending(w => w.Value).ThenBy(w => w.Key, StringComparer.Ordinal)
            .Take(WaitingReasonsNamed))
        {
            parts.Add($"{number} {why}");
            explained += number;
        }
        if (live.Starting > explained)
            parts.Add($"{live.Starting - explained} start");
        if (live.Stopping > 0)
            parts.Add($"{live.Stopping} save and leave");
        if (counts.Waiting > 0)
            parts.Add($"{counts.Waiting} wait for parallelism");
        if (counts.BackingOff > 0 && observed.Resumable.NextAfter(now.UtcTicks) is { } due)
            parts.Add($"{counts.BackingOff} back off after a failure, next in {Words.Duration(new TimeSpan(due - now.UtcTicks))}");
        if (counts.Conflicted > 0)
            parts.Add($"{counts.Conflicted} cannot be created: the name is taken");
        return parts.Count > 0 ? string.Join(", ", parts) : "about to start";
    }
}

internal static class Words
{
    public static string Count(int number, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {noun}{(number == 1 ? "" : "s")}");

    /// <summary>A wait, rounded up to a unit that is worth reading.</summary>
    public static string Duration(TimeSpan time) => time switch
    {
        _ when time < TimeSpan.FromSeconds(100) => $"{Math.Ceiling(time.TotalSeconds)} s",
        _ when time < TimeSpan.FromMinutes(100) => $"{Math.Ceiling(time.TotalMinutes)} min",
        _ => $"{Math.Ceiling(time.TotalHours)} h",
    };

    /// <summary>A used amount, as hours with two digits, or seconds where that would be 0.</summary>
    public static string Hours(TimeSpan time) => time < TimeSpan.FromMinutes(1)
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0.##} h");
}
