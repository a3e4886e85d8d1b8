using System.Runtime.InteropServices;
using Hem.Trainer.Replay;

namespace Hem.Trainer.Checkpoints;

/// <summary>
/// A block of the replay log: first running number (int64) | trajectories per worker (int32) | their records, worker by worker. A
/// trajectory that was overwritten before it could be saved is a length of 0 alone.
/// </summary>
internal static class ReplayBlock
{
    private const int BufferBytes = 1 << 20;

    private static ReadOnlySpan<byte> Overwritten => [0, 0, 0, 0];

    /// <summary>Appends the trajectories numbered <paramref name="first"/>..<paramref name="end"/>-1 of every worker.</summary>
    /// <returns>Bytes written; <paramref name="sum"/> has them added.</returns>
    public static long Write(Stream stream, ReplayBuffer replay, long first, long end, ref Checksum sum)
    {
        byte[] buffer = new byte[BufferBytes];
        int used = 0;
        long written = 0;
        BitConverter.TryWriteBytes(buffer, first);
        BitConverter.TryWriteBytes(buffer.AsSpan(sizeof(long)), (int)(end - first));
        used = sizeof(long) + sizeof(int);
        for (int worker = 0; worker < replay.Workers; worker++)
        {
            for (long number = first; number < end; number++)
            {
                ReadOnlySpan<byte> record = replay.Holds(worker, number) ? replay.Get(worker, number).Record : Overwritten;
                while (record.Length > 0)
                {
                    int part = Math.Min(record.Length, buffer.Length - used);
                    record[..part].CopyTo(buffer.AsSpan(used));
                    used += part;
                    record = record[part..];
                    if (used == buffer.Length)
                        written += Flush(stream, buffer, ref used, ref sum);
                }
            }
        }

        return written + Flush(stream, buffer, ref used, ref sum);
    }

    /// <summary>Puts all blocks in <paramref name="stream"/> back into the buffer.</summary>
    /// <exception cref="UnusableCheckpointException">They do not fit the buffer's task and workers.</exception>
    public static void ReadAll(Stream stream, ReplayBuffer replay)
    {
        TrajectoryLayout layout = replay.Layout;
        byte[] record = new byte[layout.SlotBytes];
        Span<byte> head = stackalloc byte[sizeof(long) + sizeof(int)];
        try
        {
            while (stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) is var got && got > 0)
            {
                if (got < head.Length)
                    throw new EndOfStreamException();

                long first = MemoryMarshal.Read<long>(head);
                int count = MemoryMarshal.Read<int>(head[sizeof(long)..]);
                for (int worker = 0; worker < replay.Workers; worker++)
                {
                    for (int i = 0; i < count; i++)
                    {
                        stream.ReadExactly(record.AsSpan(0, sizeof(int)));
                        int length = BitConverter.ToInt32(record);
                        if (length == 0)
                            continue;
                        if (length < 0 || length > layout.Horizon)
                        {
                            throw new UnusableCheckpointException($"its replay holds a trajectory of {length} actions");
                        }

                        stream.ReadExactly(record.AsSpan(sizeof(int), layout.RecordBytes(length) - sizeof(int)));
                        replay.PlaceRecord(worker, first + i, record.AsSpan(0, layout.RecordBytes(length)));
                    }
                }
            }
        }
        catch (EndOfStreamException e)
        {
            throw new UnusableCheckpointException("its replay ends too soon", e);
        }
    }

    private static int Flush(Stream stream, byte[] buffer, ref int used, ref Checksum sum)
    {
        int bytes = used;
        sum.Add(buffer.AsSpan(0, used));
        stream.Write(buffer, 0, used);
        used = 0;
        return bytes;
    }
}
