using System.Runtime.CompilerServices;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>
/// The tiles of C that stay in registers while k runs: 6 rows by 2 vectors fill the 16 registers of AVX2 and keep both multipliers of
/// every processor at hand busy; 4 by 2 takes most remainders and 1 by 4 a lone row. A tile with fewer rows than it is made for
/// computes its last row again in their place, which stores the same bits twice. There is no call in a tile: across one, vectors
/// live in memory, and the compiler would keep them there all through the loop.
/// </summary>
internal sealed unsafe partial class Kernels<TLanes, TVector>
{
    private const int TileRows = 6;
    private const int SmallTileRows = 4;
    private const int RowTileVectors = 4;

    private struct Tile
    {
        /// <summary>As in <see cref="Product"/>.</summary>
        public float* A;
        public nint ARow;
        public nint AStep;
        public float* B;
        public nint BStep;
        public int Depth;

        /// <summary>Rows that there are, from 1 to those of the tile.</summary>
        public int Rows;

        /// <summary>What the sums start from.</summary>
        public float* Start;
        public nint StartRow;

        /// <summary>Where they end: whole vectors are stored.</summary>
        public float* Target;
        public nint TargetRow;

        public float* Mask;
        public nint MaskRow;
        public bool Relu;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LargeTile(in Tile tile)
    {
        var start = tile.Start;
        var x0 = TLanes.Load(start);
        var y0 = TLanes.Load(start + TLanes.Count);
        start += Next(tile.Rows, 1, tile.StartRow);
        var x1 = TLanes.Load(start);
        var y1 = TLanes.Load(start + TLanes.Count);
        start += Next(tile.Rows, 2, tile.StartRow);
        var x2 = TLanes.Load(start);
        var y2 = TLanes.Load(start + TLanes.Count);
        start += Next(tile.Rows, 3, tile.StartRow);
        var x3 = TLanes.Load(start);
        var y3 = TLanes.Load(start + TLanes.Count);
        start += Next(tile.Rows, 4, tile.StartRow);
        var x4 = TLanes.Load(start);
        var y4 = TLanes.Load(start + TLanes.Count);
        start += Next(tile.Rows, 5, tile.StartRow);
        var x5 = TLanes.Load(start);
        var y5 = TLanes.Load(start + TLanes.Count);

        var a0 = tile.A;
        var a1 = a0 + Next(tile.Rows, 1, tile.ARow);
        var a2 = a1 + Next(tile.Rows, 2, tile.ARow);
        var a3 = a2 + Next(tile.Rows, 3, tile.ARow);
        var a4 = a3 + Next(tile.Rows, 4, tile.ARow);
        var a5 = a4 + Next(tile.Rows, 5, tile.ARow);
        var b = tile.B;
        var aStep = tile.AStep;
        var bStep = tile.BStep;
        var end = b + tile.Depth * bStep;
        for (nint k = 0; b != end; k += aStep, b += bStep)
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

        if (tile.Relu)
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

        if (tile.Mask != null)
        {
            var mask = tile.Mask;
            x0 = Masked(x0, mask);
            y0 = Masked(y0, mask + TLanes.Count);
            mask += Next(tile.Rows, 1, tile.MaskRow);
            x1 = Masked(x1, mask);
            y1 = Masked(y1, mask + TLanes.Count);
            mask += Next(tile.Rows, 2, tile.MaskRow);
            x2 = Masked(x2, mask);
            y2 = Masked(y2, mask + TLanes.Count);
            mask += Next(tile.Rows, 3, tile.MaskRow);
            x3 = Masked(x3, mask);
            y3 = Masked(y3, mask + TLanes.Count);
            mask += Next(tile.Rows, 4, tile.MaskRow);
            x4 = Masked(x4, mask);
            y4 = Masked(y4, mask + TLanes.Count);
            mask += Next(tile.Rows, 5, tile.MaskRow);
            x5 = Masked(x5, mask);
            y5 = Masked(y5, mask + TLanes.Count);
        }

        var target = tile.Target;
        TLanes.Store(target, x0);
        TLanes.Store(target + TLanes.Count, y0);
        target += Next(tile.Rows, 1, tile.TargetRow);
        TLanes.Store(target, x1);
        TLanes.Store(target + TLanes.Count, y1);
        target += Next(tile.Rows, 2, tile.TargetRow);
        TLanes.Store(target, x2);
        TLanes.Store(target + TLanes.Count, y2);
        target += Next(tile.Rows, 3, tile.TargetRow);
        TLanes.Store(target, x3);
        TLanes.Store(target + TLanes.Count, y3);
        target += Next(tile.Rows, 4, tile.TargetRow);
        TLanes.Store(target, x4);
        TLanes.Store(target + TLanes.Count, y4);
        target += Next(tile.Rows, 5, tile.TargetRow);
        TLanes.Store(target, x5);
        TLanes.Store(target + TLanes.Count, y5);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SmallTile(in Tile tile)
    {
        var start = tile.Start;
        var x0 = TLanes.Load(start);
        var y0 = TLanes.Load(start + TLanes.Count);
        start += Next(tile.Rows, 1, tile.StartRow);
        var x1 = TLanes.Load(start);
        var y1 = TLanes.Load(start + TLanes.Count);
        start += Next(tile.Rows, 2, tile.StartRow);
        var x2 = TLanes.Load(start);
        var y2 = TLanes.Load(start + TLanes.Count);
        start += Next(tile.Rows, 3, tile.StartRow);
        var x3 = TLanes.Load(start);
        var y3 = TLanes.Load(start + TLanes.Count);

        var a0 = tile.A;
        var a1 = a0 + Next(tile.Rows, 1, tile.ARow);
        var a2 = a1 + Next(tile.Rows, 2, tile.ARow);
        var a3 = a2 + Next(tile.Rows, 3, tile.ARow);
        var b = tile.B;
        var aStep = tile.AStep;
        var bStep = tile.BStep;
        var end = b + tile.Depth * bStep;
        for (nint k = 0; b != end; k += aStep, b += bStep)
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
        }

        if (tile.Relu)
        {
            x0 = Positive(x0);
            y0 = Positive(y0);
            x1 = Positive(x1);
            y1 = Positive(y1);
            x2 = Positive(x2);
            y2 = Positive(y2);
            x3 = Positive(x3);
            y3 = Positive(y3);
        }

        if (tile.Mask != null)
        {
            var mask = tile.Mask;
            x0 = Masked(x0, mask);
            y0 = Masked(y0, mask + TLanes.Count);
            mask += Next(tile.Rows, 1, tile.MaskRow);
            x1 = Masked(x1, mask);
            y1 = Masked(y1, mask + TLanes.Count);
            mask += Next(tile.Rows, 2, tile.MaskRow);
            x2 = Masked(x2, mask);
            y2 = Masked(y2, mask + TLanes.Count);
            mask += Next(tile.Rows, 3, tile.MaskRow);
            x3 = Masked(x3, mask);
            y3 = Masked(y3, mask + TLanes.Count);
        }

        var target = tile.Target;
        TLanes.Store(target, x0);
        TLanes.Store(target + TLanes.Count, y0);
        target += Next(tile.Rows, 1, tile.TargetRow);
        TLanes.Store(target, x1);
        TLanes.Store(target + TLanes.Count, y1);
        target += Next(tile.Rows, 2, tile.TargetRow);
        TLanes.Store(target, x2);
        TLanes.Store(target + TLanes.Count, y2);
        target += Next(tile.Rows, 3, tile.TargetRow);
        TLanes.Store(target, x3);
        TLanes.Store(target + TLanes.Count, y3);
    }

    /// <summary>One row by four vectors: bound by the reading of B.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RowTile(in Tile tile)
    {
        var x0 = TLanes.Load(tile.Start + 0 * TLanes.Count);
        var x1 = TLanes.Load(tile.Start + 1 * TLanes.Count);
        var x2 = TLanes.Load(tile.Start + 2 * TLanes.Count);
        var x3 = TLanes.Load(tile.Start + 3 * TLanes.Count);

        var a = tile.A;
        var b = tile.B;
        var aStep = tile.AStep;
        var bStep = tile.BStep;
        var end = b + tile.Depth * bStep;
        for (; b != end; a += aStep, b += bStep)
        {
            var s = TLanes.Broadcast(*a);
            x0 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 0 * TLanes.Count), x0);
            x1 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 1 * TLanes.Count), x1);
            x2 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 2 * TLanes.Count), x2);
            x3 = TLanes.FusedMultiplyAdd(s, TLanes.Load(b + 3 * TLanes.Count), x3);
        }

        if (tile.Relu)
        {
            x0 = Positive(x0);
            x1 = Positive(x1);
            x2 = Positive(x2);
            x3 = Positive(x3);
        }

        if (tile.Mask != null)
        {
            x0 = Masked(x0, tile.Mask + 0 * TLanes.Count);
            x1 = Masked(x1, tile.Mask + 1 * TLanes.Count);
            x2 = Masked(x2, tile.Mask + 2 * TLanes.Count);
            x3 = Masked(x3, tile.Mask + 3 * TLanes.Count);
        }

        TLanes.Store(tile.Target + 0 * TLanes.Count, x0);
        TLanes.Store(tile.Target + 1 * TLanes.Count, x1);
        TLanes.Store(tile.Target + 2 * TLanes.Count, x2);
        TLanes.Store(tile.Target + 3 * TLanes.Count, x3);
    }

    /// <summary>The way from the row before to this one: none past the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Next(int rows, int row, nint stride) => row < rows ? stride : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Positive(TVector value) => TLanes.AndNot(value, TLanes.LessThan(value, default));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Masked(TVector value, float* mask) => TLanes.And(value, TLanes.LessThan(default, TLanes.Load(mask)));
}
