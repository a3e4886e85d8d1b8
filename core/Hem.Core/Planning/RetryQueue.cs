namespace Hem.Core.Planning;

/// <summary>
/// Trials that were begun and may start again, by the time from which they may. How many are due is counted as time moves on, so that
/// asking costs nothing per trial; the time asked about may also go backwards.
/// </summary>
internal sealed class RetryQueue
{
    private readonly SortedSet<(long Due, int Order)> queue = [];
    private long clock = long.MinValue;
    private int due;

    public int Count => queue.Count;

    public void Add(long at, int order)
    {
        if (queue.Add((at, order)) && at <= clock)
            due++;
    }

    public void Remove(long at, int order)
    {
        if (queue.Remove((at, order)) && at <= clock)
            due--;
    }

    public int CountDue(long now)
    {
        if (now > clock)
            due += Between(clock, now).Count;
        else if (now < clock)
            due -= Between(now, clock).Count;
        clock = now;
        return due;
    }

    /// <summary>The due ones, longest due first.</summary>
    public IEnumerable<int> Due(long now)
    {
        foreach (var (at, order) in queue)
        {
            if (at > now)
                yield break;
            yield return order;
        }
    }

    /// <summary>When the next one becomes due; null if none waits.</summary>
    public long? NextAfter(long now)
    {
        var later = Between(now, long.MaxValue);
        return later.Min is { Due: > 0 } next ? next.Due : null;
    }

    private SortedSet<(long Due, int Order)> Between(long after, long upTo) =>
        queue.GetViewBetween((after, int.MaxValue), (upTo, int.MaxValue));
}
