using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Hem.Cli.Engine;
using Hem.Cli.Terminal;
using Hem.Core.Sweeps;
using Hem.Results;

namespace Hem.Cli.Commands;

/// <summary>`hem list`: the sweeps of a store and how far they are.</summary>
internal static class ListCommand
{
    public const string Closing = """
        Examples:
          hem list
          hem list --store /data/results --json

        """;

    private sealed record Row(string Name, int Trials, int Done, int Running, int Failed, DateTimeOffset Updated);

    public static Command Build()
    {
        Option<string?> store = CommonOptions.Store();
        Option<bool> json = CommonOptions.Json("The sweeps as JSON");
        var command = new Command("list", "The sweeps of a store and how far they are") { store, json };
        command.SetAction(parsed => Run(parsed.Layout(store), parsed.GetValue(json)));
        return command;
    }

    private static int Run(StoreLayout layout, bool json)
    {
        using ResultStore store = ResultStore.OpenReadOnly(layout.Root);
        StoreHolder? holder = layout.FindHolder();
        List<Row> rows = [.. store.ReadSweeps().Select(sweep => Of(store, sweep, isHeld: holder is not null))];
        if (json)
        {
            Console.WriteLine(new JsonObject
            {
                ["store"] = layout.Root,
                ["holder"] = holder is null ? null : new JsonObject { ["pid"] = holder.ProcessId, ["since"] = holder.Since.ToString("O") },
                ["sweeps"] = new JsonArray([.. rows.Select(JsonNode (row) => new JsonObject
                {
                    ["name"] = row.Name, ["trials"] = row.Trials, ["done"] = row.Done, ["running"] = row.Running, ["failed"] = row.Failed,
                    ["updated"] = row.Updated.ToString("O"),
                })]),
            }.ToJsonString(JsonText.Indented));
            return ExitCodes.Complete;
        }

        if (rows.Count == 0)
        {
            Console.WriteLine($"{Format.ShortPath(layout.Root)}: no sweeps yet.");
            return ExitCodes.Complete;
        }

        var table = new TextTable(
            ("SWEEP", false), ("TRIALS", true), ("DONE", true), ("RUNNING", true), ("FAILED", true), ("CHANGED", false));
        foreach (Row row in rows)
        {
            table.Add(
                row.Name, $"{row.Trials}", $"{row.Done}", $"{row.Running}", $"{row.Failed}",
                row.Updated.ToLocalTime().ToString("yyyy-MM-dd HH:mm"));
        }

        Console.Write(table);
        if (holder is not null && rows.Any(row => row.Running > 0))
            Console.WriteLine($"\nIn use by process {holder.ProcessId} (`{holder.Command}`).");
        return ExitCodes.Complete;
    }

    private static Row Of(ResultStore store, SweepRecord sweep, bool isHeld)
    {
        SweepFile spec = SweepFile.Of(Encoding.UTF8.GetBytes(sweep.Spec), sweep.Name, Environment.CurrentDirectory);
        RetrySpec retries = spec.Sweep?.Spec.Retries ?? new RetrySpec();
        TrialRecord[] trials = [.. store.ReadTrials(sweep.Uid).Where(trial => !trial.Superseded)];
        return new Row(
            sweep.Name,
            spec.Expansion?.Trials.Count ?? trials.Length,
            trials.Count(trial => trial.Finished is not null),
            // What a killed run left without an end is not running as far as anybody knows.
            isHeld ? store.ReadAttempts(sweep.Uid).Count(attempt => attempt.Ended is null) : 0,
            trials.Count(trial => trial.Finished is null
                && (trial.FailedPermanently || trial.Failures > retries.Failures || trial.Disruptions > retries.Disruptions)),
            sweep.Updated);
    }
}
