using Hem.Trainer.Torch;

namespace Hem.Trainer.Networks;

/// <summary>Where a trial's networks are computed, and with what. On the processor none of it changes a result.</summary>
/// <param name="Threads">Threads that share the work of one call.</param>
/// <param name="Kernels">The vector width of the managed backend.</param>
/// <param name="Device"><c>cpu</c>: the managed backend; <c>cuda</c>: libtorch, on a GPU.</param>
internal sealed record NetworkBackend(int Threads = 1, KernelWidth Kernels = KernelWidth.Auto, string Device = "cpu")
{
    /// <summary>Makes a network and draws its weights, as <see cref="ManagedBackend.Create"/>: the same on every device.</summary>
    public INetwork Create(NetworkDescription description, Random? random) => Device == "cpu"
        ? ManagedBackend.Create(description, random, Threads, Kernels)
        : TorchBackend.Create(description, random, Device, Threads);
}
