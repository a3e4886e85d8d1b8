namespace Hem.Core.Planning;

/// <summary>
/// What is known about a sweep: an index over the trials' observations, kept up to date in O(log trials) an observation. It holds no
/// truth of its own: built again from <see cref="Trials"/> in any order it gives the same plans. Not thread-safe.
/// </summary>
public sealed class ObservedSweep
{
    private readonly Dictionary<string, Entry> entries = [];
    private Entry[] wanted = [];

    public ObservedSweep(DesiredSweep desired, IEnumerable<TrialObservation>? trials = null)
    {
        Desired = desired;
        Reset(trials ?? []);
    }

    public DesiredSweep Desired { get; private set; }

    /// <summary>Everything observed, merged.</summary>
    public IEnumerable<TrialObservation> Trials => entries.Values.Where(e => e.Seen is not null).Select(e => e.Seen!);

    /// <summary>What is known of the trial, merged; null if nothing is.</summary>
    public TrialObservation? Find(string trial) => entries.GetValueOrDefault(trial)?.Seen;

    /// <summary>The spec was edited. O(trials) if its trials or retry limits changed, else O(1).</summary>
    public void Edit(DesiredSweep desired)
    {
        var before = Desired;
        Desired = desired;
        var sameTrials = ReferenceEquals(before.Trials, desired.Trials) || before.Trials.SequenceEqual(desired.Trials);
        if (!sameTrials || before.Retries != desired.Retries)
            Reset([.. Trials]);
    }

    /// <summary>
    /// Takes an observation in: a new, repeated, late or old one. Merged with what is known of the trial:
    /// Finished stays once seen; an attempt stays once seen, and a terminal attempt is never changed again; all else is taken from
    /// the observation unless its <see cref="TrialObservation.Revision"/> is older. An observation that says that there is no object,
    /// attempt and result makes the trial forgotten.
    /// </summary>
    public void Observe(TrialObservation trial)
    {
        if (!entries.TryGetValue(trial.Name, out var entry))
            entries.Add(trial.Name, entry = new Entry(trial.Name));
        else
            Count(entry, -1);

        var merged = ObservationMerge.Merge(entry.Seen, trial);
        entry.Seen = merged is { Exists: false, Conflict: null, FinishedAt: null, Attempts: [] } ? null : merged;
        if (entry.Seen is null && entry.Order < 0)
        {
            entries.Remove(entry.Name);
            return;
        }
        Judge(entry);
        Count(entry, 1);
        foreach (var attempt in merged.Attempts)
            AddActivity(attempt);
    }

    // ---- the index, for the planner ----

    internal sealed class Entry(string name)
    {
        public string Name { get; } = name;

        /// <summary>Place in <see cref="DesiredSweep.Trials"/>, or -1.</summary>
        public int Order { get; init; } = -1;
        public TrialObservation? Seen { get; set; }
        public TrialVerdict Verdict { get; set; }
    }

    private static readonly Comparer<Entry> byName = Comparer<Entry>.Create((a, b) => string.CompareOrdinal(a.Name, b.Name));
    private readonly int[] phases = new int[Enum.GetValues<TrialPhase>().Length];

    /// <summary>Trials with live attempts, wanted or not.</summary>
    internal SortedSet<Entry> Live { get; } = new(byName);

    /// <summary>Not wanted any more: never begun, and begun or finished but not marked yet.</summary>
    internal SortedSet<Entry> ToDelete { get; } = new(byName);
    internal SortedSet<Entry> ToMark { get; } = new(byName);

    /// <summary>Wanted trials by their order: startable and never begun, with and without object; to create again; to clear the mark
    /// of; conflicted.</summary>
    internal IndexSet FreshCreated { get; private set; } = new(0);
    internal IndexSet FreshMissing { get; private set; } = new(0);
    internal IndexSet ToRecreate { get; private set; } = new(0);
    internal IndexSet ToClear { get; private set; } = new(0);
    internal IndexSet Conflicted { get; private set; } = new(0);

    /// <summary>Wanted trials that were begun and may start again.</summary>
    internal RetryQueue Resumable { get; private set; } = new();
    internal ActivityClock Activity { get; private set; } = new();
    internal long GpuTicksOver { get; private set; }

    internal int CountOf(TrialPhase phase) => phases[(int)phase];
    internal Entry Wanted(int order) => wanted[order];
    internal Entry? EntryOf(string trial) => entries.GetValueOrDefault(trial);

    private void Reset(IEnumerable<TrialObservation> trials)
    {
        entries.Clear();
        Array.Clear(phases);
        Live.Clear();
        ToDelete.Clear();
        ToMark.Clear();
        var size = Desired.Trials.Count;
        (FreshCreated, FreshMissing) = (new(size), new(size));
        (ToRecreate, ToClear, Conflicted) = (new(size), new(size), new(size));
        (Resumable, Activity, GpuTicksOver) = (new(), new(), 0);

        wanted = new Entry[size];
        for (var order = 0; order < size; order++)
        {
            var entry = wanted[order] = new Entry(Desired.Trials[order].Name) { Order = order };
            if (!entries.TryAdd(entry.Name, entry))
                throw new ArgumentException($"two trials of the sweep have the name {entry.Name}: names must be unique");
            Judge(entry);
            Count(entry, 1);
        }
        foreach (var trial in trials)
            Observe(trial);
    }

    private void Judge(Entry entry) =>
        entry.Verdict = TrialVerdict.Of(entry.Order >= 0 ? Desired.Trials[entry.Order] : null, entry.Seen, Desired.Retries);

    private void Count(Entry entry, int sign)
    {
        var verdict = entry.Verdict;
        GpuTicksOver += sign * verdict.GpuTicks;
        if (verdict.Counts)
            phases[(int)verdict.Phase] += sign;
        Put(Live, entry, verdict.Live > 0, sign);
        Put(ToDelete, entry, verdict.NeedsDelete, sign);
        Put(ToMark, entry, verdict.NeedsMark, sign);
        if (entry.Order < 0)
            return;
        Put(ToRecreate, entry, verdict.NeedsObject, sign);
        Put(ToClear, entry, verdict.NeedsClear, sign);
        Put(Conflicted, entry, verdict.Phase == TrialPhase.Conflicted, sign);
        Put(FreshCreated, entry, verdict is { CanStart: true, Begun: false } && entry.Seen is { Exists: true }, sign);
        Put(FreshMissing, entry, verdict is { CanStart: true, Begun: false } && entry.Seen is not { Exists: true }, sign);
        if (verdict is { CanStart: true, Begun: true })
        {
            if (sign > 0)
                Resumable.Add(verdict.Due, entry.Order);
            else
                Resumable.Remove(verdict.Due, entry.Order);
        }
    }

    private static void Put(SortedSet<Entry> set, Entry entry, bool belongs, int sign)
    {
        if (belongs && sign > 0)
            set.Add(entry);
        else if (belongs)
            set.Remove(entry);
    }

    private static void Put(IndexSet set, Entry entry, bool belongs, int sign)
    {
        if (belongs && sign > 0)
            set.Add(entry.Order);
        else if (belongs)
            set.Remove(entry.Order);
    }

    private void AddActivity(AttemptObservation attempt)
    {
        foreach (var (from, to) in attempt.Earlier)
            Activity.Add(from.UtcTicks, to.UtcTicks);
        if (attempt is { IsTerminal: true, StartedAt: { } start, EndedAt: { } end })
            Activity.Add(start.UtcTicks, end.UtcTicks);
    }
}
