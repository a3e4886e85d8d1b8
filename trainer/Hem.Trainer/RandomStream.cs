using System.Numerics;
using System.Runtime.CompilerServices;
using Hem.Trainer.Networks;

namespace Hem.Trainer;

/// <summary>What a random stream is for; streams of different purposes never meet, whatever their seed.</summary>
internal enum RandomPurpose : ulong
{
    /// <summary>One per logical worker k, seed = trial seed + 1,000,000 k: forks the episodes, draws the replay samples.</summary>
    Worker = 1,

    /// <summary>The network's initial weights.</summary>
    Initialization = 2,

    /// <summary>Evaluation after iteration i (index = i): a stream of its own, so that evaluating never disturbs training.</summary>
    Evaluation = 3,

    /// <summary>Which slots of a full replay are overwritten; seed as for the worker, index = round.</summary>
    Overwriting = 4,
}

/// <summary>
/// xoshiro256** (Blackman and Vigna 2018), seeded by SplitMix64. A plain value of 32 bytes: copy it to keep it, pass it by reference to
/// draw. The same numbers on every machine and runtime.
/// </summary>
internal struct RandomStream : IEquatable<RandomStream>
{
    private ulong s0, s1, s2, s3;

    /// <summary>The stream of (seed, purpose, index).</summary>
    public RandomStream(long seed, RandomPurpose purpose, long index = 0)
    {
        ulong state = unchecked((ulong)seed);
        state = SplitMix(ref state) ^ (ulong)purpose;
        state = SplitMix(ref state) ^ unchecked((ulong)index);
        Fill(state);
    }

    private RandomStream(ulong state) => Fill(state);

    /// <summary>The stream of logical worker <paramref name="worker"/> of a trial.</summary>
    public static RandomStream OfWorker(long seed, int worker) => new(unchecked(seed + 1_000_000L * worker), RandomPurpose.Worker);

    /// <summary>
    /// A new stream seeded by one draw of this one: an episode's own, so that the order in which episodes are stepped is free.
    /// </summary>
    public RandomStream Fork() => new(Next());

    /// <summary>64 uniform bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        ulong t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>Uniform in 0..<paramref name="bound"/>-1 (bias below bound / 2^64).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Below(int bound) => (int)Math.BigMul(Next(), (ulong)bound, out _);

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [0, 1), a multiple of 2^-24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float NextSingle() => (Next() >> 40) * (1.0f / (1 << 24));

    /// <summary>
    /// Fills the span with draws of the standard normal distribution, in pairs by Marsaglia's polar method: for (u, v) uniform in the
    /// unit disc and s = u^2 + v^2, both u f and v f with f = sqrt(-2 ln s / s). The same numbers on every machine.
    /// </summary>
    public void NextNormals(Span<float> values)
    {
        for (int i = 0; i < values.Length; i += 2)
        {
            float u, v, s;
            do
            {
                u = 2 * NextSingle() - 1;
                v = 2 * NextSingle() - 1;
                s = u * u + v * v;
            }
            while (s >= 1 || s == 0);

            float factor = MathF.Sqrt(-2 * VectorMath.Log(s) / s);
            values[i] = u * factor;
            if (i + 1 < values.Length)
                values[i + 1] = v * factor;
        }
    }

    /// <summary>As a <see cref="System.Random"/> that draws from a copy of this stream.</summary>
    public readonly Random AsRandom() => new Adapter(this);

    public readonly bool Equals(RandomStream other) => s0 == other.s0 && s1 == other.s1 && s2 == other.s2 && s3 == other.s3;

    public override readonly bool Equals(object? obj) => obj is RandomStream other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(s0, s1, s2, s3);

    private void Fill(ulong state)
    {
        s0 = SplitMix(ref state);
        s1 = SplitMix(ref state);
        s2 = SplitMix(ref state);
        s3 = SplitMix(ref state);
    }

    private static ulong SplitMix(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private sealed class Adapter(RandomStream stream) : Random
    {
        private RandomStream stream = stream;

        public override int Next() => stream.Below(int.MaxValue);

        public override int Next(int maxValue) => stream.Below(maxValue);

        public override int Next(int minValue, int maxValue) =>
            minValue + (int)Math.BigMul(stream.Next(), (ulong)((long)maxValue - minValue), out _);

        public override double NextDouble() => stream.NextDouble();

        public override float NextSingle() => stream.NextSingle();

        public override long NextInt64() => (long)(stream.Next() >> 1);

        public override void NextBytes(Span<byte> buffer)
        {
            foreach (ref byte value in buffer)
                value = (byte)stream.Next();
        }

        protected override double Sample() => stream.NextDouble();
    }
}
