namespace Hem.Trainer.Networks;

/// <summary>The width, in bits, of the vectors that the kernels compute with. It decides speed alone: results have the same bits.</summary>
public enum KernelWidth
{
    /// <summary>The widest that the processor has.</summary>
    Auto = 0,

    Bits128 = 128,

    Bits256 = 256,

    Bits512 = 512,
}

/// <summary>Reading the setting <c>kernels: auto | 512 | 256 | 128</c>.</summary>
public static class KernelWidths
{
    /// <exception cref="FormatException">The text names no width.</exception>
    public static KernelWidth Parse(string text) => text switch
    {
        "auto" => KernelWidth.Auto,
        "512" => KernelWidth.Bits512,
        "256" => KernelWidth.Bits256,
        "128" => KernelWidth.Bits128,
        _ => throw new FormatException($"kernels: \"{text}\" is not one of auto, 512, 256, 128"),
    };
}
