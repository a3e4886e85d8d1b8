using Hem.Trainer.Replay;

namespace Hem.Trainer.Checkpoints;

/// <summary>
/// Checkpoints that go through the progress server, for trials without a folder: one piece, the header followed by the whole replay as one
/// block and its CRC-32C. The server keeps the last two and serves the newest whole one.
/// </summary>
/// <param name="get">The newest checkpoint, or null where there is none.</param>
/// <param name="put">Stores a checkpoint of that iteration; throws <see cref="IOException"/> when it could not.</param>
internal sealed class RemoteCheckpoints(
    Func<byte[]?> get, Action<long, ReadOnlyMemory<byte>> put, string trial, string program, Action<string> log) : ICheckpoints
{
    /// <summary>A checkpoint is built in memory before it goes.</summary>
    private const long LargestReplay = 1L << 30;

    public bool AppendsReplay => false;

    public bool TryLoad(ReplayBuffer? replay, Action<CheckpointHeader> restoreState)
    {
        if (get() is not { } bytes)
            return false;

        try
        {
            CheckpointHeader header = CheckpointHeader.Parse(bytes, out int size);
            if (header.Trial != trial)
            {
                throw new ForeignCheckpointException(
                    $"the progress server gave a checkpoint of another trial ({header.Trial}), not of {trial}; nothing was touched");
            }

            ReadOnlySpan<byte> rest = bytes.AsSpan(size);
            if (replay is not null)
            {
                if (rest.Length < sizeof(uint) || BitConverter.ToUInt32(rest[^sizeof(uint)..]) != Checksum.Of(rest[..^sizeof(uint)]))
                    throw new UnusableCheckpointException("the checksum of its replay does not agree");
                ReplayBlock.ReadAll(new MemoryStream(bytes, size, rest.Length - sizeof(uint)), replay);
            }

            restoreState(header);
            return true;
        }
        catch (UnusableCheckpointException e)
        {
            log($"the checkpoint from the progress server cannot be used: {e.Message}; starting from zero");
            return false;
        }
    }

    public long Save(ReplayBuffer? replay, long iteration, byte[] state)
    {
        if (replay is not null && (long)replay.Workers * replay.CountPerWorker * replay.Layout.SlotBytes > LargestReplay)
        {
            throw new IOException(
                "the replay is too large to be sent to the progress server; give the trial a folder for its checkpoints "
                + "(spec.trainer.checkpoints.claimName), or make parameters.bufferTrajectories smaller");
        }

        var stream = new MemoryStream();
        stream.Write(new CheckpointHeader(program, trial, iteration, [], state).ToBytes());
        if (replay is not null)
        {
            Checksum sum = Checksum.Start;
            ReplayBlock.Write(stream, replay, replay.Oldest, replay.AddedPerWorker, ref sum);
            stream.Write(BitConverter.GetBytes(sum.Value));
        }

        put(iteration, stream.GetBuffer().AsMemory(0, (int)stream.Length));
        return stream.Length;
    }
}
