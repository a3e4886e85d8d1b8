namespace Hem.Progress;

/// <summary>Where the checkpoints of trials without a folder of their own are kept. <see cref="FileCheckpointStore"/> is one.</summary>
public interface ICheckpointStore
{
    /// <summary>Begins to take one checkpoint of the attempt's trial.</summary>
    /// <param name="iteration">Where an attempt that resumes from it goes on.</param>
    ICheckpointUpload BeginPut(AttemptIdentity attempt, long iteration);

    /// <summary>The newest whole checkpoint of the attempt's trial, or null. The caller disposes the stream.</summary>
    (long Iteration, Stream Data)? OpenNewest(AttemptIdentity attempt);

    /// <summary>Deletes the checkpoints of a trial (it is complete, or gone).</summary>
    void Delete(string sweepUid, string trial);
}

/// <summary>A checkpoint on its way in. Disposing it without <see cref="CommitAsync"/> leaves no trace of it.</summary>
public interface ICheckpointUpload : IAsyncDisposable
{
    /// <exception cref="CheckpointTooLargeException">It is over a limit.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default);

    /// <summary>Makes it the trial's newest checkpoint; durable when this completes.</summary>
    /// <param name="sha256">Of all data, checked by the caller; kept to find out later whether the disk still holds the same.</param>
    ValueTask CommitAsync(ReadOnlyMemory<byte> sha256, CancellationToken cancellationToken = default);
}

/// <summary>A trial's checkpoint that was not taken for want of room; the trial would start from an older one, or from zero.</summary>
/// <param name="Reason">Which limit, for people.</param>
public sealed record CheckpointRefusal(string SweepUid, string Trial, string Reason);

/// <summary>A checkpoint does not fit. The message says what the limit is.</summary>
public sealed class CheckpointTooLargeException(string message) : Exception(message);
