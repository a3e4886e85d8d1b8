using System.Globalization;

namespace Hem.Kubernetes;

/// <summary>
/// Makes few events out of many: the same one again counts up the one there is; many of one reason that differ only in their message are
/// told of as one; and of one object only so many are written in a time. Not thread-safe.
/// </summary>
internal sealed class EventCorrelator(TimeProvider time)
{
    // client-go's figures.
    internal const int MostSimilar = 10;
    internal const int MostKnown = 4096;
    internal const double Burst = 25;
    internal static readonly TimeSpan SimilarWithin = TimeSpan.FromMinutes(10);
    internal static readonly TimeSpan PerToken = TimeSpan.FromMinutes(5);

    private readonly LeastRecent<(string Uid, string Type, string Reason, string Message), Written> _written = new(MostKnown);
    private readonly LeastRecent<(string Uid, string Type, string Reason), Similar> _similar = new(MostKnown);
    private readonly LeastRecent<string, Budget> _budgets = new(MostKnown);
    private long _number;

    private sealed class Similar
    {
        public HashSet<string> Messages { get; } = [];
        public DateTimeOffset Last { get; set; }
    }

    private sealed class Budget
    {
        public double Tokens { get; set; }
        public DateTimeOffset Last { get; set; }
    }

    /// <summary>An event as it is on the server, or will be.</summary>
    internal sealed class Written(string name, DateTimeOffset first)
    {
        public string Name { get; } = name;
        public DateTimeOffset First { get; } = first;
        public int Count { get; set; }

        /// <summary>The event has to be made, for the first time or because the server deleted it for its age.</summary>
        public bool IsNew { get; set; } = true;
    }

    /// <returns>The event to make or to count up, and its message; null where there were too many.</returns>
    public (Written Event, string Message)? Take(V1ObjectReference about, string type, string reason, string message)
    {
        var now = time.GetUtcNow();
        var uid = about.Uid ?? $"{about.Kind}/{about.Namespace}/{about.Name}";
        var similar = _similar.GetOrAdd((uid, type, reason), () => new Similar());
        if (now - similar.Last > SimilarWithin) similar.Messages.Clear();
        similar.Last = now;
        if (similar.Messages.Count < MostSimilar) similar.Messages.Add(message);
        var isCombined = !similar.Messages.Contains(message);
        if (!TryPay(uid, now)) return null;
        var key = (uid, type, reason, isCombined ? "" : message);
        var written = _written.GetOrAdd(key, () => new Written(NewName(about.Name ?? "", now), now));
        written.Count++;
        return (written, isCombined ? $"(combined from similar events): {message}" : message);
    }

    private bool TryPay(string uid, DateTimeOffset now)
    {
        var budget = _budgets.GetOrAdd(uid, () => new Budget { Tokens = Burst, Last = now });
        budget.Tokens = Math.Min(Burst, budget.Tokens + Math.Max(0, (now - budget.Last) / PerToken));
        budget.Last = now;
        if (budget.Tokens < 1) return false;
        budget.Tokens--;
        return true;
    }

    private string NewName(string name, DateTimeOffset now)
    {
        // Two recorders may write in the same moment; ten million of them in a second are improbable.
        var suffix = string.Create(CultureInfo.InvariantCulture, $".{now.UtcTicks:x}{_number++ & 0xff:x2}");
        return name.Length + suffix.Length <= 253 ? name + suffix : name[..(253 - suffix.Length)].TrimEnd('.', '-') + suffix;
    }
}
