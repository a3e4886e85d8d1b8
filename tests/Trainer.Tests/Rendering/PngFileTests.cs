using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Hem.Trainer.Rendering;

namespace Trainer.Tests.Rendering;

public class PngFileTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(300, 200)]
    public void What_was_written_reads_back(int width, int height)
    {
        var picture = new Picture(width, height);
        new Random(1).NextBytes(picture.Bytes);
        picture.Row(height / 2).Clear();
        var stream = new MemoryStream();
        PngFile.Write(stream, picture);
        Read(stream.ToArray(), width, height).SequenceEqual(picture.Bytes).ShouldBeTrue();
    }

    [Fact]
    public void A_checksum_of_its_format_is_the_well_known_one()
    {
        // The last chunk has no data, so that its checksum is the same in every PNG file.
        var stream = new MemoryStream();
        PngFile.Write(stream, new Picture(2, 2));
        stream.ToArray()[^8..].ShouldBe([.. "IEND"u8, 0xAE, 0x42, 0x60, 0x82]);
    }

    [Fact]
    public void Pasted_pixels_become_squares()
    {
        var dot = new Picture(2, 1);
        dot.Fill(1, 2, 3);
        dot.Bytes[3] = 9;
        var sheet = new Picture(6, 4);
        sheet.Paste(dot, left: 1, top: 1, enlarged: 2);
        sheet.Row(0).ToArray().ShouldAllBe(value => value == 0);
        sheet.Row(1).ToArray().ShouldBe([0, 0, 0, 1, 2, 3, 1, 2, 3, 9, 2, 3, 9, 2, 3, 0, 0, 0]);
        sheet.Row(2).ToArray().ShouldBe(sheet.Row(1).ToArray());
        sheet.Row(3).ToArray().ShouldAllBe(value => value == 0);
    }

    /// <summary>The pixels of a PNG file of our kind, its checksums checked.</summary>
    private static byte[] Read(byte[] file, int width, int height)
    {
        file[..8].ShouldBe([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        var data = new MemoryStream();
        var types = new List<string>();
        for (int at = 8; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            byte[] chunk = file[(at + 4)..(at + 8 + length)];
            types.Add(Encoding.ASCII.GetString(chunk, 0, 4));
            BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + length)).ShouldBe(Crc(chunk));
            if (types[^1] == "IHDR")
            {
                BinaryPrimitives.ReadInt32BigEndian(chunk.AsSpan(4)).ShouldBe(width);
                BinaryPrimitives.ReadInt32BigEndian(chunk.AsSpan(8)).ShouldBe(height);
                chunk[12..].ShouldBe([8, 2, 0, 0, 0]);
            }
            else
            {
                data.Write(chunk.AsSpan(4));
            }

            at += 12 + length;
        }

        types.ShouldBe(["IHDR", "IDAT", "IEND"]);
        data.Position = 0;
        using var zlib = new ZLibStream(data, CompressionMode.Decompress);
        byte[] pixels = new byte[3 * width * height], above = new byte[3 * width], line = new byte[3 * width];
        for (int y = 0; y < height; y++)
        {
            int filter = zlib.ReadByte();
            filter.ShouldBe(2);
            zlib.ReadExactly(line);
            for (int i = 0; i < line.Length; i++)
                above[i] += line[i];
            above.CopyTo(pixels, 3 * width * y);
        }

        zlib.ReadByte().ShouldBe(-1);
        return pixels;
    }

    /// <summary>By division of polynomials, from the highest bit.</summary>
    private static uint Crc(byte[] chunk)
    {
        uint rest = uint.MaxValue;
        foreach (byte value in chunk)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                bool odd = ((rest >> 31) & 1) != (uint)((value >> bit) & 1);
                rest = (rest << 1) ^ (odd ? 0x04C11DB7u : 0);
            }
        }

        uint reversed = 0;
        for (int bit = 0; bit < 32; bit++)
            reversed |= ((rest >> bit) & 1) << (31 - bit);
        return ~reversed;
    }
}
