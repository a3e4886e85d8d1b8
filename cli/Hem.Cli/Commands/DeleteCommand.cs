using System.CommandLine;
using Hem.Cli.Engine;
using Hem.Cli.Processes;
using Hem.Cli.Terminal;
using Hem.Results;

namespace Hem.Cli.Commands;

/// <summary>`hem delete`: a sweep and all that it left in a store.</summary>
internal static class DeleteCommand
{
    public const string Closing = """
        Deletes the sweep's records, logs, checkpoints and report. The other sweeps of the
        store stay. Asks first; a script says --yes.

        Examples:
          hem delete flipbit-n
          hem delete flipbit-n --store /data/results --yes

        """;

    public static Command Build()
    {
        Argument<string> sweep = CommonOptions.Sweep();
        Option<string?> store = CommonOptions.Store();
        Option<bool> yes = new("--yes", "-y") { Description = "Do not ask" };
        var command = new Command("delete", "Delete a sweep with its results") { sweep, store, yes };
        command.SetAction((parsed, _) => RunAsync(parsed.GetRequiredValue(sweep), parsed.Layout(store), parsed.GetValue(yes)));
        return command;
    }

    private static async Task<int> RunAsync(string name, StoreLayout layout, bool yes)
    {
        // Reading first: what is not there is said without making a store, and nothing is held while somebody thinks.
        using (ResultStore reader = ResultStore.OpenReadOnly(layout.Root))
        {
            SweepRecord found = reader.Require(name, layout);
            if (!yes && !Confirm(found, reader, layout))
            {
                Console.WriteLine("Nothing was deleted.");
                return ExitCodes.Interrupted;
            }
        }

        await using ResultStore store = ResultStore.Open(layout.Root);
        SweepRecord sweep = store.Require(name, layout);
        RefuseWhileTrainersLive(store, sweep, layout);
        string[] trials = [.. store.ReadTrials(sweep.Uid).Select(trial => trial.Name)];
        // Folders first: where one of them cannot be deleted the sweep is still there, to be deleted again.
        foreach (string trial in trials) DeleteFolder(layout.TrialDirectory(Path.GetFileName(trial)));
        DeleteFolder(layout.ReportDirectory(sweep.Name));
        await store.DeleteSweepAsync(sweep.Uid);
        Console.WriteLine($"{name}: deleted, {Format.Count(trials.Length, "trial")}.");
        return ExitCodes.Complete;
    }

    private static bool Confirm(SweepRecord sweep, ResultStore store, StoreLayout layout)
    {
        if (Console.IsInputRedirected)
        {
            throw new HemException(
                ExitCodes.BadInput, $"{sweep.Name}: nobody is here to be asked. Give --yes to delete it without a question.");
        }

        TrialRecord[] trials = [.. store.ReadTrials(sweep.Uid)];
        Console.Write($"Delete {sweep.Name} with {Format.Count(trials.Length, "trial")} "
            + $"({trials.Count(trial => trial.Finished is not null)} complete) from {Format.ShortPath(layout.Root)}, for good? [y/N] ");
        return Console.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }

    /// <summary>A killed run leaves its trainers running: they would go on writing into what was deleted.</summary>
    private static void RefuseWhileTrainersLive(ResultStore store, SweepRecord sweep, StoreLayout layout)
    {
        foreach (AttemptRecord attempt in store.ReadLiveAttempts())
        {
            if (attempt.SweepUid != sweep.Uid || attempt is not { ProcessId: { } pid, ProcessStarted: { } started }) continue;
            if (!new ProcessIdentity(pid, started).IsAlive) continue;
            throw new HemException(
                ExitCodes.Unavailable,
                $"{sweep.Name}: a trainer of it still runs (process {pid}, trial {attempt.Trial}). Stop it, or let `hem run` take it "
                + $"over (store {Format.ShortPath(layout.Root)}), then delete.");
        }
    }

    private static void DeleteFolder(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Never started, or deleted by an earlier try.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HemException(
                ExitCodes.Storage, $"{folder}: cannot be deleted ({e.Message.TrimEnd('.')}). Check its permissions and delete again.");
        }
    }
}
