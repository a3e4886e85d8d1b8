using System.Text;

namespace Hem.Trainer.Checkpoints;

/// <summary>
/// A stretch of the replay log in a file of its own: the first <see cref="Length"/> bytes of it belong to the checkpoint.
/// </summary>
/// <param name="Id">Number in the file's name.</param>
/// <param name="First">Running number (per worker) of its first trajectories.</param>
/// <param name="End">One past the running number of its last ones.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Crc">CRC-32C of those bytes.</param>
internal readonly record struct LogSegment(int Id, long First, long End, long Length, uint Crc);

/// <summary>A checkpoint without the replay: what it is, where the replay log stands, and the trainer's state.</summary>
internal sealed record CheckpointHeader(string Program, string Trial, long Iteration, IReadOnlyList<LogSegment> Segments, byte[] State)
{
    /// <summary>Raised when the meaning of the bytes changes; other versions are not read.</summary>
    public const int Version = 1;

    private static ReadOnlySpan<byte> Magic => "HEMCKPT\n"u8;

    /// <summary>magic | version | length of body | body | CRC-32C of all before.</summary>
    public byte[] ToBytes()
    {
        var stream = new MemoryStream(State.Length + 1024);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(0L);
        writer.Write(Program);
        writer.Write(Trial);
        writer.Write(Iteration);
        writer.Write(Segments.Count);
        foreach (LogSegment segment in Segments)
        {
            writer.Write(segment.Id);
            writer.Write(segment.First);
            writer.Write(segment.End);
            writer.Write(segment.Length);
            writer.Write(segment.Crc);
        }

        writer.Write(State.Length);
        writer.Write(State);
        long end = stream.Length;
        stream.Position = Magic.Length + sizeof(int);
        writer.Write(end);
        stream.Position = end;
        writer.Write(Checksum.Of(stream.GetBuffer().AsSpan(0, (int)end)));
        return stream.ToArray();
    }

    /// <summary>
    /// Reads what <see cref="ToBytes"/> wrote at the start of <paramref name="bytes"/>; <paramref name="size"/> is how much that was.
    /// </summary>
    /// <exception cref="UnusableCheckpointException">Torn, corrupt, or of another version.</exception>
    public static CheckpointHeader Parse(ReadOnlySpan<byte> bytes, out int size)
    {
        int fixedPart = Magic.Length + sizeof(int) + sizeof(long);
        if (bytes.Length < fixedPart || !bytes.StartsWith(Magic))
            throw new UnusableCheckpointException("it is no checkpoint, or torn");

        int version = BitConverter.ToInt32(bytes[Magic.Length..]);
        if (version != Version)
        {
            throw new OtherVersionException($"its format is version {version}, this program reads version {Version}");
        }

        long end = BitConverter.ToInt64(bytes[(Magic.Length + sizeof(int))..]);
        if (end < fixedPart || end > bytes.Length - sizeof(uint))
            throw new UnusableCheckpointException("it is torn");

        if (BitConverter.ToUInt32(bytes[(int)end..]) != Checksum.Of(bytes[..(int)end]))
            throw new UnusableCheckpointException("its checksum does not agree");

        size = (int)end + sizeof(uint);
        using var reader = new BinaryReader(new MemoryStream(bytes[fixedPart..(int)end].ToArray()), Encoding.UTF8);
        try
        {
            string program = reader.ReadString(), trial = reader.ReadString();
            long iteration = reader.ReadInt64();
            var segments = new LogSegment[reader.ReadInt32()];
            for (int i = 0; i < segments.Length; i++)
                segments[i] = new LogSegment(
                    reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadUInt32());

            return new CheckpointHeader(program, trial, iteration, segments, reader.ReadBytes(reader.ReadInt32()));
        }
        catch (Exception e) when (e is IOException or ArgumentException or OverflowException)
        {
            throw new UnusableCheckpointException("its content makes no sense", e);
        }
    }
}

/// <summary>This checkpoint cannot be used; an older one may. The message completes "PATH cannot be used: ".</summary>
internal class UnusableCheckpointException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A program of another version can use it: it is passed over, and neither it nor a log that it may need is touched.</summary>
internal sealed class OtherVersionException(string message) : UnusableCheckpointException(message);

/// <summary>The folder holds the checkpoint of another trial: nothing is touched, a person must look.</summary>
internal sealed class ForeignCheckpointException(string message) : Exception(message);
