namespace Hem.Trainer.Networks;

/// <summary>Networks computed in C# on the processor, with no native dependency.</summary>
public static class ManagedBackend
{
    /// <summary>Makes a network and draws its weights from <paramref name="random"/>, layer by layer in the order of the buffer.</summary>
    /// <param name="description">The shape and the initialisation.</param>
    /// <param name="random">Where the weights come from; null leaves all parameters zero, for a copy or a checkpoint to fill.</param>
    /// <param name="threads">Threads that share the work of one call, at least 1.</param>
    /// <param name="kernels">The vector width; any may be forced on any processor.</param>
    public static INetwork Create(
        NetworkDescription description, Random? random, int threads = 1, KernelWidth kernels = KernelWidth.Auto)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        var network = new ManagedNetwork(description, threads, kernels);
        if (random is not null)
            network.Initialize(random);
        return network;
    }
}
