using Hem.Trainer.Replay;

namespace Hem.Trainer.Trials;

/// <summary>
/// When a checkpoint is due: so long after the last one; and where a save appends what is new to a log, already when much has come since,
/// so that the last save of all, for which there are seconds, never has much to write. An iteration with images brings gigabytes, and is
/// collected in parts of so much.
/// </summary>
/// <param name="every">Time between two saves.</param>
/// <param name="appends">Whether a save writes only the trajectories that came since the last one.</param>
/// <param name="time">The clock.</param>
internal sealed class SaveSchedule(TimeSpan every, bool appends, TimeProvider time)
{
    /// <summary>What may wait to be written.</summary>
    public const long MostUnsavedBytes = 256L << 20;

    private long last = time.GetTimestamp();
    private long saved;

    public bool IsDue(ReplayBuffer? replay) =>
        time.GetElapsedTime(last) >= every || (appends && replay is not null && UnsavedBytes(replay) >= MostUnsavedBytes);

    /// <summary>A save was tried now, or its trajectories were loaded.</summary>
    public void Saved(ReplayBuffer? replay) => (last, saved) = (time.GetTimestamp(), replay?.AddedPerWorker ?? 0);

    /// <summary>At most; trajectories that ended early are shorter.</summary>
    private long UnsavedBytes(ReplayBuffer replay) =>
        Math.Min(replay.AddedPerWorker - saved, replay.CapacityPerWorker) * replay.Workers * replay.Layout.SlotBytes;
}
