using System.Text.Json.Nodes;

namespace Hem.Operator.Sweeps;

/// <summary>How urgent a status is; the lower first.</summary>
internal enum StatusRank
{
    FinalSweep,
    FinalTrial,
    Sweep,
    Trial,

    /// <summary>How far a trial is that has been said to run.</summary>
    Progress,
}

/// <summary>An object's status: what it should be, and what it is as far as is known.</summary>
internal sealed class StatusEntry
{
    public required string Uid { get; init; }
    public required bool IsSweep { get; init; }

    /// <summary>UID of the sweep that it is of.</summary>
    public required string Sweep { get; init; }
    public required string Namespace { get; init; }
    public required string Name { get; init; }
    public string? ResourceVersion { get; set; }
    public JsonNode? Wanted { get; set; }
    public JsonNode? Written { get; set; }
    public StatusRank Rank { get; set; }
    public int Attempts { get; set; }
    public int WritesOnTheWay { get; set; }

    /// <summary>It is being written now, and so waits for nothing.</summary>
    public bool IsUnderWay { get; set; }
    public DateTimeOffset NotBefore { get; set; }
    public DateTimeOffset WrittenAt { get; set; } = DateTimeOffset.MinValue;

    // ---- its place in the queue ----
    internal long Turn { get; set; }
    internal long Order { get; set; }
    internal bool Waits { get; set; }
}

/// <summary>
/// Which status is written next: final ones first; of two at most one is a trial's while a sweep's waits; and sweeps take turns with their
/// trials, so that one that comes with three is not behind the thousands of another. Not thread-safe.
/// </summary>
internal sealed class StatusQueue
{
    private readonly SortedSet<StatusEntry> _sweeps = new(Comparer<StatusEntry>.Create(Compare));
    private readonly SortedSet<StatusEntry> _trials = new(Comparer<StatusEntry>.Create(Compare));

    // Start-time fair queueing: a sweep's next turn in a rank comes after its last one, and never before what is being served.
    private readonly Dictionary<(string Sweep, StatusRank Rank), long> _lastTurn = [];
    private readonly long[] _served = new long[Enum.GetValues<StatusRank>().Length];
    private long _order;
    private bool _lastWasTrial;

    public int Count => _sweeps.Count + _trials.Count;

    /// <summary>Lets it wait, in the rank that it is given; who waits in that rank already keeps his turn.</summary>
    public void Add(StatusEntry entry, StatusRank rank)
    {
        if (entry.Waits && entry.Rank == rank) return;
        Remove(entry);
        if (Count == 0) _lastTurn.Clear();
        entry.Rank = rank;
        entry.Turn = Math.Max(_served[(int)rank], _lastTurn.GetValueOrDefault((entry.Sweep, rank))) + 1;
        _lastTurn[(entry.Sweep, rank)] = entry.Turn;
        entry.Order = ++_order;
        entry.Waits = true;
        SetOf(entry).Add(entry);
    }

    public void Remove(StatusEntry entry)
    {
        if (!entry.Waits) return;
        SetOf(entry).Remove(entry);
        entry.Waits = false;
    }

    /// <summary>Takes the one whose turn it is, or says how long until there is one.</summary>
    public (StatusEntry? Next, TimeSpan? Wait) Take(DateTimeOffset now)
    {
        DateTimeOffset? later = null;
        StatusEntry? sweep = First(_sweeps, now, ref later), trial = First(_trials, now, ref later);
        bool isTrials = trial is not null
            && (sweep is null || (trial.Rank == StatusRank.FinalTrial && sweep.Rank == StatusRank.Sweep && !_lastWasTrial));
        if ((isTrials ? trial : sweep) is not { } next) return (null, later - now);
        _lastWasTrial = isTrials;
        _served[(int)next.Rank] = Math.Max(_served[(int)next.Rank], next.Turn);
        Remove(next);
        return (next, null);
    }

    private SortedSet<StatusEntry> SetOf(StatusEntry entry) => entry.IsSweep ? _sweeps : _trials;

    private static StatusEntry? First(SortedSet<StatusEntry> entries, DateTimeOffset now, ref DateTimeOffset? later)
    {
        foreach (StatusEntry entry in entries)
        {
            if (entry.NotBefore <= now) return entry;
            if (later is null || entry.NotBefore < later) later = entry.NotBefore;
        }

        return null;
    }

    private static int Compare(StatusEntry a, StatusEntry b) =>
        a.Rank != b.Rank ? a.Rank.CompareTo(b.Rank) : a.Turn != b.Turn ? a.Turn.CompareTo(b.Turn) : a.Order.CompareTo(b.Order);
}
