using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics.X86;

namespace Hem.Bench;

/// <summary>What both sides of a comparison run on: one and the same core, and the OpenBLAS kernels that suit PyTorch best.</summary>
internal static class Cores
{
    /// <summary>The last core that this process may use (of the first 64).</summary>
    public static int Last()
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("this bench pins processes to a core by taskset: run it on Linux");
        ulong allowed = (ulong)Process.GetCurrentProcess().ProcessorAffinity;
        return allowed == 0 ? throw new InvalidOperationException("none of the first 64 cores may be used by this process")
            : 63 - (int)ulong.LeadingZeroCount(allowed);
    }

    /// <summary>Keeps this process on a core.</summary>
    public static void PinTo(int core)
    {
        if (OperatingSystem.IsLinux())
            Process.GetCurrentProcess().ProcessorAffinity = (nint)(1L << core);
    }

    /// <summary>How to start a program with one thread on a core, its output read by the caller.</summary>
    /// <param name="core">The core.</param>
    /// <param name="openBlasCore">OPENBLAS_CORETYPE; null: OpenBLAS chooses by itself, whatever this process's environment says.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ProcessStartInfo On(int core, string? openBlasCore, string program, params IEnumerable<string> arguments)
    {
        string number = core.ToString(CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo("taskset", ["-c", number, program, .. arguments]) { RedirectStandardOutput = true };
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment.Remove("OPENBLAS_L2_SIZE");
        start.Environment.Remove("OPENBLAS_CORETYPE");
        if (openBlasCore is not null)
            start.Environment["OPENBLAS_CORETYPE"] = openBlasCore;
        return start;
    }

    /// <summary>OPENBLAS_CORETYPE values to try: none, and the kernels that this machine can run.</summary>
    public static IReadOnlyList<string?> OpenBlasChoices { get; } =
        Avx512F.IsSupported ? [null, "Haswell", "SkylakeX"] : Avx2.IsSupported ? [null, "Haswell"] : [null];
}
