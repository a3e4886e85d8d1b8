namespace Hem.Trainer.Tasks;

/// <summary>Goals as keys of 16 bytes, equal for goals that count as one.</summary>
internal static class GoalCells
{
    /// <summary>Side of a cell of goals that are points, m.</summary>
    public const double Size = 0.05;

    /// <summary>Goals of at most 16 bytes, each of which is one of its own.</summary>
    public static UInt128 OfBytes(ReadOnlySpan<byte> goal)
    {
        UInt128 key = 0;
        foreach (byte value in goal)
            key = (key << 8) | value;
        return key;
    }

    /// <summary>Points of at most four coordinates: the cell [i Size, (i + 1) Size) x ... in which one lies.</summary>
    public static UInt128 OfPoint(ReadOnlySpan<float> goal)
    {
        UInt128 key = 0;
        foreach (float value in goal)
            key = (key << 32) | unchecked((uint)(int)Math.Floor(value / Size));
        return key;
    }
}
