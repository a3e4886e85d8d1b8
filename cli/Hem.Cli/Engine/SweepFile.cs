using System.Text;
using Hem.Core.Sweeps;

namespace Hem.Cli.Engine;

/// <summary>A sweep file that was read: the sweep and its trials, or everything that is wrong with it.</summary>
internal sealed record SweepFile(
    string Name, string Directory, string Text, HemSweep? Sweep, SweepExpansion? Expansion, IReadOnlyList<Fault> Faults)
{
    private const string StandardInput = "-";

    /// <exception cref="HemException">There is no such file, or it cannot be read.</exception>
    public static SweepFile Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = path == StandardInput ? ReadStandardInput() : ReadLimited(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HemException(ExitCodes.BadInput, $"{path}: there is no such file.");
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new HemException(
                ExitCodes.BadInput,
                System.IO.Directory.Exists(path) ? $"{path}: is a folder, not a sweep file." : $"{path}: cannot be read: {e.Message}");
        }

        return path == StandardInput
            ? Of(bytes, "<stdin>", Environment.CurrentDirectory)
            : Of(bytes, path, Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    public static SweepFile Of(byte[] utf8, string name, string directory)
    {
        (HemSweep? sweep, SweepExpansion? expansion, IReadOnlyList<Fault> faults) = SweepReader.Load(utf8, name);
        return new(name, directory, Encoding.UTF8.GetString(utf8), sweep, expansion, faults);
    }

    /// <summary>The same file; where it has faults, it prints them and ends the command.</summary>
    /// <exception cref="HemException">The file has faults.</exception>
    public (HemSweep Sweep, SweepExpansion Expansion) Require()
    {
        if (Sweep is not null && Expansion is not null && Faults.Count == 0) return (Sweep, Expansion);
        throw new HemException(
            ExitCodes.BadInput, FaultText() + $"hem: {Name}: {Terminal.Format.Count(Faults.Count, "fault")}, nothing was started.")
        { IsWholeMessage = true };
    }

    /// <summary>Says where hem-trainer cannot run it; a run would refuse.</summary>
    public void WarnOfTrainer()
    {
        if (Sweep is not null && Expansion is not null && TrainerProgram.Lacks(Sweep, Expansion) is { } warning)
            Console.Error.WriteLine($"hem: warning: {warning}");
    }

    /// <summary>One line a fault, as compilers write them: `file:line: field: value must be so (did you mean that?)`.</summary>
    public string FaultText() => string.Concat(Faults.Select(fault => Describe(fault) + Environment.NewLine));

    private string Describe(Fault fault) =>
        fault.Line is { } line ? $"{Name}:{line}: {fault.Describe()}" : $"{Name}: {fault.Describe()}";

    private static byte[] ReadLimited(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return ReadLimited(stream);
    }

    private static byte[] ReadStandardInput()
    {
        using Stream stream = Console.OpenStandardInput();
        return ReadLimited(stream);
    }

    // One byte more than is allowed is enough to be refused by the reader.
    private static byte[] ReadLimited(Stream stream)
    {
        var buffer = new byte[SweepReader.LargestFile + 1];
        int length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return buffer[..length];
    }
}
