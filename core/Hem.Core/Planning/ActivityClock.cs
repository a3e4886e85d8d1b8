namespace Hem.Core.Planning;

/// <summary>
/// Length of the union of time spans, in ticks: the closed spans added so far and one open span that covers everything since the earliest
/// live attempt. Spans come in any order and more than once. Amortised O(log spans): what lies after the open span's start is
/// remembered and only moved when that start moves.
/// </summary>
internal sealed class ActivityClock
{
    private readonly List<(long From, long To)> spans = []; // disjoint, not touching, in order
    private long total;
    private long cutoff = long.MaxValue;
    private long beyond; // length of the spans after the cutoff

    /// <summary>End of the last closed span.</summary>
    public long? LastEnd => spans.Count == 0 ? null : spans[^1].To;

    public void Add(long from, long to)
    {
        if (to <= from)
            return;
        var first = FirstEndingAtOrAfter(from);
        var last = first;
        for (; last < spans.Count && spans[last].From <= to; last++)
        {
            from = Math.Min(from, spans[last].From);
            to = Math.Max(to, spans[last].To);
            Count(spans[last], -1);
        }
        spans.RemoveRange(first, last - first);
        spans.Insert(first, (from, to));
        Count((from, to), 1);
    }

    /// <summary>Length of the union up to now, with everything since <paramref name="openSince"/> covered (null: nothing open).</summary>
    public long Elapsed(long? openSince, long now)
    {
        if (openSince is not { } since)
            return total;
        MoveCutoff(since);
        return total - beyond + Math.Max(0, now - since);
    }

    private void MoveCutoff(long to)
    {
        var (low, high) = (Math.Min(cutoff, to), Math.Max(cutoff, to));
        long between = 0;
        for (var i = FirstEndingAtOrAfter(low); i < spans.Count && spans[i].From < high; i++)
            between += Math.Min(spans[i].To, high) - Math.Max(spans[i].From, low);
        beyond += to < cutoff ? between : -between;
        cutoff = to;
    }

    private void Count((long From, long To) span, int sign)
    {
        total += sign * (span.To - span.From);
        beyond += sign * Math.Max(0, span.To - Math.Max(span.From, cutoff));
    }

    private int FirstEndingAtOrAfter(long time)
    {
        var (low, high) = (0, spans.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (spans[middle].To < time)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
