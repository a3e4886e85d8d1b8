using Hem.Trainer.Networks;

namespace Hem.Trainer.Torch;

/// <summary>Networks computed by libtorch, on a GPU or, as a reference for the managed ones, on the processor.</summary>
internal static class TorchBackend
{
    /// <summary>Makes a network with the weights that <see cref="ManagedBackend.Create"/> would draw.</summary>
    /// <param name="description">The shape and the initialisation.</param>
    /// <param name="random">Where the weights come from; null leaves all parameters zero.</param>
    /// <param name="device"><c>cpu</c> or <c>cuda</c>.</param>
    /// <param name="threads">Threads of libtorch, all its networks together, where it computes on the processor.</param>
    /// <exception cref="TorchUnavailableException">libtorch or a GPU is missing.</exception>
    public static TorchNetwork Create(NetworkDescription description, Random? random, string device, int threads = 1)
    {
        if (device == "cuda")
            RequireCuda();
        torch.set_num_threads(threads);
        var network = new TorchNetwork(description, device);
        if (random is not null)
        {
            using var drawn = ManagedBackend.Create(description, random);
            drawn.Parameters.CopyTo(network.Parameters);
        }

        return network;
    }

    /// <summary>Has libtorch compute something on the GPU: that it sees one is not enough.</summary>
    /// <exception cref="TorchUnavailableException">libtorch or a GPU is missing, or libtorch cannot use it.</exception>
    public static unsafe void RequireCuda()
    {
        var library = HemTorchLibrary.Get();
        if (library.CudaCheck() != 0)
        {
            throw new TorchUnavailableException(
                $"libtorch {torch.__version__} finds no GPU that it can compute on: {library.LastError().TrimEnd()}");
        }
    }
}
