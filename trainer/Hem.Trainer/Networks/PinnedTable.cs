using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hem.Trainer.Networks;

/// <summary>Numbers that kernels reach by address. The memory lives as long as this object.</summary>
internal sealed unsafe class PinnedTable<T>
    where T : unmanaged
{
    private readonly T[] array;

    public PinnedTable(IEnumerable<T> values)
    {
        T[] all = [.. values];
        Length = all.Length;
        array = GC.AllocateUninitializedArray<T>(Length, pinned: true);
        all.CopyTo(array, 0);
    }

    public int Length { get; }

    public T* Pointer => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
}
