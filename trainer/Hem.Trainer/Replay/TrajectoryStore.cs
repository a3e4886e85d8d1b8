using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Hem.Trainer.Tasks;

namespace Hem.Trainer.Replay;

/// <summary>How a task's trajectories lie in memory and in the replay log.</summary>
/// <remarks>
/// A record is: length L (int32) | goal | s_0 | a_0 | s_1 | a_1 | ... | s_L. A slot has room for L = T; a shorter trajectory is a prefix
/// of its slot, so the log keeps only what was used.
/// </remarks>
internal readonly record struct TrajectoryLayout(int Horizon, int StateBytes, int GoalBytes, int ActionBytes)
{
    /// <summary>The layout of a task: one byte for an action of K, one float32 for each component of a vector.</summary>
    public static TrajectoryLayout Of(ITask task) => new(
        task.Horizon, task.StateBytes, task.GoalBytes, task is IContinuousTask { ActionSize: int size } ? size * sizeof(float) : 1);

    /// <summary>Bytes of a slot.</summary>
    public int SlotBytes => RecordBytes(Horizon);

    /// <summary>Bytes of a trajectory of <paramref name="length"/> actions.</summary>
    public int RecordBytes(int length) => sizeof(int) + GoalBytes + StateBytes + length * (ActionBytes + StateBytes);
}

/// <summary>A view of one trajectory in its slot.</summary>
internal readonly unsafe ref struct Trajectory(byte* slot, TrajectoryLayout layout)
{
    private readonly byte* states = slot + sizeof(int) + layout.GoalBytes;
    private readonly int stride = layout.StateBytes + layout.ActionBytes;

    /// <summary>L: actions taken, at most T.</summary>
    public int Length
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Unsafe.ReadUnaligned<int>(slot);
        set => Unsafe.WriteUnaligned(slot, value);
    }

    /// <summary>The goal for which it was collected.</summary>
    public Span<byte> Goal => new(slot + sizeof(int), layout.GoalBytes);

    /// <summary>s_t, t in 0..L.</summary>
    public Span<byte> State(int t) => new(states + t * stride, layout.StateBytes);

    /// <summary>a_t, t in 0..L-1, as it was executed.</summary>
    public Span<byte> Action(int t) => new(states + t * stride + layout.StateBytes, layout.ActionBytes);

    /// <summary>a_t where actions are vectors.</summary>
    public Span<float> ActionVector(int t) => MemoryMarshal.Cast<byte, float>(Action(t));

    /// <summary>The used part of the slot.</summary>
    public Span<byte> Record => new(slot, layout.RecordBytes(Length));
}

/// <summary>A fixed number of trajectory slots in one piece of native memory; pages that were never written take no memory.</summary>
internal sealed unsafe class TrajectoryStore : IDisposable
{
    private byte* memory;

    public TrajectoryStore(TrajectoryLayout layout, int slots)
    {
        Layout = layout;
        Slots = slots;
        memory = (byte*)NativeMemory.AllocZeroed((nuint)slots, (nuint)layout.SlotBytes);
    }

    ~TrajectoryStore() => Free();

    public TrajectoryLayout Layout { get; }

    public int Slots { get; }

    public Trajectory this[int slot]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (uint)slot < (uint)Slots
            ? new Trajectory(memory + (nint)slot * Layout.SlotBytes, Layout)
            : throw new ArgumentOutOfRangeException(nameof(slot));
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.Free(memory);
        memory = null;
    }
}
