namespace Hem.Core.Planning;

/// <summary>
/// What is known about a sweep: an index over the trials' observations, kept up to date in O(log trials) an observation. It holds no
/// truth of its own: built again from <see cref="Trials"/> in any order it gives the same plans. Not thread-safe.
/// </summary>
public sealed class ObservedSweep
{
    public ObservedSweep(DesiredSweep desired, IEnumerable<TrialObservation>? trials = null)
    {
        Desired = desired;
        foreach (var trial in trials ?? [])
            Observe(trial);
    }

    public DesiredSweep Desired { get; private set; }

    /// <summary>Everything observed, merged.</summary>
    public IEnumerable<TrialObservation> Trials => [];

    public TrialObservation? Find(string trial) => null;

    /// <summary>The spec was edited. O(trials) if its trials or retry limits changed, else O(1).</summary>
    public void Edit(DesiredSweep desired) => Desired = desired;

    /// <summary>
    /// Takes an observation in: a new, repeated, late or old one. Merged with what is known of the trial:
    /// Finished stays once seen; an attempt stays once seen, and a terminal attempt is never changed again; all else is taken from
    /// the observation unless its <see cref="TrialObservation.Revision"/> is older. An observation that says that there is no object,
    /// attempt and result makes the trial forgotten.
    /// </summary>
    public void Observe(TrialObservation trial)
    {
    }
}
