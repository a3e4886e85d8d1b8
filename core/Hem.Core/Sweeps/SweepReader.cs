using System.Globalization;
using System.Text;

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

    private static readonly UTF8Encoding strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the text of a file; what only its trials together show (<see cref="Expansion"/>) is not looked at.</summary>
    public static SweepReadResult Read(string text, string fileName)
    {
        var faults = new FaultList();
        var (sweep, _, _) = ReadTree(text, fileName, faults);
        return new(faults.Count == 0 ? sweep : null, faults.InOrder());
    }

    /// <summary>Reads the bytes of a file, which must be UTF-8.</summary>
    public static SweepReadResult Read(ReadOnlySpan<byte> utf8, string fileName)
    {
        var faults = new FaultList();
        return Decode(utf8, faults) is { } text ? Read(text, fileName) : new(null, faults.InOrder());
    }

    /// <summary>
    /// Reads and expands a file, and gives the faults of both steps at once, each with its line: what a command should call. Sweep and
    /// expansion are null where anything is wrong.
    /// </summary>
    public static (HemSweep? Sweep, SweepExpansion? Expansion, IReadOnlyList<Fault> Faults) Load(ReadOnlySpan<byte> utf8, string fileName)
    {
        var faults = new FaultList();
        if (Decode(utf8, faults) is not { } text) return (null, null, faults.InOrder());
        var (sweep, root, unreadable) = ReadTree(text, fileName, faults);
        if (sweep is null || root is null) return (null, null, faults.InOrder());

        var expansion = new Expander(sweep, unreadable).Expand();
        foreach (var fault in expansion.Faults) faults.Add(fault with { Line = root.LineOf(fault.Path) });
        return faults.Count > 0 ? (null, null, faults.InOrder()) : (sweep, expansion, []);
    }

    private static (HemSweep? Sweep, SpecNode? Root, IReadOnlySet<string> Unreadable) ReadTree(
        string text, string fileName, FaultList faults)
    {
        var root = IsReadable(text, faults) ? Parse(text, fileName, faults) : null;
        if (root is null)
        {
            if (faults.Count == 0) faults.Add(new Fault("", null, "is empty: it must hold a HemSweep"));
            return (null, null, new HashSet<string>());
        }
        var reader = new SpecReader(faults);
        return (reader.Read(root), root, reader.Unreadable);
    }

    private static SpecNode? Parse(string text, string fileName, FaultList faults)
    {
        if (fileName.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return JsonTree.Parse(text, faults);
        if (text.AsSpan().TrimStart() is ['{', ..])
        {
            // JSON under another name, or YAML in braces: YAML's own parser refuses some JSON (tabs, long keys), so JSON goes first.
            var attempt = new FaultList();
            if (JsonTree.Parse(text, attempt) is { } json)
            {
                foreach (var fault in attempt.InOrder()) faults.Add(fault);
                return json;
            }
        }
        return YamlTree.Parse(text, faults);
    }

    private static string? Decode(ReadOnlySpan<byte> utf8, FaultList faults)
    {
        if (utf8.Length > LargestFile)
        {
            faults.Add(TooLarge(utf8.Length));
            return null;
        }
        if (utf8.StartsWith(Encoding.UTF8.Preamble)) utf8 = utf8[3..];
        try
        {
            return strictUtf8.GetString(utf8);
        }
        catch (DecoderFallbackException e)
        {
            var line = utf8[..Math.Clamp(e.Index, 0, utf8.Length)].Count((byte)'\n') + 1;
            faults.Add(new Fault("", null, "is not UTF-8 text", Line: line));
            return null;
        }
    }

    private static bool IsReadable(string text, FaultList faults)
    {
        if (text.Length > LargestFile || Encoding.UTF8.GetByteCount(text) is var size && size > LargestFile)
        {
            faults.Add(TooLarge(Math.Max(text.Length, Encoding.UTF8.GetByteCount(text))));
            return false;
        }
        var line = 1;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\n') line++;
            var isPair = char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            if (isPair) i++;
            else if ((char.IsControl(c) && c is not ('\t' or '\n' or '\r' or '\u0085')) || char.IsSurrogate(c) || c >= '\uFFFE')
            {
                faults.Add(new Fault("", null, $"holds the character U+{(int)c:X4}, which no text file has", Line: line));
                return false;
            }
        }
        return true;
    }

    private static Fault TooLarge(int size) => new("", null,
        string.Create(CultureInfo.InvariantCulture, $"has {size:N0} bytes: a sweep file has at most {LargestFile:N0}"));
}
