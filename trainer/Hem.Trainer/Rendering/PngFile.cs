using System.Buffers.Binary;
using System.IO.Compression;

namespace Hem.Trainer.Rendering;

/// <summary>Writes PNG files (PNG specification, third edition, sections 5, 9 and 11): 8 bits a channel, RGB, no interlace.</summary>
internal static class PngFile
{
    private const byte SubtractAbove = 2;
    private static readonly byte[] Signature = [137, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <param name="stream">Where to.</param>
    /// <param name="picture">What.</param>
    public static void Write(Stream stream, Picture picture)
    {
        stream.Write(Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, picture.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], picture.Height);
        (header[8], header[9], header[10], header[11], header[12]) = (8, 2, 0, 0, 0);
        WriteChunk(stream, "IHDR"u8, header);
        WriteChunk(stream, "IDAT"u8, Compress(picture));
        WriteChunk(stream, "IEND"u8, []);
    }

    /// <summary>Every row less the one above it, then deflated: scenes have large even areas.</summary>
    private static byte[] Compress(Picture picture)
    {
        var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            byte[] line = new byte[1 + 3 * picture.Width];
            line[0] = SubtractAbove;
            for (int y = 0; y < picture.Height; y++)
            {
                ReadOnlySpan<byte> row = picture.Row(y);
                for (int i = 0; i < row.Length; i++)
                    line[1 + i] = (byte)(row[i] - (y > 0 ? picture.Row(y - 1)[i] : 0));
                zlib.Write(line);
            }
        }

        return compressed.ToArray();
    }

    private static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        stream.Write(number);
        stream.Write(type);
        stream.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Crc(data, Crc(type, uint.MaxValue)));
        stream.Write(number);
    }

    /// <summary>CRC-32 with the reflected polynomial EDB88320, bit by bit: files are small.</summary>
    private static uint Crc(ReadOnlySpan<byte> data, uint crc)
    {
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
        }

        return crc;
    }
}
