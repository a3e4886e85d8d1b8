using Hem.Cli.Processes;

namespace Hem.Cli.Engine;

/// <summary>Finds the program that a trial runs.</summary>
internal static class TrainerProgram
{
    private const string Name = "hem-trainer";

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

    private static IEnumerable<string> Places()
    {
        yield return Path.Combine(AppContext.BaseDirectory, Name);
        // In the development tree: artifacts/bin/Hem.Cli/release/ beside artifacts/bin/Hem.Trainer/release/.
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        if (folder is { Parent.Parent: { Name: "bin", Parent.Name: "artifacts" } bin })
            yield return Path.Combine(bin.FullName, "Hem.Trainer", folder.Name, Name);
    }
}
