using System.Buffers.Binary;
using System.Numerics;

namespace Hem.Trainer.Checkpoints;

/// <summary>CRC-32C of a sequence of bytes that may be added piece by piece; the processor computes eight bytes at a time.</summary>
internal struct Checksum
{
    private uint inverted;

    /// <summary>The checksum of what was added so far; also the state to go on from.</summary>
    public uint Value
    {
        readonly get => ~inverted;
        set => inverted = ~value;
    }

    /// <summary>The checksum of nothing.</summary>
    public static Checksum Start => new() { inverted = uint.MaxValue };

    public static uint Of(ReadOnlySpan<byte> data)
    {
        Checksum sum = Start;
        sum.Add(data);
        return sum.Value;
    }

    public void Add(ReadOnlySpan<byte> data)
    {
        uint crc = inverted;
        while (data.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[8..];
        }

        foreach (byte value in data)
            crc = BitOperations.Crc32C(crc, value);

        inverted = crc;
    }
}
