using System.Runtime.InteropServices;

#pragma warning disable CS8981, IDE1006 // the names are TorchSharp's, whose package can take this folder's place

namespace Hem.Trainer.Torch;

/// <summary>What we use of libtorch, by TorchSharp's names. Nothing is loaded before one of them is used.</summary>
internal static class torch
{
    /// <summary>libtorch's version.</summary>
    /// <exception cref="TorchUnavailableException">There is none.</exception>
    public static unsafe string __version__ => Marshal.PtrToStringUTF8((nint)HemTorchLibrary.Get().LibtorchVersion())!;

    /// <summary>Threads that libtorch shares an operation out to, on the processor.</summary>
    /// <exception cref="TorchUnavailableException">There is no libtorch.</exception>
    public static unsafe void set_num_threads(int threads)
    {
        var library = HemTorchLibrary.Get();
        library.Check(library.SetNumThreads(threads));
    }

    public static class cuda
    {
        /// <summary>Whether libtorch can compute on a GPU of this machine.</summary>
        /// <exception cref="TorchUnavailableException">There is no libtorch.</exception>
        public static unsafe bool is_available() => HemTorchLibrary.Get().CudaIsAvailable() != 0;
    }
}
