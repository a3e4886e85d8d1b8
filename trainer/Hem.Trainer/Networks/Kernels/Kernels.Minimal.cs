using System.Runtime.CompilerServices;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>
/// What stands around the products of a <see cref="MinimalConvolution"/>: sums of neighbours, taken lane by lane, first down the columns
/// of a tile and then along its rows.
/// </summary>
internal sealed unsafe partial class Kernels<TLanes, TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SpreadWeights(float* weights, int count, float* target)
    {
        var half = TLanes.Broadcast(0.5f);
        nint plane = 4 * count;
        for (var parity = 0; parity < 4; parity++)
        {
            var source = weights + (parity / 2 * 4 + parity % 2) * count;
            var spread = target + parity * count;
            for (var i = 0; i < count; i += TLanes.Count, source += TLanes.Count, spread += TLanes.Count)
            {
                TVector a0 = TLanes.Load(source), a3 = TLanes.Load(source + 8 * count);
                TVector b0 = TLanes.Load(source + 2 * count), b3 = TLanes.Load(source + 10 * count);
                var a1 = TLanes.Multiply(half, TLanes.Add(a0, a3));
                var a2 = TLanes.Multiply(half, TLanes.Subtract(a0, a3));
                var b1 = TLanes.Multiply(half, TLanes.Add(b0, b3));
                var b2 = TLanes.Multiply(half, TLanes.Subtract(b0, b3));
                SpreadPair(spread, plane, half, a0, b0);
                SpreadPair(spread + 4 * plane, plane, half, a1, b1);
                SpreadPair(spread + 8 * plane, plane, half, a2, b2);
                SpreadPair(spread + 12 * plane, plane, half, a3, b3);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SpreadInputs(float* x, nint line, int count, float* target, nint plane)
    {
        for (var lane = 0; lane < count; lane += TLanes.Count, x += TLanes.Count, target += TLanes.Count)
        {
            TVector x0 = TLanes.Load(x), x1 = TLanes.Load(x + line), x2 = TLanes.Load(x + 2 * line), x3 = TLanes.Load(x + 3 * line);
            TVector a0 = TLanes.Subtract(x0, x2), a1 = TLanes.Add(x1, x2), a2 = TLanes.Subtract(x2, x1), a3 = TLanes.Subtract(x3, x1);
            var at = x + count;
            x0 = TLanes.Load(at);
            x1 = TLanes.Load(at + line);
            x2 = TLanes.Load(at + 2 * line);
            x3 = TLanes.Load(at + 3 * line);
            TVector b0 = TLanes.Subtract(x0, x2), b1 = TLanes.Add(x1, x2), b2 = TLanes.Subtract(x2, x1), b3 = TLanes.Subtract(x3, x1);
            at += count;
            x0 = TLanes.Load(at);
            x1 = TLanes.Load(at + line);
            x2 = TLanes.Load(at + 2 * line);
            x3 = TLanes.Load(at + 3 * line);
            TVector c0 = TLanes.Subtract(x0, x2), c1 = TLanes.Add(x1, x2), c2 = TLanes.Subtract(x2, x1), c3 = TLanes.Subtract(x3, x1);
            at += count;
            x0 = TLanes.Load(at);
            x1 = TLanes.Load(at + line);
            x2 = TLanes.Load(at + 2 * line);
            x3 = TLanes.Load(at + 3 * line);
            TVector d0 = TLanes.Subtract(x0, x2), d1 = TLanes.Add(x1, x2), d2 = TLanes.Subtract(x2, x1), d3 = TLanes.Subtract(x3, x1);
            SpreadRow(target, plane, a0, b0, c0, d0);
            SpreadRow(target + 4 * plane, plane, a1, b1, c1, d1);
            SpreadRow(target + 8 * plane, plane, a2, b2, c2, d2);
            SpreadRow(target + 12 * plane, plane, a3, b3, c3, d3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void GatherOutputs(float* products, nint plane, float* bias, int count, float* y, nint line)
    {
        for (var lane = 0; lane < count; lane += TLanes.Count, products += TLanes.Count, bias += TLanes.Count, y += TLanes.Count)
        {
            var m = products;
            TVector m1 = TLanes.Load(m + 4 * plane), m2 = TLanes.Load(m + 8 * plane), sum = TLanes.Add(m1, m2);
            TVector a0 = TLanes.Add(TLanes.Load(m), sum), a1 = TLanes.Subtract(m1, m2), a2 = TLanes.Add(sum, TLanes.Load(m + 12 * plane));
            m += plane;
            (m1, m2) = (TLanes.Load(m + 4 * plane), TLanes.Load(m + 8 * plane));
            sum = TLanes.Add(m1, m2);
            TVector b0 = TLanes.Add(TLanes.Load(m), sum), b1 = TLanes.Subtract(m1, m2), b2 = TLanes.Add(sum, TLanes.Load(m + 12 * plane));
            m += plane;
            (m1, m2) = (TLanes.Load(m + 4 * plane), TLanes.Load(m + 8 * plane));
            sum = TLanes.Add(m1, m2);
            TVector c0 = TLanes.Add(TLanes.Load(m), sum), c1 = TLanes.Subtract(m1, m2), c2 = TLanes.Add(sum, TLanes.Load(m + 12 * plane));
            m += plane;
            (m1, m2) = (TLanes.Load(m + 4 * plane), TLanes.Load(m + 8 * plane));
            sum = TLanes.Add(m1, m2);
            TVector d0 = TLanes.Add(TLanes.Load(m), sum), d1 = TLanes.Subtract(m1, m2), d2 = TLanes.Add(sum, TLanes.Load(m + 12 * plane));
            var start = TLanes.Load(bias);
            GatherRow(y, count, start, a0, b0, c0, d0);
            GatherRow(y + line, count, start, a1, b1, c1, d1);
            GatherRow(y + 2 * line, count, start, a2, b2, c2, d2);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SpreadGradients(float* dy, nint line, int count, float* target, nint plane)
    {
        for (var lane = 0; lane < count; lane += TLanes.Count, dy += TLanes.Count, target += TLanes.Count)
        {
            TVector a0 = TLanes.Load(dy), a = TLanes.Load(dy + line), a3 = TLanes.Load(dy + 2 * line), outer = TLanes.Add(a0, a3);
            TVector a1 = TLanes.Add(outer, a), a2 = TLanes.Subtract(outer, a);
            var at = dy + count;
            TVector b0 = TLanes.Load(at), b = TLanes.Load(at + line), b3 = TLanes.Load(at + 2 * line);
            outer = TLanes.Add(b0, b3);
            TVector b1 = TLanes.Add(outer, b), b2 = TLanes.Subtract(outer, b);
            at += count;
            TVector c0 = TLanes.Load(at), c = TLanes.Load(at + line), c3 = TLanes.Load(at + 2 * line);
            outer = TLanes.Add(c0, c3);
            TVector c1 = TLanes.Add(outer, c), c2 = TLanes.Subtract(outer, c);
            SpreadThree(target, plane, a0, b0, c0);
            SpreadThree(target + 4 * plane, plane, a1, b1, c1);
            SpreadThree(target + 8 * plane, plane, a2, b2, c2);
            SpreadThree(target + 12 * plane, plane, a3, b3, c3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AddInputGradients(float* products, nint plane, int count, float* dx, nint line)
    {
        for (var lane = 0; lane < count; lane += TLanes.Count, products += TLanes.Count, dx += TLanes.Count)
        {
            var m = products;
            TVector a0 = TLanes.Load(m), m1 = TLanes.Load(m + 4 * plane), m2 = TLanes.Load(m + 8 * plane), a3 = TLanes.Load(m + 12 * plane);
            TVector a1 = TLanes.Subtract(TLanes.Subtract(m1, m2), a3), a2 = TLanes.Subtract(TLanes.Add(m1, m2), a0);
            m += plane;
            TVector b0 = TLanes.Load(m), b3 = TLanes.Load(m + 12 * plane);
            (m1, m2) = (TLanes.Load(m + 4 * plane), TLanes.Load(m + 8 * plane));
            TVector b1 = TLanes.Subtract(TLanes.Subtract(m1, m2), b3), b2 = TLanes.Subtract(TLanes.Add(m1, m2), b0);
            m += plane;
            TVector c0 = TLanes.Load(m), c3 = TLanes.Load(m + 12 * plane);
            (m1, m2) = (TLanes.Load(m + 4 * plane), TLanes.Load(m + 8 * plane));
            TVector c1 = TLanes.Subtract(TLanes.Subtract(m1, m2), c3), c2 = TLanes.Subtract(TLanes.Add(m1, m2), c0);
            m += plane;
            TVector d0 = TLanes.Load(m), d3 = TLanes.Load(m + 12 * plane);
            (m1, m2) = (TLanes.Load(m + 4 * plane), TLanes.Load(m + 8 * plane));
            TVector d1 = TLanes.Subtract(TLanes.Subtract(m1, m2), d3), d2 = TLanes.Subtract(TLanes.Add(m1, m2), d0);
            AddRow(dx, count, a0, b0, c0, d0);
            AddRow(dx + line, count, a1, b1, c1, d1);
            AddRow(dx + 2 * line, count, a2, b2, c2, d2);
            AddRow(dx + 3 * line, count, a3, b3, c3, d3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadPair(float* target, nint plane, TVector half, TVector a, TVector b)
    {
        TLanes.Store(target, a);
        TLanes.Store(target + plane, TLanes.Multiply(half, TLanes.Add(a, b)));
        TLanes.Store(target + 2 * plane, TLanes.Multiply(half, TLanes.Subtract(a, b)));
        TLanes.Store(target + 3 * plane, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadRow(float* target, nint plane, TVector a, TVector b, TVector c, TVector d)
    {
        TLanes.Store(target, TLanes.Subtract(a, c));
        TLanes.Store(target + plane, TLanes.Add(b, c));
        TLanes.Store(target + 2 * plane, TLanes.Subtract(c, b));
        TLanes.Store(target + 3 * plane, TLanes.Subtract(d, b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GatherRow(float* y, nint pixel, TVector bias, TVector a, TVector b, TVector c, TVector d)
    {
        var sum = TLanes.Add(b, c);
        TLanes.Store(y, Positive(TLanes.Add(TLanes.Add(a, sum), bias)));
        TLanes.Store(y + pixel, Positive(TLanes.Add(TLanes.Subtract(b, c), bias)));
        TLanes.Store(y + 2 * pixel, Positive(TLanes.Add(TLanes.Add(sum, d), bias)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SpreadThree(float* target, nint plane, TVector a, TVector b, TVector c)
    {
        var outer = TLanes.Add(a, c);
        TLanes.Store(target, a);
        TLanes.Store(target + plane, TLanes.Add(outer, b));
        TLanes.Store(target + 2 * plane, TLanes.Subtract(outer, b));
        TLanes.Store(target + 3 * plane, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRow(float* dx, nint pixel, TVector a, TVector b, TVector c, TVector d)
    {
        TLanes.Store(dx, TLanes.Add(TLanes.Load(dx), a));
        dx += pixel;
        TLanes.Store(dx, TLanes.Add(TLanes.Load(dx), TLanes.Subtract(TLanes.Subtract(b, c), d)));
        dx += pixel;
        TLanes.Store(dx, TLanes.Add(TLanes.Load(dx), TLanes.Subtract(TLanes.Add(b, c), a)));
        dx += pixel;
        TLanes.Store(dx, TLanes.Add(TLanes.Load(dx), d));
    }
}
