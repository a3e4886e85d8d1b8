using Hem.Progress;

namespace Hem.Operator.Trials;

/// <summary>
/// Which pods run which attempts, as the operator sees its cluster now. An attempt's identity here is its pod's UID
/// (<see cref="AttemptIdentity.AttemptId"/>): a Job that was suspended and resumed has several pods, one after the other. Thread-safe.
/// </summary>
internal interface IPodLookup
{
    /// <summary>
    /// The attempt that a pod runs. Null where no pod of that UID is known, where its labels are not borne out by the Job that owns it, or
    /// where its attempt is over.
    /// </summary>
    AttemptIdentity? Find(string podUid);

    /// <summary>
    /// The pods of a trial that may still run something, the first of them first: by attempt, then by creation. The grant of a trial
    /// belongs to the first one, and to nobody while that one may live.
    /// </summary>
    IReadOnlyList<AttemptIdentity> Alive(string sweepUid, string trial);

    /// <summary>What <see cref="Alive"/> says of this sweep (uid) and trial (name) may have changed. Handlers are quick.</summary>
    event Action<string, string>? Changed;
}
