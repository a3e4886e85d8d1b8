using Hem.Cli.Processes;
using Hem.Core.Sweeps;

namespace Hem.Cli.Engine;

/// <summary>Finds the program that a trial runs.</summary>
internal static class TrainerProgram
{
    private const string Name = "hem-trainer";

    /// <summary>The program and its arguments for this sweep.</summary>
    /// <exception cref="HemException">There is no such program, or the sweep needs what hem-trainer does not have.</exception>
    public static IReadOnlyList<string> For(HemSweep sweep, SweepExpansion expansion, string sweepDirectory) =>
        Lacks(sweep, expansion) is { } fault
            ? throw new HemException(ExitCodes.Unavailable, fault + " Nothing was started.")
            : Resolve(sweep.Spec.Trainer.Command, sweepDirectory);

    /// <summary>A sentence about what the sweep needs and hem-trainer does not have, or null.</summary>
    public static string? Lacks(HemSweep sweep, SweepExpansion expansion) =>
        BuiltIn.Missing(sweep, expansion, HasTorch()) is { Count: > 0 } missing
            ? $"{Name} does not have {string.Join(", ", missing)}: it has {BuiltIn.Everything}. "
                + "Name a trainer that has it in spec.trainer.command."
            : null;

    /// <param name="command">`spec.trainer.command`, or null for hem-trainer.</param>
    /// <param name="sweepDirectory">Paths in the command are relative to the sweep file.</param>
    /// <returns>The absolute path of the program, and its arguments.</returns>
    /// <exception cref="HemException">There is no such program.</exception>
    public static IReadOnlyList<string> Resolve(IReadOnlyList<string>? command, string sweepDirectory)
    {
        if (command is { Count: > 0 })
        {
            string program = ProgramPath.Find(command[0], sweepDirectory) ?? throw new HemException(
                ExitCodes.Unavailable,
                $"spec.trainer.command: there is no program '{command[0]}' "
                + (command[0].Contains('/') ? $"in {sweepDirectory}, " : "on the PATH, ")
                + "or it is not executable.");
            return [program, .. command.Skip(1)];
        }

        string[] places = [.. Places()];
        return [places.FirstOrDefault(ProgramPath.IsExecutable) ?? throw new HemException(
            ExitCodes.Unavailable,
            $"cannot find {Name}: looked for {string.Join(" and ", places)}. "
            + "Put it beside hem, or name a program in spec.trainer.command.")];
    }

    /// <summary>Whether hem-trainer finds its way to libtorch beside it (`make torch`).</summary>
    private static bool HasTorch() =>
        Places().FirstOrDefault(ProgramPath.IsExecutable) is { } trainer
        && File.Exists(Path.Combine(Path.GetDirectoryName(trainer)!, "libHemTorch.so"));

    private static IEnumerable<string> Places()
    {
        yield return Path.Combine(AppContext.BaseDirectory, Name);
        // In the development tree: artifacts/bin/Hem.Cli/release/ beside artifacts/bin/Hem.Trainer/release/.
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        if (folder is { Parent.Parent: { Name: "bin", Parent.Name: "artifacts" } bin })
            yield return Path.Combine(bin.FullName, "Hem.Trainer", folder.Name, Name);
    }
}
