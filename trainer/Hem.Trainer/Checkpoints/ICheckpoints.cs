using Hem.Trainer.Replay;

namespace Hem.Trainer.Checkpoints;

/// <summary>Where the checkpoints of one trial are kept.</summary>
internal interface ICheckpoints
{
    /// <summary>Whether <see cref="Save"/> writes only those trajectories that came since the last one.</summary>
    bool AppendsReplay { get; }

    /// <summary>
    /// Loads the newest checkpoint that is whole: first its trajectories, then <paramref name="restoreState"/> gets its header. Says
    /// plainly which ones could not be used.
    /// </summary>
    /// <param name="replay">Receives the trajectories; null where the algorithm keeps none.</param>
    /// <param name="restoreState">May throw <see cref="UnusableCheckpointException"/> as well.</param>
    /// <returns>False: there is none, start from zero.</returns>
    /// <exception cref="ForeignCheckpointException">What is there belongs to another trial.</exception>
    /// <exception cref="IOException">It cannot be read at all.</exception>
    bool TryLoad(ReplayBuffer? replay, Action<CheckpointHeader> restoreState);

    /// <summary>Saves. When this throws, the previous checkpoint is still whole and a later save can succeed.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="IOException">For instance: no space left on the device.</exception>
    long Save(ReplayBuffer? replay, long iteration, byte[] state);
}
