using System.Runtime.InteropServices;
using Hem.Trainer.Rendering;

namespace Hem.Trainer.Metrics;

/// <summary>The GPUs that this process can see, by NVIDIA's management library (NVML), which comes with the driver.</summary>
internal sealed unsafe class Nvml : IDisposable
{
    private const int Success = 0;

    /// <summary>Of a UUID, with its end: NVML_DEVICE_UUID_V2_BUFFER_SIZE.</summary>
    private const int UuidBytes = 96;

    private readonly delegate* unmanaged<int> shutdown;
    private readonly delegate* unmanaged<uint*, int> count;
    private readonly delegate* unmanaged<uint, nint*, int> handle;
    private readonly delegate* unmanaged<nint, byte*, uint, int> uuid;
    private readonly delegate* unmanaged<nint, Rates*, int> rates;
    private readonly delegate* unmanaged<nint, Memory*, int> memory;

    private Nvml(DynamicLibrary library)
    {
        shutdown = (delegate* unmanaged<int>)library.Function("nvmlShutdown");
        count = (delegate* unmanaged<uint*, int>)library.Function("nvmlDeviceGetCount_v2");
        handle = (delegate* unmanaged<uint, nint*, int>)library.Function("nvmlDeviceGetHandleByIndex_v2");
        uuid = (delegate* unmanaged<nint, byte*, uint, int>)library.Function("nvmlDeviceGetUUID");
        rates = (delegate* unmanaged<nint, Rates*, int>)library.Function("nvmlDeviceGetUtilizationRates");
        memory = (delegate* unmanaged<nint, Memory*, int>)library.Function("nvmlDeviceGetMemoryInfo");
    }

    /// <summary>What a GPU does.</summary>
    /// <param name="Uuid">GPU-..., as nvidia-smi and the driver name it.</param>
    /// <param name="Utilization">Share of the last moments in which something was computed, 0..1; null where it cannot tell (MIG).</param>
    /// <param name="MemoryUsed">Bytes.</param>
    /// <param name="MemoryTotal">Bytes.</param>
    public readonly record struct Gpu(string Uuid, double? Utilization, long? MemoryUsed, long? MemoryTotal);

    /// <summary>Null where there is no such library, or no driver that it could ask.</summary>
    public static Nvml? TryLoad()
    {
        if (DynamicLibrary.TryLoad("libnvidia-ml.so.1") is not { } library)
            return null;
        try
        {
            return ((delegate* unmanaged<int>)library.Function("nvmlInit_v2"))() == Success ? new Nvml(library) : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    public List<Gpu> Read()
    {
        List<Gpu> gpus = [];
        uint number = 0;
        if (count(&number) != Success)
            return gpus;
        byte* name = stackalloc byte[UuidBytes];
        for (uint i = 0; i < number; i++)
        {
            nint device = 0;
            Rates used = default;
            Memory bytes = default;
            if (handle(i, &device) != Success || uuid(device, name, UuidBytes) != Success)
                continue;
            double? utilization = rates(device, &used) == Success ? used.Gpu / 100.0 : null;
            bool hasMemory = memory(device, &bytes) == Success;
            gpus.Add(new Gpu(
                Marshal.PtrToStringUTF8((nint)name)!, utilization, hasMemory ? (long)bytes.Used : null,
                hasMemory ? (long)bytes.Total : null));
        }

        return gpus;
    }

    public void Dispose() => _ = shutdown();

    /// <summary>nvmlUtilization_t, percent.</summary>
    private struct Rates
    {
        public uint Gpu;
        public uint MemoryBus;
    }

    /// <summary>nvmlMemory_t, bytes.</summary>
    private struct Memory
    {
        public ulong Total;
        public ulong Free;
        public ulong Used;
    }
}
