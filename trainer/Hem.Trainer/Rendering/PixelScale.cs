using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Hem.Trainer.Rendering;

/// <summary>Bytes of a picture as numbers from 0 to 1.</summary>
internal static class PixelScale
{
    private const float Scale = 1 / 255f;

    /// <summary>Each byte times float(1/255). Every lane does the same, so the bits do not depend on the vector's width.</summary>
    public static void ToFloats(ReadOnlySpan<byte> pixels, Span<float> shares)
    {
        int i = 0;
        ref byte from = ref MemoryMarshal.GetReference(pixels);
        ref float to = ref MemoryMarshal.GetReference(shares[..pixels.Length]);
        for (; i <= pixels.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(Vector128.LoadUnsafe(ref from, (nuint)i));
            Store(low, ref to, i);
            Store(high, ref to, i + 8);
        }

        for (; i < pixels.Length; i++)
            shares[i] = pixels[i] * Scale;
    }

    private static void Store(Vector128<ushort> pixels, ref float to, int i)
    {
        Vector256<int> numbers = Vector256.Create(Vector128.WidenLower(pixels), Vector128.WidenUpper(pixels)).AsInt32();
        (Vector256.ConvertToSingle(numbers) * Vector256.Create(Scale)).StoreUnsafe(ref to, (nuint)i);
    }
}
