using Hem.Core.Sweeps;

namespace Hem.Core.Planning;

/// <summary>
/// What follows from one trial's observation, without looking at time or at other trials. The index is nothing but these verdicts put
/// into sets, so that whatever order they are taken in gives the same index.
/// </summary>
/// <param name="Phase">As counted; Waiting stands for "waits or backs off", which time decides.</param>
/// <param name="CanStart">Wanted, not complete, not failed for good, no live attempt.</param>
/// <param name="Begun">It had an attempt.</param>
/// <param name="Live">Number of live attempts.</param>
/// <param name="Due">With CanStart and Begun: from when it may start again, in UTC ticks.</param>
/// <param name="NextNumber">One more than the greatest attempt number known.</param>
/// <param name="GpuTicks">GPUs times ticks of the time that is over.</param>
internal readonly record struct TrialVerdict(
    TrialPhase Phase, bool CanStart, bool Begun, int Live, long Due, int NextNumber, int Failures, int Disruptions, long GpuTicks)
{
    /// <summary>Its history is over but the object is missing: to be created again.</summary>
    public bool NeedsObject { get; private init; }
    public bool NeedsMark { get; private init; }
    public bool NeedsClear { get; private init; }
    public bool NeedsDelete { get; private init; }

    /// <summary>It counts in its phase. Something under a name that is not wanted and was never run is not a trial of the sweep.</summary>
    public bool Counts { get; private init; }

    /// <param name="desired">The trial as wanted; null when it is not part of the sweep.</param>
    /// <param name="seen">What is known of it; null when nothing is.</param>
    public static TrialVerdict Of(DesiredTrial? desired, TrialObservation? seen, RetrySpec limits)
    {
        if (seen is null)
        {
            var wanted = desired is not null;
            return new TrialVerdict { Phase = TrialPhase.Waiting, CanStart = wanted, Counts = wanted, NextNumber = 1 };
        }

        int live = 0, failures = 0, disruptions = 0, brief = 0;
        long gpuTicks = 0;
        var permanent = false;
        AttemptObservation? last = null;
        foreach (var attempt in seen.Attempts)
        {
            if (attempt.Ended is not { } ended)
                live++;
            else if (IsFailure(ended))
                (failures, permanent) = (failures + 1, permanent || ended.Permanent);
            else if (ended.Result == AttemptResult.Disrupted)
                disruptions++;
            brief = BackOff.IsBriefDisruption(attempt) ? brief + 1 : 0;
            gpuTicks += attempt.Gpus * attempt.OverTicks();
            last = attempt;
        }

        var begun = last is not null;
        var finished = seen.FinishedAt is not null;
        var conflicted = ConflictOf(desired, seen) is not null;
        var failed = permanent || failures > limits.Failures || disruptions > limits.Disruptions;
        var ours = seen.Exists && !conflicted;
        var verdict = new TrialVerdict
        {
            Counts = desired is not null || begun || finished,
            Begun = begun,
            Live = live,
            NextNumber = (last?.Number ?? 0) + 1,
            Failures = failures,
            Disruptions = disruptions,
            GpuTicks = gpuTicks,
        };

        if (desired is null)
            return verdict with
            {
                Phase = TrialPhase.Superseded,
                NeedsMark = ours && live == 0 && (begun || finished) && !seen.Superseded,
                NeedsDelete = ours && !begun && !finished,
            };

        verdict = verdict with { NeedsClear = ours && seen.Superseded };
        if (finished || (failed && live == 0))
            return verdict with
            {
                Phase = finished ? TrialPhase.Finished : TrialPhase.Failed,
                NeedsObject = !seen.Exists && !conflicted && live == 0,
            };
        if (live > 0)
            return verdict with { Phase = TrialPhase.Running };
        if (conflicted)
            return verdict with { Phase = TrialPhase.Conflicted };
        return verdict with
        {
            Phase = TrialPhase.Waiting,
            CanStart = true,
            Due = last is null ? 0 : BackOff.NotBefore(last, failures, brief),
        };
    }

    /// <summary>Why the object under this name is not ours; null if it is, or if there is none.</summary>
    public static string? ConflictOf(DesiredTrial? desired, TrialObservation seen) => seen.Conflict
        ?? (desired is { } want && seen.Exists && !string.Equals(want.Hash, seen.Hash, StringComparison.OrdinalIgnoreCase)
            ? $"another trial already has the name {seen.Name}: its hash is {seen.Hash}, this sweep's is {want.Hash}"
            : null);

    /// <summary>Exit 0 is judged here: a trial is complete by its stored Finished alone.</summary>
    public static bool IsFailure(AttemptOutcome ended) => ended.Result is AttemptResult.Failed or AttemptResult.Completed;
}

/// <summary>How long a trial waits before its next attempt.</summary>
internal static class BackOff
{
    /// <summary>After the first failure; doubles with each further one.</summary>
    public static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>A disruption is not the trial's fault, and it goes on soon.</summary>
    public static readonly TimeSpan AfterDisruption = TimeSpan.FromSeconds(1);

    /// <summary>
    /// So many attempts in a row that were disrupted as soon as they began are bad luck; with each further one the wait doubles,
    /// lest a place that takes attempts and drops them (a node with a broken device) uses up all that is forgiven in minutes.
    /// </summary>
    private const int BadLuck = 3;
    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(10);

    public static bool IsBriefDisruption(AttemptObservation attempt) => attempt is { Ended.Result: AttemptResult.Disrupted }
        && (attempt is not { StartedAt: { } start, EndedAt: { } end } || end - start < Brief);

    public static TimeSpan After(int failures)
    {
        var doubled = First * Math.Pow(2, Math.Clamp(failures - 1, 0, 30));
        return doubled < Longest ? doubled : Longest;
    }

    /// <param name="brief">Attempts at the end that were disrupted as soon as they began.</param>
    public static long NotBefore(AttemptObservation last, int failures, int brief)
    {
        var ended = last.Ended!;
        var wait = TrialVerdict.IsFailure(ended) ? After(failures)
            : ended.Result == AttemptResult.Disrupted ? brief > BadLuck ? After(brief - BadLuck + 1) : AfterDisruption
            : TimeSpan.Zero;
        return last.EndedAt is { } end ? end.UtcTicks + wait.Ticks : 0;
    }
}

internal static class AttemptTimes
{
    /// <summary>Ticks of the stretches that are over.</summary>
    public static long OverTicks(this AttemptObservation attempt)
    {
        long ticks = 0;
        foreach (var (from, to) in attempt.Earlier)
            ticks += Math.Max(0, to.UtcTicks - from.UtcTicks);
        if (attempt is { IsTerminal: true, StartedAt: { } start, EndedAt: { } end })
            ticks += Math.Max(0, end.UtcTicks - start.UtcTicks);
        return ticks;
    }
}
