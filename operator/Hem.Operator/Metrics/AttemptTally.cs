using Hem.Core.Planning;

namespace Hem.Operator.Metrics;

/// <summary>So many attempts ended like this.</summary>
/// <param name="Result">How.</param>
/// <param name="Reason">Why, one of a few: <see cref="EndReason"/>.</param>
/// <param name="Count">How many.</param>
internal readonly record struct AttemptCount(AttemptResult Result, string Reason, long Count);

/// <summary>
/// How the attempts of one sweep ended, as they are known: read from the record, so that a new leader counts on from where the last one
/// was, and an end that is seen twice counts once. Not thread-safe.
/// </summary>
internal sealed class AttemptTally
{
    private readonly Dictionary<(AttemptResult Result, string Reason), long> _counts = [];
    private AttemptCount[]? _told;

    public AttemptTally() => Clear();

    /// <summary>What there is to tell now; safe to be read by others.</summary>
    public IReadOnlyList<AttemptCount> Counts =>
        _told ??= [.. _counts.Select(one => new AttemptCount(one.Key.Result, one.Key.Reason, one.Value))];

    public void Clear()
    {
        _counts.Clear();
        // A counter that begins at what it counts first has no increase. These are what most sweeps see.
        _counts[(AttemptResult.Completed, "")] = 0;
        _counts[(AttemptResult.Failed, EndReason.Error)] = 0;
        _counts[(AttemptResult.Disrupted, EndReason.Preempted)] = 0;
        _told = null;
    }

    /// <summary>What is known of a trial has changed.</summary>
    public void Change(TrialObservation? before, TrialObservation? after)
    {
        if (ReferenceEquals(before, after)) return;
        Count(before, -1);
        Count(after, 1);
    }

    private void Count(TrialObservation? trial, int by)
    {
        if (trial is null) return;
        foreach (AttemptObservation attempt in trial.Attempts)
        {
            if (attempt.Ended is not { } outcome) continue;
            var key = (outcome.Result, EndReason.Of(outcome));
            _counts[key] = _counts.GetValueOrDefault(key) + by;
            _told = null;
        }
    }
}
