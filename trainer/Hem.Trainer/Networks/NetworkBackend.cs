namespace Hem.Trainer.Networks;

/// <summary>Where a trial's networks are computed, and with what. On the processor none of it changes a result.</summary>
/// <param name="Threads">Threads that share the work of one call.</param>
/// <param name="Kernels">The vector width.</param>
internal sealed record NetworkBackend(int Threads = 1, KernelWidth Kernels = KernelWidth.Auto)
{
    /// <summary>Makes a network and draws its weights, as <see cref="ManagedBackend.Create"/>.</summary>
    public INetwork Create(NetworkDescription description, Random? random) =>
        ManagedBackend.Create(description, random, Threads, Kernels);
}
