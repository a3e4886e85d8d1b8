namespace Hem.Core.Planning;

/// <summary>
/// Everything known about one trial of the sweep, joined from the trial object (a row, a HemTrial) and the result store, both keyed by
/// the sweep's UID. A trial without object, attempt and result is not observed at all.
/// </summary>
/// <param name="Name">The trial's name.</param>
/// <param name="Hash">The full hash that the object carries; the desired one where there is no object.</param>
public sealed record TrialObservation(string Name, string Hash)
{
    /// <summary>The trial object is there. False: only attempts or results of it are known.</summary>
    public bool Exists { get; init; } = true;

    /// <summary>
    /// Set when the name is taken by something that is not ours (another full hash, another owner): what is wrong, one line. Such an
    /// object is never adopted, changed or deleted. <see cref="Attempts"/> hold our own attempts only.
    /// </summary>
    public string? Conflict { get; init; }

    /// <summary>When Finished was stored, by the store's clock; null = not stored, so the trial is not complete.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The mark that takes the trial out of the ranking, as recorded on the object.</summary>
    public bool Superseded { get; init; }

    /// <summary>All attempts that are known, in any order.</summary>
    public IReadOnlyList<AttemptObservation> Attempts { get; init; } = [];

    /// <summary>
    /// Grows with every change of the trial's record, if the engine has such a number. An observation with a smaller one than the last
    /// is old: only facts that never change back (Finished, terminal attempts, the existence of attempts) are taken from it. Engines
    /// without one leave 0: then the last call wins.
    /// </summary>
    public long Revision { get; init; }

    /// <summary>The same observation with this attempt added, or put in place of the one with its number.</summary>
    public TrialObservation With(AttemptObservation attempt) =>
        this with { Attempts = [.. Attempts.Where(a => a.Number != attempt.Number), attempt] };
}
