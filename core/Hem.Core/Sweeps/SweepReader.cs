namespace Hem.Core.Sweeps;

/// <summary>What became of a sweep file.</summary>
/// <param name="Sweep">The sweep, or null where anything at all was wrong.</param>
/// <param name="Faults">Everything that is wrong, in the order of the file; empty for a good one.</param>
public sealed record SweepReadResult(HemSweep? Sweep, IReadOnlyList<Fault> Faults);

/// <summary>Reads sweep files, YAML or JSON. Bad input gives faults, never an exception.</summary>
public static class SweepReader
{
    /// <summary>The largest file, in bytes.</summary>
    public const int LargestFile = 1 << 20;

    public static SweepReadResult Read(string text, string fileName) =>
        new(null, [new Fault("", null, $"{fileName}: cannot be read yet")]);

    /// <summary>Reads the bytes of a file, which must be UTF-8.</summary>
    public static SweepReadResult Read(ReadOnlySpan<byte> utf8, string fileName) => Read(System.Text.Encoding.UTF8.GetString(utf8), fileName);

    /// <summary>
    /// Reads and expands a file and gives the faults of both steps at once, each with its line. What the CLI should call.
    /// </summary>
    public static (HemSweep? Sweep, SweepExpansion? Expansion, IReadOnlyList<Fault> Faults) Load(ReadOnlySpan<byte> utf8, string fileName)
    {
        var read = Read(utf8, fileName);
        if (read.Sweep is null) return (null, null, read.Faults);
        var expansion = Expansion.Expand(read.Sweep);
        return expansion.Faults.Count > 0 ? (null, null, expansion.Faults) : (read.Sweep, expansion, []);
    }
}
