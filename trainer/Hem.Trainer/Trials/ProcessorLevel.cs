using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Hem.Trainer.Trials;

/// <summary>
/// Native code has its instructions chosen when it is compiled. The program for every processor with AVX2 therefore has beside it one for
/// those with AVX-512 (make/native): where the processor is such a one, the first becomes the second, the same process with the same
/// arguments. Results have the same bits.
/// </summary>
public static partial class ProcessorLevel
{
    private const string Better = "-x86-64-v4";

    /// <summary>Returns only where there is nothing better to become.</summary>
    public static void Raise()
    {
        // Compiled while it runs, for no x86-64, or the better program already.
        if (RuntimeFeature.IsDynamicCodeSupported || !Avx2.IsSupported || Avx512F.IsSupported) return;
        string better = Environment.ProcessPath + Better;
        if (File.Exists(better) && HasAvx512()) execv(better, [.. Environment.GetCommandLineArgs(), null]);
    }

    /// <summary>What the processor has and the kernel allows: the flags of the first in /proc/cpuinfo.</summary>
    private static bool HasAvx512()
    {
        Span<byte> text = stackalloc byte[4096];
        using var file = new FileStream("/proc/cpuinfo", FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        text = text[..file.Read(text)];
        return text.IndexOf(" avx512f "u8) >= 0 && text.IndexOf(" avx512dq "u8) >= 0 && text.IndexOf(" avx512cd "u8) >= 0
            && text.IndexOf(" avx512bw "u8) >= 0 && text.IndexOf(" avx512vl "u8) >= 0;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execv(string path, string?[] arguments);
}
