using System.Runtime.CompilerServices;

namespace Hem.Trainer.Networks;

/// <summary>
/// Floats that start at a cache line, never move, and have <see cref="Slack"/> floats after their end that kernels may read: what
/// those hold reaches no result. The memory lives as long as this object or a span of it.
/// </summary>
internal sealed unsafe class PinnedBuffer
{
    /// <summary>Floats that may be read past the end.</summary>
    public const int Slack = 128;

    private const int Alignment = 64;

    private readonly float[] array;
    private readonly int start;

    public PinnedBuffer(int length)
    {
        Length = length;
        array = GC.AllocateArray<float>(checked(length + Slack + Alignment / sizeof(float)), pinned: true);
        var address = (nuint)Unsafe.AsPointer(ref array[0]);
        start = (int)((Alignment - address % Alignment) % Alignment) / sizeof(float);
    }

    public int Length { get; }

    public Span<float> Span => array.AsSpan(start, Length);

    public float* Pointer => (float*)Unsafe.AsPointer(ref array[start]);
}
