using System.Runtime.CompilerServices;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>What acts on each number, or each column, by itself.</summary>
internal sealed unsafe partial class Kernels<TLanes, TVector>
{
    private const float SmallestNormal = 1.17549435e-38f;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SumRows(float* matrix, nint stride, int rows, int columns, float* sums, bool accumulate)
    {
        var end = matrix + rows * stride;
        for (var column = 0; column < columns; column += TLanes.Count)
        {
            TVector sum = accumulate ? TLanes.Load(sums + column) : default;
            for (var row = matrix + column; row < end; row += stride)
                sum = TLanes.Add(sum, TLanes.Load(row));
            if (column + TLanes.Count <= columns)
                TLanes.Store(sums + column, sum);
            else
                StoreFirst(sums + column, sum, columns - column);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Mask(float* values, float* mask, float* results, int count)
    {
        for (var i = 0; i < count; i += TLanes.Count)
            TLanes.Store(results + i, Masked(TLanes.Load(values + i), mask + i));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TanhSlopes(float* gradients, float* values, nint stride, int rows, int columns)
    {
        var one = TLanes.Broadcast(1f);
        for (; rows > 0; rows--, gradients += stride, values += stride)
        {
            for (var column = 0; column < columns; column += TLanes.Count)
            {
                var value = TLanes.Load(values + column);
                var slope = TLanes.Subtract(one, TLanes.Multiply(value, value));
                var gradient = TLanes.Multiply(TLanes.Load(gradients + column), slope);
                if (column + TLanes.Count <= columns)
                    TLanes.Store(gradients + column, gradient);
                else
                    StoreFirst(gradients + column, gradient, columns - column);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Adam(in AdamStep step, float* parameters, float* gradients, float* first, float* second, int count)
    {
        var (rate, epsilon, normal) = (TLanes.Broadcast(step.Rate), TLanes.Broadcast(step.Epsilon), TLanes.Broadcast(SmallestNormal));
        var (decay1, gain1) = (TLanes.Broadcast(step.Decay1), TLanes.Broadcast(step.Gain1));
        var (decay2, gain2) = (TLanes.Broadcast(step.Decay2), TLanes.Broadcast(step.Gain2));
        var sign = TLanes.BroadcastBits(int.MinValue);

        var full = count - count % TLanes.Count;
        for (var i = 0; i < full; i += TLanes.Count)
        {
            var gradient = TLanes.Load(gradients + i);
            var m = TLanes.FusedMultiplyAdd(gain1, gradient, TLanes.Multiply(decay1, TLanes.Load(first + i)));
            var v = TLanes.FusedMultiplyAdd(
                TLanes.Multiply(gain2, gradient), gradient, TLanes.Multiply(decay2, TLanes.Load(second + i)));

            // A moment that has decayed under the smallest normal number becomes zero: such numbers are slow on many processors.
            m = TLanes.AndNot(m, TLanes.LessThan(TLanes.AndNot(m, sign), normal));
            v = TLanes.AndNot(v, TLanes.LessThan(v, normal));
            TLanes.Store(first + i, m);
            TLanes.Store(second + i, v);
            var change = TLanes.Divide(TLanes.Multiply(rate, m), TLanes.Add(TLanes.SquareRoot(v), epsilon));
            TLanes.Store(parameters + i, TLanes.Subtract(TLanes.Load(parameters + i), change));
        }

        if (full == count)
            return;

        // The rest goes through a vector of its own.
        var block = stackalloc float[4 * TLanes.Count];
        var bytes = (count - full) * sizeof(float);
        var p = block;
        var g = p + TLanes.Count;
        var m1 = g + TLanes.Count;
        var v1 = m1 + TLanes.Count;
        new Span<float>(block, 4 * TLanes.Count).Clear();
        Buffer.MemoryCopy(parameters + full, p, bytes, bytes);
        Buffer.MemoryCopy(gradients + full, g, bytes, bytes);
        Buffer.MemoryCopy(first + full, m1, bytes, bytes);
        Buffer.MemoryCopy(second + full, v1, bytes, bytes);
        Adam(step, p, g, m1, v1, TLanes.Count);
        Buffer.MemoryCopy(p, parameters + full, bytes, bytes);
        Buffer.MemoryCopy(m1, first + full, bytes, bytes);
        Buffer.MemoryCopy(v1, second + full, bytes, bytes);
    }

    public override void Exp(float* values, float* results, int count) => Map<Exp<TLanes, TVector>>(values, results, count);

    public override void Log(float* values, float* results, int count) => Map<Log<TLanes, TVector>>(values, results, count);

    public override void Tanh(float* values, float* results, int count) => Map<Tanh<TLanes, TVector>>(values, results, count);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Map<TFunction>(float* values, float* results, int count)
        where TFunction : struct, IFunction<TVector>
    {
        var full = count - count % TLanes.Count;
        for (var i = 0; i < full; i += TLanes.Count)
            TLanes.Store(results + i, TFunction.Apply(TLanes.Load(values + i)));
        if (full == count)
            return;

        var rest = stackalloc float[TLanes.Count];
        var bytes = (count - full) * sizeof(float);
        new Span<float>(rest, TLanes.Count).Clear();
        Buffer.MemoryCopy(values + full, rest, bytes, bytes);
        StoreFirst(results + full, TFunction.Apply(TLanes.Load(rest)), count - full);
    }

    /// <summary>Stores the first lanes.</summary>
    private static void StoreFirst(float* target, TVector value, int count)
    {
        var lanes = stackalloc float[TLanes.Count];
        TLanes.Store(lanes, value);
        for (var i = 0; i < count; i++)
            target[i] = lanes[i];
    }
}
