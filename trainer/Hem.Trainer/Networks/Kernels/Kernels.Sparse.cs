using System.Numerics;
using System.Runtime.CompilerServices;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>
/// Products that skip the zeros of A, in panels of 8 vectors of columns: the sums of one row stay in registers while the row's nonzeros,
/// the bits of a word, each take their row of B, of which as many rows as a word has bits lie packed in the first cache. What is skipped
/// would have added zero, so the bits are those of the full sums. In two cases they might not be, and the full sums are taken: where B
/// holds a number that is not finite, whose product with zero is not zero; and where a sum ends at -0, which adding zero might have made
/// +0 (on the way to any other end the sign of a zero does not count).
/// </summary>
internal sealed unsafe partial class Kernels<TLanes, TVector>
{
    private const int SparseVectors = 8;
    private const int WordBits = 64;

    // With fewer rows, or fuller ones, packing costs more than zeros do.
    private const int LeastSparseRows = 16;
    private const double MostNonZeros = 0.8;

    private static int SparseColumns => SparseVectors * TLanes.Count;

    private static int SparseScratch => WordBits * SparseColumns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void NonZeros(float* matrix, nint stride, int rows, int columns, ulong* words, nint wordStride)
    {
        for (; rows > 0; rows--, matrix += stride, words += wordStride)
        {
            for (var column = 0; column < columns; column += WordBits)
            {
                ulong word = 0;
                for (var i = 0; i < WordBits; i += TLanes.Count)
                    word |= (ulong)TLanes.NonZeros(TLanes.Load(matrix + column + i)) << i;
                words[column / WordBits] = columns - column < WordBits ? word & ((1ul << (columns - column)) - 1) : word;
            }
        }
    }

    public override void Multiply(in Product product, float* scratch)
    {
        var columns = SkipZeros(product, transposed: false, scratch);
        if (columns == product.Columns)
            return;
        var rest = ColumnSlice(product, columns, product.Columns - columns);
        rest.B += columns;
        Multiply(rest);
    }

    public override void SumOuterProducts(in Product product, float* scratch)
    {
        if (product.Columns < SparseColumns || !HasZeros(product, product.Depth, product.Rows))
        {
            Multiply(product);
            return;
        }

        var left = scratch + SparseScratch;
        var words = (ulong*)(left + WordBits * WordBits);
        for (var row = 0; row < product.Rows; row += WordBits)
        {
            for (var k = 0; k < product.Depth; k += WordBits)
            {
                var part = DepthSlice(RowSlice(product, row, Math.Min(WordBits, product.Rows - row)), k, WordBits);
                part.B += k * product.BStep;
                PackTransposed(part.A, part.AStep, part.Depth, part.Rows, left, WordBits);
                NonZeros(left, WordBits, part.Rows, part.Depth, words, 1);
                part.A = left;
                part.NonZeros = words;
                (part.ARow, part.AStep, part.NonZeroRow) = (WordBits, 1, 1);
                Multiply(part, scratch);
            }
        }
    }

    /// <summary>Takes whole panels of columns where that is worth it, and tells how many columns it took.</summary>
    private static int SkipZeros(in Product product, bool transposed, float* scratch)
    {
        var columns = product.Columns / SparseColumns * SparseColumns;
        if (columns == 0 || product.Rows < LeastSparseRows || !HasZeros(product, product.Rows, product.Depth))
            return 0;
        for (var row = 0; row < product.Rows; row += RowBlock)
        {
            var rows = RowSlice(product, row, Math.Min(RowBlock, product.Rows - row));
            for (var column = 0; column < columns; column += SparseColumns)
            {
                for (var k = 0; k < product.Depth; k += WordBits)
                {
                    var block = DepthSlice(ColumnSlice(rows, column, SparseColumns), k, WordBits);
                    if (transposed)
                        PackTransposed(block.B + column * block.BStep + k, block.BStep, SparseColumns, block.Depth, scratch, SparseColumns);
                    else
                        Pack(block.B + k * block.BStep + column, block.BStep, block.Depth, scratch);
                    block.B = scratch;
                    block.BStep = SparseColumns;
                    block.NonZeros += k / WordBits;
                    SkipZeros(block);
                }
            }
        }

        return columns;
    }

    /// <summary>Whether a part of so many rows, each of so many bits, is known to be nonzero.</summary>
    private static bool HasZeros(in Product product, int rows, int bits)
    {
        if (product.NonZeros == null)
            return false;
        long count = 0;
        for (var row = 0; row < rows; row++)
        {
            for (var word = 0; word < (bits + WordBits - 1) / WordBits; word++)
                count += BitOperations.PopCount(product.NonZeros[row * product.NonZeroRow + word]);
        }

        return count <= MostNonZeros * rows * bits;
    }

    /// <summary>One panel of columns and one word of depth, with B packed.</summary>
    private static void SkipZeros(in Product panel)
    {
        if (!IsFinite(panel.B, panel.Depth * SparseColumns))
        {
            MultiplyPanels(panel);
            return;
        }

        var tile = TileAt(panel, 0);
        for (var row = 0; row < panel.Rows; row++)
        {
            if (!SparseTile(tile, panel.NonZeros[row * panel.NonZeroRow]))
                MultiplyPanels(RowSlice(panel, row, 1));
            tile.A += tile.ARow;
            tile.Start += tile.StartRow;
            tile.Target += tile.TargetRow;
            if (tile.Mask != null)
                tile.Mask += tile.MaskRow;
        }
    }

    /// <summary>One row by 8 vectors; false, and nothing is stored, where a sum ends at -0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool SparseTile(in Tile tile, ulong nonZeros)
    {
        var x0 = TLanes.Load(tile.Start + 0 * TLanes.Count);
        var x1 = TLanes.Load(tile.Start + 1 * TLanes.Count);
        var x2 = TLanes.Load(tile.Start + 2 * TLanes.Count);
        var x3 = TLanes.Load(tile.Start + 3 * TLanes.Count);
        var x4 = TLanes.Load(tile.Start + 4 * TLanes.Count);
        var x5 = TLanes.Load(tile.Start + 5 * TLanes.Count);
        var x6 = TLanes.Load(tile.Start + 6 * TLanes.Count);
        var x7 = TLanes.Load(tile.Start + 7 * TLanes.Count);

        var a = tile.A;
        var panel = tile.B;
        for (; nonZeros != 0; nonZeros &= nonZeros - 1)
        {
            nint k = BitOperations.TrailingZeroCount(nonZeros);
            var b = panel + k * SparseColumns;
            var s = TLanes.Broadcast(a[k]);
            x0 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 0 * TLanes.Count), x0);
            x1 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 1 * TLanes.Count), x1);
            x2 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 2 * TLanes.Count), x2);
            x3 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 3 * TLanes.Count), x3);
            x4 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 4 * TLanes.Count), x4);
            x5 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 5 * TLanes.Count), x5);
            x6 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 6 * TLanes.Count), x6);
            x7 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 7 * TLanes.Count), x7);
        }

        // -0 is the least of all integers.
        var least = TLanes.LesserBits(
            TLanes.LesserBits(TLanes.LesserBits(x0, x1), TLanes.LesserBits(x2, x3)),
            TLanes.LesserBits(TLanes.LesserBits(x4, x5), TLanes.LesserBits(x6, x7)));
        if (TLanes.HasNegativeZero(least))
            return false;

        if (tile.Relu)
        {
            x0 = Positive(x0);
            x1 = Positive(x1);
            x2 = Positive(x2);
            x3 = Positive(x3);
            x4 = Positive(x4);
            x5 = Positive(x5);
            x6 = Positive(x6);
            x7 = Positive(x7);
        }

        if (tile.Mask != null)
        {
            x0 = Masked(x0, tile.Mask + 0 * TLanes.Count);
            x1 = Masked(x1, tile.Mask + 1 * TLanes.Count);
            x2 = Masked(x2, tile.Mask + 2 * TLanes.Count);
            x3 = Masked(x3, tile.Mask + 3 * TLanes.Count);
            x4 = Masked(x4, tile.Mask + 4 * TLanes.Count);
            x5 = Masked(x5, tile.Mask + 5 * TLanes.Count);
            x6 = Masked(x6, tile.Mask + 6 * TLanes.Count);
            x7 = Masked(x7, tile.Mask + 7 * TLanes.Count);
        }

        TLanes.Store(tile.Target + 0 * TLanes.Count, x0);
        TLanes.Store(tile.Target + 1 * TLanes.Count, x1);
        TLanes.Store(tile.Target + 2 * TLanes.Count, x2);
        TLanes.Store(tile.Target + 3 * TLanes.Count, x3);
        TLanes.Store(tile.Target + 4 * TLanes.Count, x4);
        TLanes.Store(tile.Target + 5 * TLanes.Count, x5);
        TLanes.Store(tile.Target + 6 * TLanes.Count, x6);
        TLanes.Store(tile.Target + 7 * TLanes.Count, x7);
        return true;
    }

    /// <summary>panel[k * SparseColumns + column] = rows[k * stride + column].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(float* rows, nint stride, int depth, float* panel)
    {
        for (var end = panel + depth * SparseColumns; panel < end; rows += stride, panel += SparseColumns)
        {
            for (var column = 0; column < SparseColumns; column += TLanes.Count)
                TLanes.Store(panel + column, TLanes.Load(rows + column));
        }
    }

    /// <summary>A sum of zeros, unless a number is infinite or none; the count is a multiple of 8 vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool IsFinite(float* numbers, int count)
    {
        TVector zero = default, x0 = zero, x1 = zero, x2 = zero, x3 = zero, x4 = zero, x5 = zero, x6 = zero, x7 = zero;
        for (var end = numbers + count; numbers < end; numbers += SparseColumns)
        {
            x0 = TLanes.FusedMultiplyAdd(zero, TLanes.Load(numbers + 0 * TLanes.Count), x0);
            x1 = TLanes.FusedMultiplyAdd(zero, TLanes.Load(numbers + 1 * TLanes.Count), x1);
            x2 = TLanes.FusedMultiplyAdd(zero, TLanes.Load(numbers + 2 * TLanes.Count), x2);
            x3 = TLanes.FusedMultiplyAdd(zero, TLanes.Load(numbers + 3 * TLanes.Count), x3);
            x4 = TLanes.FusedMultiplyAdd(zero, TLanes.Load(numbers + 4 * TLanes.Count), x4);
            x5 = TLanes.FusedMultiplyAdd(zero, TLanes.Load(numbers + 5 * TLanes.Count), x5);
            x6 = TLanes.FusedMultiplyAdd(zero, TLanes.Load(numbers + 6 * TLanes.Count), x6);
            x7 = TLanes.FusedMultiplyAdd(zero, TLanes.Load(numbers + 7 * TLanes.Count), x7);
        }

        var sum = TLanes.Add(TLanes.Add(TLanes.Add(x0, x1), TLanes.Add(x2, x3)), TLanes.Add(TLanes.Add(x4, x5), TLanes.Add(x6, x7)));
        return TLanes.NonZeros(sum) == 0;
    }
}
