using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>
/// The tiles of a convolution: as those of a product, 6 rows by 2 vectors, but each row of A starts where a table says, so a tile may hold
/// windows of several images.
/// </summary>
internal sealed unsafe partial class Kernels<TLanes, TVector>
{
    // Windows summed before the tile of C is put back: what they and their gradients take stays in the first cache.
    private const int WindowBlock = 96;

    public override void MultiplyWindows(in WindowProduct product)
    {
        var block = product;
        var most = Math.Max(1, DepthBlock / product.Depth);
        var blocks = (product.SegmentCount + most - 1) / most;
        var next = new Fetching(product.Next, (long)blocks * Pieces(product.Columns, TileColumns) * Pieces(product.Rows, TileRows));
        for (var s = 0; s < product.SegmentCount || s == 0; s += most)
        {
            block.Segments = product.Segments + s;
            block.SegmentCount = Math.Min(most, product.SegmentCount - s);
            var last = s + block.SegmentCount == product.SegmentCount;
            block.Accumulate = s > 0;
            block.Relu = last && product.Relu;
            block.Mask = last ? product.Mask : null;
            for (var column = 0; column < product.Columns; column += TileColumns)
            {
                for (var row = 0; row < product.Rows; row += TileRows)
                {
                    next.Fetch();
                    WindowTile(block, row, column);
                }
            }
        }
    }

    public override void SumWindows(in WindowSums sums)
    {
        var block = sums;
        var tiles = (long)Pieces(sums.Windows, WindowBlock) * Pieces(sums.Rows, TileRows) * Pieces(sums.Columns, TileColumns);
        var next = new Fetching(sums.Next, tiles);
        for (var window = 0; window < sums.Windows; window += WindowBlock)
        {
            block.AOffsets = sums.AOffsets + window;
            block.B = sums.B + window * sums.BStep;
            block.Windows = Math.Min(WindowBlock, sums.Windows - window);
            block.Accumulate = sums.Accumulate || window > 0;
            for (var row = 0; row < sums.Rows; row += TileRows)
            {
                for (var column = 0; column < sums.Columns; column += TileColumns)
                {
                    next.Fetch();
                    SumTile(block, row, column);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WindowTile(in WindowProduct product, int row, int column)
    {
        var rows = product.Rows - row;
        int r0 = row, r1 = r0 + Another(rows, 1), r2 = r1 + Another(rows, 2), r3 = r2 + Another(rows, 3);
        int r4 = r3 + Another(rows, 4), r5 = r4 + Another(rows, 5);
        TVector x0, y0, x1, y1, x2, y2, x3, y3, x4, y4, x5, y5;
        var c = product.C + column;
        if (product.Accumulate)
        {
            x0 = TLanes.Load(c + product.COffsets[r0]);
            y0 = TLanes.Load(c + product.COffsets[r0] + TLanes.Count);
            x1 = TLanes.Load(c + product.COffsets[r1]);
            y1 = TLanes.Load(c + product.COffsets[r1] + TLanes.Count);
            x2 = TLanes.Load(c + product.COffsets[r2]);
            y2 = TLanes.Load(c + product.COffsets[r2] + TLanes.Count);
            x3 = TLanes.Load(c + product.COffsets[r3]);
            y3 = TLanes.Load(c + product.COffsets[r3] + TLanes.Count);
            x4 = TLanes.Load(c + product.COffsets[r4]);
            y4 = TLanes.Load(c + product.COffsets[r4] + TLanes.Count);
            x5 = TLanes.Load(c + product.COffsets[r5]);
            y5 = TLanes.Load(c + product.COffsets[r5] + TLanes.Count);
        }
        else
        {
            var start = product.Bias != null ? product.Bias + column : Zeros.Pointer;
            x0 = x1 = x2 = x3 = x4 = x5 = TLanes.Load(start);
            y0 = y1 = y2 = y3 = y4 = y5 = TLanes.Load(start + TLanes.Count);
        }

        var a0 = product.A + product.AOffsets[r0];
        var a1 = product.A + product.AOffsets[r1];
        var a2 = product.A + product.AOffsets[r2];
        var a3 = product.A + product.AOffsets[r3];
        var a4 = product.A + product.AOffsets[r4];
        var a5 = product.A + product.AOffsets[r5];
        var bStep = product.BStep;
        var panel = product.B + column / TileColumns * product.BPanel;
        var lastSegment = product.Segments + product.SegmentCount;
        for (var segment = product.Segments; segment < lastSegment; segment++)
        {
            nint k = segment->A;
            var b = panel + segment->B;
            var end = b + product.Depth * bStep;
            for (; b != end; k++, b += bStep)
            {
                var left = TLanes.Load(b);
                var right = TLanes.Load(b + TLanes.Count);
                var s0 = TLanes.Broadcast(a0[k]);
                x0 = TLanes.FusedMultiplyAdd(s0, left, x0);
                y0 = TLanes.FusedMultiplyAdd(s0, right, y0);
                var s1 = TLanes.Broadcast(a1[k]);
                x1 = TLanes.FusedMultiplyAdd(s1, left, x1);
                y1 = TLanes.FusedMultiplyAdd(s1, right, y1);
                var s2 = TLanes.Broadcast(a2[k]);
                x2 = TLanes.FusedMultiplyAdd(s2, left, x2);
                y2 = TLanes.FusedMultiplyAdd(s2, right, y2);
                var s3 = TLanes.Broadcast(a3[k]);
                x3 = TLanes.FusedMultiplyAdd(s3, left, x3);
                y3 = TLanes.FusedMultiplyAdd(s3, right, y3);
                var s4 = TLanes.Broadcast(a4[k]);
                x4 = TLanes.FusedMultiplyAdd(s4, left, x4);
                y4 = TLanes.FusedMultiplyAdd(s4, right, y4);
                var s5 = TLanes.Broadcast(a5[k]);
                x5 = TLanes.FusedMultiplyAdd(s5, left, x5);
                y5 = TLanes.FusedMultiplyAdd(s5, right, y5);
            }
        }

        if (product.Relu)
        {
            x0 = Positive(x0);
            y0 = Positive(y0);
            x1 = Positive(x1);
            y1 = Positive(y1);
            x2 = Positive(x2);
            y2 = Positive(y2);
            x3 = Positive(x3);
            y3 = Positive(y3);
            x4 = Positive(x4);
            y4 = Positive(y4);
            x5 = Positive(x5);
            y5 = Positive(y5);
        }

        if (product.Mask != null)
        {
            var mask = product.Mask + column;
            x0 = Masked(x0, mask + product.MaskOffsets[r0]);
            y0 = Masked(y0, mask + product.MaskOffsets[r0] + TLanes.Count);
            x1 = Masked(x1, mask + product.MaskOffsets[r1]);
            y1 = Masked(y1, mask + product.MaskOffsets[r1] + TLanes.Count);
            x2 = Masked(x2, mask + product.MaskOffsets[r2]);
            y2 = Masked(y2, mask + product.MaskOffsets[r2] + TLanes.Count);
            x3 = Masked(x3, mask + product.MaskOffsets[r3]);
            y3 = Masked(y3, mask + product.MaskOffsets[r3] + TLanes.Count);
            x4 = Masked(x4, mask + product.MaskOffsets[r4]);
            y4 = Masked(y4, mask + product.MaskOffsets[r4] + TLanes.Count);
            x5 = Masked(x5, mask + product.MaskOffsets[r5]);
            y5 = Masked(y5, mask + product.MaskOffsets[r5] + TLanes.Count);
        }

        TLanes.Store(c + product.COffsets[r0], x0);
        TLanes.Store(c + product.COffsets[r0] + TLanes.Count, y0);
        TLanes.Store(c + product.COffsets[r1], x1);
        TLanes.Store(c + product.COffsets[r1] + TLanes.Count, y1);
        TLanes.Store(c + product.COffsets[r2], x2);
        TLanes.Store(c + product.COffsets[r2] + TLanes.Count, y2);
        TLanes.Store(c + product.COffsets[r3], x3);
        TLanes.Store(c + product.COffsets[r3] + TLanes.Count, y3);
        TLanes.Store(c + product.COffsets[r4], x4);
        TLanes.Store(c + product.COffsets[r4] + TLanes.Count, y4);
        TLanes.Store(c + product.COffsets[r5], x5);
        TLanes.Store(c + product.COffsets[r5] + TLanes.Count, y5);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumTile(in WindowSums sums, int row, int column)
    {
        var rows = sums.Rows - row;
        int r0 = row, r1 = r0 + Another(rows, 1), r2 = r1 + Another(rows, 2), r3 = r2 + Another(rows, 3);
        int r4 = r3 + Another(rows, 4), r5 = r4 + Another(rows, 5);
        var cRow = sums.CRow;
        var c = sums.C + column;
        TVector x0, y0, x1, y1, x2, y2, x3, y3, x4, y4, x5, y5;
        if (sums.Accumulate)
        {
            x0 = TLanes.Load(c + r0 * cRow);
            y0 = TLanes.Load(c + r0 * cRow + TLanes.Count);
            x1 = TLanes.Load(c + r1 * cRow);
            y1 = TLanes.Load(c + r1 * cRow + TLanes.Count);
            x2 = TLanes.Load(c + r2 * cRow);
            y2 = TLanes.Load(c + r2 * cRow + TLanes.Count);
            x3 = TLanes.Load(c + r3 * cRow);
            y3 = TLanes.Load(c + r3 * cRow + TLanes.Count);
            x4 = TLanes.Load(c + r4 * cRow);
            y4 = TLanes.Load(c + r4 * cRow + TLanes.Count);
            x5 = TLanes.Load(c + r5 * cRow);
            y5 = TLanes.Load(c + r5 * cRow + TLanes.Count);
        }
        else
        {
            x0 = x1 = x2 = x3 = x4 = x5 = y0 = y1 = y2 = y3 = y4 = y5 = default;
        }

        nint k0 = sums.RowOffsets[r0], k1 = sums.RowOffsets[r1], k2 = sums.RowOffsets[r2];
        nint k3 = sums.RowOffsets[r3], k4 = sums.RowOffsets[r4], k5 = sums.RowOffsets[r5];
        var bStep = sums.BStep;
        var b = sums.B + column;
        var origin = sums.A;
        var end = sums.AOffsets + sums.Windows;
        for (var window = sums.AOffsets; window != end; window++, b += bStep)
        {
            var a = origin + *window;
            var left = TLanes.Load(b);
            var right = TLanes.Load(b + TLanes.Count);
            var s0 = TLanes.Broadcast(a[k0]);
            x0 = TLanes.FusedMultiplyAdd(s0, left, x0);
            y0 = TLanes.FusedMultiplyAdd(s0, right, y0);
            var s1 = TLanes.Broadcast(a[k1]);
            x1 = TLanes.FusedMultiplyAdd(s1, left, x1);
            y1 = TLanes.FusedMultiplyAdd(s1, right, y1);
            var s2 = TLanes.Broadcast(a[k2]);
            x2 = TLanes.FusedMultiplyAdd(s2, left, x2);
            y2 = TLanes.FusedMultiplyAdd(s2, right, y2);
            var s3 = TLanes.Broadcast(a[k3]);
            x3 = TLanes.FusedMultiplyAdd(s3, left, x3);
            y3 = TLanes.FusedMultiplyAdd(s3, right, y3);
            var s4 = TLanes.Broadcast(a[k4]);
            x4 = TLanes.FusedMultiplyAdd(s4, left, x4);
            y4 = TLanes.FusedMultiplyAdd(s4, right, y4);
            var s5 = TLanes.Broadcast(a[k5]);
            x5 = TLanes.FusedMultiplyAdd(s5, left, x5);
            y5 = TLanes.FusedMultiplyAdd(s5, right, y5);
        }

        TLanes.Store(c + r0 * cRow, x0);
        TLanes.Store(c + r0 * cRow + TLanes.Count, y0);
        TLanes.Store(c + r1 * cRow, x1);
        TLanes.Store(c + r1 * cRow + TLanes.Count, y1);
        TLanes.Store(c + r2 * cRow, x2);
        TLanes.Store(c + r2 * cRow + TLanes.Count, y2);
        TLanes.Store(c + r3 * cRow, x3);
        TLanes.Store(c + r3 * cRow + TLanes.Count, y3);
        TLanes.Store(c + r4 * cRow, x4);
        TLanes.Store(c + r4 * cRow + TLanes.Count, y4);
        TLanes.Store(c + r5 * cRow, x5);
        TLanes.Store(c + r5 * cRow + TLanes.Count, y5);
    }

    /// <summary>The way from the row before to this one: none past the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Another(int rows, int row) => row < rows ? 1 : 0;

    private static int Pieces(int count, int size) => (count + size - 1) / size;

    /// <summary>Fetches a share of what is upcoming with each tile.</summary>
    private struct Fetching(in Upcoming upcoming, long tiles)
    {
        private const int Line = 16;

        private readonly long share = tiles == 0 ? 0 : (upcoming.Count + tiles * Line - 1) / (tiles * Line) * Line;
        private float* next = upcoming.Start;
        private long left = upcoming.Count;

        public void Fetch()
        {
            if (!Sse.IsSupported)
                return;
            for (var last = left - share; left > 0 && left > last; left -= Line, next += Line)
                Sse.Prefetch1(next);
        }
    }
}
