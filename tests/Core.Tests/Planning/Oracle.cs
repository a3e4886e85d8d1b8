using Hem.Core.Planning;

namespace Core.Tests.Planning;

/// <summary>Counts and usage the slow way: by looking at everything.</summary>
internal static class Oracle
{
    public static void Check(ObservedSweep observed, Plan plan, DateTimeOffset now)
    {
        var (counts, usage) = (plan.Status.Counts, plan.Status.Usage);
        var sum = counts.Waiting + counts.BackingOff + counts.Running + counts.Finished + counts.Failed + counts.Conflicted;
        World.Ensure(sum == counts.Total, $"phases do not add up: {counts}");
        var phases = observed.Desired.Trials.CountBy(t => Planner.Describe(observed, t.Name, now).Phase).ToDictionary();
        foreach (var (phase, counted) in new[]
        {
            (TrialPhase.Waiting, counts.Waiting), (TrialPhase.BackingOff, counts.BackingOff), (TrialPhase.Running, counts.Running),
            (TrialPhase.Finished, counts.Finished), (TrialPhase.Failed, counts.Failed), (TrialPhase.Conflicted, counts.Conflicted),
        })
            World.Ensure(phases.GetValueOrDefault(phase) == counted, $"{phases.GetValueOrDefault(phase)} are {phase}, counted {counted}");
        var finished = observed.Desired.Trials.Count(t => observed.Find(t.Name)?.FinishedAt is not null);
        World.Ensure(counts.Finished == finished, $"{finished} are finished, counted {counts.Finished}");

        var held = observed.Trials.SelectMany(t => t.Attempts).SelectMany(a => Held(a, now)).ToList();
        var gpu = new TimeSpan(observed.Trials.SelectMany(t => t.Attempts).Sum(a => Held(a, now).Sum(h => a.Gpus * (h.To - h.From).Ticks)));
        World.Ensure(usage.GpuTime == gpu, $"GPU time {usage.GpuTime}, is {gpu}");
        var wall = Union(held);
        World.Ensure(usage.WallClock == wall, $"wall clock {usage.WallClock}, is {wall}");
    }

    public static TimeSpan Union(IEnumerable<HeldTime> spans)
    {
        var (total, end) = (TimeSpan.Zero, DateTimeOffset.MinValue);
        foreach (var (from, to) in spans.OrderBy(s => s.From))
        {
            var start = from > end ? from : end;
            if (to > start)
                total += to - start;
            end = to > end ? to : end;
        }
        return total;
    }

    private static IEnumerable<HeldTime> Held(AttemptObservation attempt, DateTimeOffset now)
    {
        var last = attempt.IsTerminal ? attempt.EndedAt : now;
        return attempt.StartedAt is { } start && last is { } end && end > start ? [.. attempt.Earlier, new(start, end)] : attempt.Earlier;
    }
}
