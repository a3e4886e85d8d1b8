using System.Runtime.InteropServices;

namespace Hem.Trainer.Torch;

/// <summary>
/// The functions of libHemTorch.so (Torch/native), loaded with the libtorch that it was built with when first asked for, from the file that
/// HEM_TORCH_LIBRARY names or else from beside this program.
/// </summary>
internal sealed unsafe class HemTorchLibrary
{
    public const string FileName = "libHemTorch.so";
    public const string PathVariable = "HEM_TORCH_LIBRARY";

    private const int Version = 2;
    private const int MemoryFull = 2;

    private static readonly Lock Gate = new();
    private static HemTorchLibrary? loaded;

    private readonly delegate* unmanaged<byte*> error;

    private HemTorchLibrary(nint library)
    {
        error = (delegate* unmanaged<byte*>)Function("hem_torch_error");
        LibtorchVersion = (delegate* unmanaged<byte*>)Function("hem_torch_libtorch_version");
        CudaIsAvailable = (delegate* unmanaged<int>)Function("hem_torch_cuda_is_available");
        CudaCheck = (delegate* unmanaged<int>)Function("hem_torch_cuda_check");
        SetNumThreads = (delegate* unmanaged<int, int>)Function("hem_torch_set_num_threads");
        Create = (delegate* unmanaged<TorchShape*, int, nint*, int>)Function("hem_torch_network_create");
        Dispose = (delegate* unmanaged<nint, void>)Function("hem_torch_network_dispose");
        ParameterCount = (delegate* unmanaged<nint, long>)Function("hem_torch_network_parameter_count");
        Copy = (delegate* unmanaged<nint, int, int, float*, int>)Function("hem_torch_network_copy");
        Forward = (delegate* unmanaged<nint, float*, long, int, float*, int>)Function("hem_torch_network_forward");
        Backward = (delegate* unmanaged<nint, float*, long, int, int, float*, int>)Function("hem_torch_network_backward");
        Adam = (delegate* unmanaged<nint, double, double, double, double, int>)Function("hem_torch_network_adam");
        Capture = (delegate* unmanaged<nint, long, double, double, double, int>)Function("hem_torch_network_capture");
        Replay = (delegate* unmanaged<nint, float*, long*, long, double, float*, int>)Function("hem_torch_network_replay");
        Loss = (delegate* unmanaged<int, float*, long, long, float*, long*, double, int, float*, float*, int>)Function("hem_torch_loss");

        nint Function(string name) => NativeLibrary.GetExport(library, name);
    }

    public delegate* unmanaged<byte*> LibtorchVersion { get; }

    public delegate* unmanaged<int> CudaIsAvailable { get; }

    public delegate* unmanaged<int> CudaCheck { get; }

    public delegate* unmanaged<int, int> SetNumThreads { get; }

    public delegate* unmanaged<TorchShape*, int, nint*, int> Create { get; }

    public delegate* unmanaged<nint, void> Dispose { get; }

    public delegate* unmanaged<nint, long> ParameterCount { get; }

    public delegate* unmanaged<nint, int, int, float*, int> Copy { get; }

    public delegate* unmanaged<nint, float*, long, int, float*, int> Forward { get; }

    public delegate* unmanaged<nint, float*, long, int, int, float*, int> Backward { get; }

    public delegate* unmanaged<nint, double, double, double, double, int> Adam { get; }

    public delegate* unmanaged<nint, long, double, double, double, int> Capture { get; }

    public delegate* unmanaged<nint, float*, long*, long, double, float*, int> Replay { get; }

    public delegate* unmanaged<int, float*, long, long, float*, long*, double, int, float*, float*, int> Loss { get; }

    /// <exception cref="TorchUnavailableException">It cannot be loaded.</exception>
    public static HemTorchLibrary Get()
    {
        lock (Gate)
            return loaded ??= Load(Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } path ? path : Beside());
    }

    /// <exception cref="TorchUnavailableException">It cannot be loaded.</exception>
    internal static HemTorchLibrary Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new TorchUnavailableException(
                $"there is no {path}, through which this program computes with libtorch: run it in the GPU image, or build the file with "
                + $"`make torch` and put it beside hem-trainer (or name it in {PathVariable})");
        }

        nint library;
        try
        {
            library = NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new TorchUnavailableException(
                $"{path} cannot be loaded, most likely for want of the libtorch that it was built with (on Debian 12: apt-get install "
                + "libtorch1.13 libopenblas0-openmp) or, where the reason names libcuda.so.1, of the NVIDIA driver that a node with GPUs "
                + $"gives its pods: {e.Message}");
        }

        var version = ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "hem_torch_version"))();
        if (version != Version)
            throw new TorchUnavailableException($"{path} is of version {version}, and this program wants {Version}: `make torch` again");
        return new HemTorchLibrary(library);
    }

    /// <exception cref="InvalidOperationException">libtorch reported an error.</exception>
    public void Check(int result)
    {
        if (result == 0)
            return;
        var advice = result == MemoryFull
            ? " Give the trial a GPU, or a share of one, to itself, or make batchSize, hiddenUnits or imageSize smaller."
            : "";
        throw new InvalidOperationException($"libtorch: {LastError()}{advice}");
    }

    /// <summary>Why this thread's last call that failed did.</summary>
    public string LastError() => Marshal.PtrToStringUTF8((nint)error())!;

    private static string Beside() => Path.Combine(AppContext.BaseDirectory, FileName);
}

/// <summary>HemTorchConvolution of HemTorch.cpp.</summary>
internal readonly record struct TorchConvolution(int Channels, int Filters, int Kernel, int Stride, int PadBefore, int PadAfter);

/// <summary>HemTorchShape of HemTorch.cpp.</summary>
internal unsafe struct TorchShape
{
    public long Inputs;
    public int Images;
    public int ImageSize;
    public int ConvolutionCount;
    public int WidthCount;
    public int HiddenTanh;
    public TorchConvolution* Convolutions;
    public long* Widths;
}
