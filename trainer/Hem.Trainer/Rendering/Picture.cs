namespace Hem.Trainer.Rendering;

/// <summary>An RGB picture, 3 bytes a pixel, rows from the top.</summary>
internal sealed class Picture(int width, int height)
{
    public int Width { get; } = width;

    public int Height { get; } = height;

    /// <summary>Height rows of 3 Width bytes.</summary>
    public byte[] Bytes { get; } = new byte[checked(3 * width * height)];

    public Span<byte> Row(int y) => Bytes.AsSpan(3 * Width * y, 3 * Width);

    public void Fill(byte red, byte green, byte blue)
    {
        for (int i = 0; i < Bytes.Length; i += 3)
            (Bytes[i], Bytes[i + 1], Bytes[i + 2]) = (red, green, blue);
    }

    /// <summary>Copies <paramref name="other"/> in with its top left corner at (left, top), each pixel as a square of so many.</summary>
    public void Paste(Picture other, int left, int top, int enlarged = 1)
    {
        for (int y = 0; y < other.Height * enlarged; y++)
        {
            ReadOnlySpan<byte> from = other.Row(y / enlarged);
            Span<byte> to = Row(top + y)[(3 * left)..];
            for (int x = 0; x < other.Width * enlarged; x++)
                from.Slice(3 * (x / enlarged), 3).CopyTo(to[(3 * x)..]);
        }
    }
}
