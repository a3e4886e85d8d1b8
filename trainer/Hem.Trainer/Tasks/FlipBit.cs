using System.Runtime.CompilerServices;

namespace Hem.Trainer.Tasks;

/// <summary>
/// Flip bit (Andrychowicz et al. 2017, section 3.1): K bits, action a inverts bit a, success when the state equals the goal in every
/// bit, T = K by default. Stored as ceil(K/8) bytes, bit i in byte i/8 at position i%8. Input: the K state bits, then the goal's, 0 or 1.
/// </summary>
internal sealed class FlipBit : IDiscreteTask
{
    public const int MinBits = 2, MaxBits = 128;

    private static readonly float[] BitsOfByte = MakeBitsOfByte();

    private readonly int width;
    private readonly bool zeros;

    /// <param name="bits">K, 2..128.</param>
    /// <param name="startAtZero">Episodes start at all zeros (`start: zeros`) instead of uniformly.</param>
    /// <param name="horizon">T; null: K.</param>
    public FlipBit(int bits, bool startAtZero = false, int? horizon = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, MinBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, MaxBits);
        (width, zeros) = (bits, startAtZero);
        Horizon = horizon ?? bits;
        StateBytes = (bits + 7) / 8;
    }

    public string Name => $"flipbit-{width}";

    public int Horizon { get; }

    public int Actions => width;

    public int StateBytes { get; }

    public int GoalBytes => StateBytes;

    public int SimulationBytes => 0;

    public InputShape Input => InputShape.OfVectors(width, width);

    public int Inputs => 2 * width;

    public bool IsDeterministic => true;

    public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal)
    {
        if (zeros)
            state.Clear();
        else
            DrawBits(ref random, state);

        DrawBits(ref random, goal);
        return StepOutcome.Stepped;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, int action) =>
        state[action >> 3] ^= (byte)(1 << (action & 7));

    public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) => state.CopyTo(goal);

    public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) => state.SequenceEqual(goal);

    public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        WriteBits(state, input[..width]);
        WriteBits(goal, input.Slice(width, width));
    }

    private static void WriteBits(ReadOnlySpan<byte> bytes, Span<float> bits)
    {
        foreach (byte value in bytes)
        {
            ReadOnlySpan<float> eight = BitsOfByte.AsSpan(8 * value, 8);
            if (bits.Length < 8)
            {
                eight[..bits.Length].CopyTo(bits);
                return;
            }

            eight.CopyTo(bits);
            bits = bits[8..];
        }
    }

    private void DrawBits(ref RandomStream random, Span<byte> bytes)
    {
        ulong word = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            word = i % 8 == 0 ? random.Next() : word >> 8;
            bytes[i] = (byte)word;
        }

        if (width % 8 != 0)
            bytes[^1] &= (byte)((1 << (width % 8)) - 1);
    }

    private static float[] MakeBitsOfByte()
    {
        var table = new float[256 * 8];
        for (int i = 0; i < table.Length; i++)
            table[i] = (i / 8 >> (i % 8)) & 1;

        return table;
    }
}
