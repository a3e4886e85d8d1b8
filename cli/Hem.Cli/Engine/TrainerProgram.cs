using System.Collections;
using Hem.Cli.Processes;
using Hem.Core.Sweeps;

namespace Hem.Cli.Engine;

/// <summary>Finds the program that a trial runs.</summary>
internal static class TrainerProgram
{
    private const string Name = "hem-trainer";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The program and its arguments for this sweep.</summary>
    /// <exception cref="HemException">
    /// There is no such program, it does not run here, or the sweep needs what hem-trainer does not have.
    /// </exception>
    public static async Task<IReadOnlyList<string>> ForAsync(HemSweep sweep, SweepExpansion expansion, string sweepDirectory)
    {
        if (Lacks(sweep, expansion) is { } fault) throw new HemException(ExitCodes.Unavailable, fault + " Nothing was started.");
        var command = Resolve(sweep.Spec.Trainer.Command, sweepDirectory);
        if (sweep.Spec.Trainer.Command is not { Count: > 0 }) await RequireRunsAsync(command[0]);
        return command;
    }

    /// <summary>
    /// Lets hem-trainer tell its version: what would end each trial at its start, a processor that it is not compiled for, is said once.
    /// </summary>
    /// <exception cref="HemException">It does not run on this machine.</exception>
    internal static async Task RequireRunsAsync(string program)
    {
        string log = Path.GetTempFileName();
        try
        {
            var ended = new TaskCompletionSource<ExitStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
            var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
                .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value ?? "");
            var process = SupervisedProcess.Start([program, "--version"], variables, log, ended.SetResult);
            if (await Task.WhenAny(ended.Task, Task.Delay(Patience)) != ended.Task)
            {
                // A machine as busy as that is no fault of the program's: the trials will tell.
                process.Kill();
                return;
            }

            var status = await ended.Task;
            if (status.Code == 0) return;
            string said = File.ReadLines(log).FirstOrDefault(line => line.Trim().Length > 0)?.Trim() ?? "it says nothing";
            throw DoesNotRun(program, $"{said} ({status}).");
        }
        catch (SpawnException e)
        {
            throw DoesNotRun(program, e.Message);
        }
        finally
        {
            File.Delete(log);
        }
    }

    private static HemException DoesNotRun(string program, string why) => new(
        ExitCodes.Unavailable,
        $"{program} does not run on this machine: {why} "
            + (why.Contains("instruction sets") ? "It needs an x86-64 processor with AVX2, which virtual machines may hide. " : "")
            + "Nothing was started.");

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
