namespace Hem.Progress;

/// <summary>What an attempt may do now.</summary>
public enum GrantKind
{
    /// <summary>Train, report, and touch the trial's checkpoint.</summary>
    Granted,

    /// <summary>Nothing yet: another attempt of the trial is not known to be gone.</summary>
    Wait,

    /// <summary>Leave without having begun.</summary>
    Stop,

    /// <summary>Nothing ever again: this attempt is over. It must touch nothing, not even to save.</summary>
    Refused,
}

/// <summary>A decision and why, in one line for people.</summary>
public readonly record struct GrantDecision(GrantKind Kind, string Reason = "");

/// <summary>Who may report, and which attempt of a trial holds its grant. <see cref="AttemptRegistry"/> is one.</summary>
public interface IProgressAuthority
{
    /// <summary>
    /// The attempt that this bearer token speaks for, or null when it speaks for none (UNAUTHENTICATED: the trainer tries again). The token
    /// of an attempt that is over should be known for as long as that is possible: <see cref="DecideAsync"/> refuses it, and the
    /// trainer leaves.
    /// </summary>
    /// <param name="token">As the trainer sent it.</param>
    /// <param name="peer">The address that it came from, without a port.</param>
    /// <param name="cancellationToken">The caller has left.</param>
    ValueTask<AttemptIdentity?> AuthenticateAsync(string token, string peer = "", CancellationToken cancellationToken = default);

    /// <summary>
    /// When this token, which was found good, stops being so: its stream is closed then, and the trainer comes with another. Null: never.
    /// </summary>
    DateTimeOffset? ExpiryOf(string token) => null;

    /// <summary>
    /// What the attempt may do now. Asked at the start of each stream, and again while it waits whenever <see cref="Changed"/> was raised
    /// for its trial. Never grants two attempts of one trial.
    /// </summary>
    ValueTask<GrantDecision> DecideAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default);

    /// <summary>
    /// The attempt's process is surely gone: from now on it is refused, and the next one may have the grant. Called by
    /// <see cref="ProgressService.EndAsync"/>, after what the attempt had reported reached the sink.
    /// </summary>
    void Gone(AttemptIdentity attempt);

    /// <summary>Decisions of this sweep (uid) and trial (name) may be others now. Handlers are quick and do not throw.</summary>
    event Action<string, string>? Changed;
}
