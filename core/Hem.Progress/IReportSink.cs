namespace Hem.Progress;

/// <summary>Where reports are kept. The result store is one; tests put faults in front of it.</summary>
public interface IReportSink
{
    /// <summary>The highest sequence of this attempt such that every report up to it is stored; 0 before the first.</summary>
    ValueTask<ulong> AcknowledgedUpToAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default);

    /// <summary>
    /// Stores reports of one attempt, in rising sequence order without gaps. Completes only once they are durable; all of them are kept or
    /// none. Sequences that are stored already are skipped, so a repeat is harmless.
    /// </summary>
    /// <exception cref="Exception">Nothing of this call was kept; the trainer sends it again later.</exception>
    Task StoreAsync(AttemptIdentity attempt, IReadOnlyList<TrainerMessage> reports, CancellationToken cancellationToken = default);
}
