namespace Hem.Core.Planning;

/// <summary>Joins a new view of a trial with what is known, as <see cref="ObservedSweep.Observe"/> promises.</summary>
internal static class ObservationMerge
{
    public static TrialObservation Merge(TrialObservation? known, TrialObservation seen)
    {
        if (known is null)
            return seen with { Attempts = [.. seen.Attempts.OrderBy(a => a.Number)] };
        var old = seen.Revision < known.Revision;
        return (old ? known : seen) with
        {
            FinishedAt = known.FinishedAt ?? seen.FinishedAt,
            Attempts = Merge(known.Attempts, seen.Attempts, old),
        };
    }

    private static List<AttemptObservation> Merge(
        IReadOnlyList<AttemptObservation> known, IReadOnlyList<AttemptObservation> seen, bool old)
    {
        var merged = new List<AttemptObservation>(Math.Max(known.Count, seen.Count));
        merged.AddRange(known);
        foreach (var attempt in seen)
        {
            var at = merged.FindIndex(a => a.Number >= attempt.Number);
            if (at < 0)
                merged.Add(attempt);
            else if (merged[at].Number != attempt.Number)
                merged.Insert(at, attempt);
            else if (!merged[at].IsTerminal && (attempt.IsTerminal || !old))
                // Time that was over stays over: stretches once seen are kept.
                merged[at] = attempt with { Earlier = [.. merged[at].Earlier, .. attempt.Earlier.Skip(merged[at].Earlier.Count)] };
        }
        return merged;
    }
}
