using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>The panel of a transposed matrix.</summary>
internal sealed unsafe partial class Kernels<TLanes, TVector>
{
    public override void Transpose(float* source, nint stride, int columns, int depth, float* target)
    {
        for (var column = 0; column < columns; column += TileColumns, target += (nint)depth * TileColumns)
            PackTransposed(source + column * stride, stride, Math.Min(TileColumns, columns - column), depth, target, TileColumns);
    }

    /// <summary>
    /// panel[k * width + column] = rows[column * stride + k]. Columns that the matrix lacks are left as they are: they feed
    /// lanes that nobody stores.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackTransposed(float* rows, nint stride, int columns, int depth, float* panel, int width)
    {
        const int Block = 8;
        var (blockColumns, blockDepth) = Avx.IsSupported ? (columns / Block * Block, depth / Block * Block) : (0, 0);
        for (var k = 0; k < blockDepth; k += Block)
        {
            for (var column = 0; column < blockColumns; column += Block)
                Transpose8(rows + column * stride + k, stride, panel + k * width + column, width);
        }

        for (var column = 0; column < columns; column++)
        {
            for (var k = column < blockColumns ? blockDepth : 0; k < depth; k++)
                panel[k * width + column] = rows[column * stride + k];
        }
    }

    /// <summary>target[j, i] = source[i, j] for 8 by 8 floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose8(float* source, nint sourceStride, float* target, nint targetStride)
    {
        // Rows i and i + 4 share a vector, so that two rounds of shuffles within 128 bits are all it takes.
        var lower = source + 4 * sourceStride;
        TransposeHalf(source, lower, sourceStride, target, targetStride);
        TransposeHalf(source + 4, lower + 4, sourceStride, target + 4 * targetStride, targetStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeHalf(float* first, float* second, nint sourceStride, float* target, nint targetStride)
    {
        var r0 = Vector256.Create(Vector128.Load(first), Vector128.Load(second));
        var r1 = Vector256.Create(Vector128.Load(first + sourceStride), Vector128.Load(second + sourceStride));
        var r2 = Vector256.Create(Vector128.Load(first + 2 * sourceStride), Vector128.Load(second + 2 * sourceStride));
        var r3 = Vector256.Create(Vector128.Load(first + 3 * sourceStride), Vector128.Load(second + 3 * sourceStride));
        var low01 = Avx.UnpackLow(r0, r1);
        var high01 = Avx.UnpackHigh(r0, r1);
        var low23 = Avx.UnpackLow(r2, r3);
        var high23 = Avx.UnpackHigh(r2, r3);
        Avx.Shuffle(low01, low23, 0b01_00_01_00).Store(target);
        Avx.Shuffle(low01, low23, 0b11_10_11_10).Store(target + targetStride);
        Avx.Shuffle(high01, high23, 0b01_00_01_00).Store(target + 2 * targetStride);
        Avx.Shuffle(high01, high23, 0b11_10_11_10).Store(target + 3 * targetStride);
    }
}
