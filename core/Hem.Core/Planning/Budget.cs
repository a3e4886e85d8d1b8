namespace Hem.Core.Planning;

/// <summary>The attempts that live, summed up in one pass: there are about as many as parallelism allows.</summary>
/// <param name="Count">All of them, also of trials that are no longer wanted: each holds a place.</param>
/// <param name="Since">Start of the one that has held its place longest, UTC ticks; null if none holds one.</param>
/// <param name="Gpus">GPUs held now.</param>
/// <param name="GpuTicks">GPUs times ticks since their starts.</param>
/// <param name="Waiting">What starting attempts wait for, with how many do.</param>
internal sealed record LiveAttempts(
    int Count, int Starting, int Stopping, long? Since, int Gpus, long GpuTicks, DateTimeOffset? NextFinishGrace,
    IReadOnlyDictionary<string, int> Waiting)
{
    private static readonly Dictionary<string, int> nothing = [];

    public static LiveAttempts Of(ObservedSweep observed, DateTimeOffset now)
    {
        int count = 0, starting = 0, stopping = 0, gpus = 0;
        long gpuTicks = 0;
        long? since = null;
        DateTimeOffset? grace = null;
        Dictionary<string, int>? waiting = null;
        foreach (var entry in observed.Live)
            foreach (var attempt in entry.Seen!.Attempts)
            {
                if (attempt.IsTerminal)
                    continue;
                count++;
                if (attempt.Phase == AttemptPhase.Stopping)
                    stopping++;
                else if (attempt.Phase == AttemptPhase.Starting)
                    starting++;
                if (attempt is { Phase: AttemptPhase.Starting, Waiting: { } reason })
                    (waiting ??= [])[reason] = waiting.GetValueOrDefault(reason) + 1;
                if (attempt.StartedAt is { } start)
                {
                    since = Math.Min(since ?? long.MaxValue, start.UtcTicks);
                    gpus += attempt.Gpus;
                    gpuTicks += attempt.Gpus * Math.Max(0, now.UtcTicks - start.UtcTicks);
                }
                if (attempt.Phase != AttemptPhase.Stopping && entry.Seen.FinishedAt + Planner.FinishGrace is { } end && end > now)
                    grace = grace < end ? grace : end;
            }
        return new(count, starting, stopping, since, gpus, gpuTicks, grace, waiting ?? nothing);
    }
}

/// <summary>Where the sweep stands against its budget.</summary>
/// <param name="Spent">Which limit is used up, in words; null if none is.</param>
/// <param name="MayStart">Enough is left to start an attempt.</param>
/// <param name="ExhaustedAfter">How long the rest lasts if nothing changes; null if nothing is being used.</param>
internal sealed record Budget(string? Spent, bool MayStart, TimeSpan? ExhaustedAfter)
{
    /// <summary>
    /// The last tenth of a budget, at most this, starts nothing: it would be stopped at once. This also keeps an attempt whose end
    /// was recorded a moment early (clocks of whole seconds) from opening a sliver of budget again.
    /// </summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    /// <summary>What a TimeSpan surely holds; more is no limit.</summary>
    private const double MostHours = 1e8;

    public bool Exhausted => Spent is not null;

    public static Budget Of(DesiredSweep desired, SweepUsage usage, LiveAttempts live)
    {
        var budget = new Budget(null, true, null);
        if (desired.WallClock is { } wall)
            budget = budget.Within("wall clock", "spec.budget.wallClock", usage.WallClock, wall, live, live.Since is null ? 0 : 1);
        if (desired.GpuHours is { } hours)
            budget = budget.Within(
                "GPU hours", "spec.budget.gpuHours", usage.GpuTime, TimeSpan.FromHours(Math.Min(hours, MostHours)), live, live.Gpus);
        return budget;
    }

    private Budget Within(string what, string field, TimeSpan used, TimeSpan limit, LiveAttempts live, int rate)
    {
        var margin = limit / 10 < Margin ? limit / 10 : Margin;
        var mayStart = used < limit - margin;
        if (used >= limit || (!mayStart && live.Count == 0))
            return this with
            {
                MayStart = false,
                Spent = Spent ?? $"{what}: {Words.Hours(used)} of {Words.Hours(limit)} used; raise {field} to go on",
            };
        var left = rate == 0 ? null : (TimeSpan?)((limit - used) / rate);
        return this with
        {
            MayStart = MayStart && mayStart,
            ExhaustedAfter = ExhaustedAfter is null || left < ExhaustedAfter ? left ?? ExhaustedAfter : ExhaustedAfter,
        };
    }
}
