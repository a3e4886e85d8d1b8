using System.Numerics;
using System.Runtime.CompilerServices;

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
}

/// <summary>
/// xoshiro256** (Blackman and Vigna, 2018), seeded by SplitMix64. A plain value of 32 bytes: copy it to keep it, pass it by reference to draw.
/// The same numbers on every machine and runtime.
/// </summary>
internal struct RandomStream : IEquatable<RandomStream>
{
    /// <summary>Bytes that <see cref="Write"/> needs.</summary>
    public const int Size = 32;

    private ulong _s0, _s1, _s2, _s3;

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

    /// <summary>A new stream seeded by one draw of this one: an episode's own, so that the order in which episodes are stepped is free.</summary>
    public RandomStream Fork() => new(Next());

    /// <summary>64 uniform bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
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

    /// <summary>The state as 32 bytes, little endian, for a checkpoint.</summary>
    public readonly void Write(Span<byte> destination)
    {
        BitConverter.TryWriteBytes(destination, _s0);
        BitConverter.TryWriteBytes(destination[8..], _s1);
        BitConverter.TryWriteBytes(destination[16..], _s2);
        BitConverter.TryWriteBytes(destination[24..], _s3);
    }

    /// <summary>The stream whose state <see cref="Write"/> wrote.</summary>
    public static RandomStream Read(ReadOnlySpan<byte> source) => new()
    {
        _s0 = BitConverter.ToUInt64(source),
        _s1 = BitConverter.ToUInt64(source[8..]),
        _s2 = BitConverter.ToUInt64(source[16..]),
        _s3 = BitConverter.ToUInt64(source[24..]),
    };

    public readonly bool Equals(RandomStream other) => _s0 == other._s0 && _s1 == other._s1 && _s2 == other._s2 && _s3 == other._s3;

    public override readonly bool Equals(object? obj) => obj is RandomStream other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(_s0, _s1, _s2, _s3);

    private void Fill(ulong state)
    {
        _s0 = SplitMix(ref state);
        _s1 = SplitMix(ref state);
        _s2 = SplitMix(ref state);
        _s3 = SplitMix(ref state);
    }

    private static ulong SplitMix(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
