using System.CommandLine;
using Hem.Cli.Engine;
using Hem.Cli.Terminal;
using Hem.Results;
using Hem.Results.Reports;

namespace Hem.Cli.Commands;

/// <summary>`hem report`: the answer of a sweep, also while it runs.</summary>
internal static class ReportCommand
{
    public const string Closing = """
        Writes report.html (one file, no network), the figures as SVG, points.csv and
        ranking.json, and prints the ranking. Works while the sweep runs: the report then
        says what is missing.

        Examples:
          hem report flipbit-n
          hem report flipbit-n --store /data/results --output /tmp/flipbit-n
          hem report flipbit-n --json | jq .

        """;

    public static Command Build()
    {
        Argument<string> sweep = CommonOptions.Sweep();
        Option<string?> store = CommonOptions.Store();
        Option<string?> output = new("--output", "-o")
        {
            Description = "Folder of the report (default: STORE/reports/SWEEP)",
            HelpName = "DIR",
        };
        Option<bool> json = CommonOptions.Json("The ranking as JSON");
        var command = new Command("report", "Learning curves, final performance and ranking of a sweep") { sweep, store, output, json };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(sweep), parsed.Layout(store), parsed.GetValue(output), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string name, StoreLayout layout, string? output, bool json)
    {
        using ResultStore store = ResultStore.OpenReadOnly(layout.Root);
        SweepRecord sweep = store.Require(name, layout);
        Report report = Report.Of(ReportData.FromStore(store, sweep, TimeProvider.System.GetUtcNow()));
        string path = Write(report, output ?? layout.ReportDirectory(name));
        if (json)
        {
            Console.WriteLine(report.RankingJson);
            return ExitCodes.Complete;
        }

        Console.WriteLine(report.RankingText.TrimEnd());
        Console.WriteLine();
        Console.WriteLine($"Report: {Format.ShortPath(path)}");
        return ExitCodes.Complete;
    }

    private static string Write(Report report, string folder)
    {
        try
        {
            return report.Write(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HemException(
                ExitCodes.Storage,
                $"{folder}: the report cannot be written there ({e.Message.TrimEnd('.')}). Name another folder with --output DIR.");
        }
    }
}
