using System.CommandLine;
using System.Text;
using Hem.Cli.Cluster;
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
          hem report flipbit-n -n research        # a sweep of a cluster

        """;

    public static Command Build()
    {
        Argument<string> sweep = CommonOptions.Sweep();
        Option<string?> store = CommonOptions.Store();
        Option<string?> output = new("--output", "-o")
        {
            Description = "Its folder (default: STORE/reports/SWEEP, or reports/NS/SWEEP)",
            HelpName = "DIR",
        };
        Option<bool> json = CommonOptions.Json("The ranking as JSON");
        var cluster = new ClusterOptions();
        var command = new Command("report", "Learning curves, final performance and ranking of a sweep") { sweep, store, output, json };
        cluster.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            using ClusterConnection? connection = cluster.Connect(parsed);
            return connection is null
                ? Run(parsed.GetRequiredValue(sweep), parsed.Layout(store), parsed.GetValue(output), parsed.GetValue(json))
                : await FromClusterAsync(
                    connection, parsed.GetRequiredValue(sweep), parsed.GetValue(output), parsed.GetValue(json), cancel);
        });
        return command;
    }

    private static async Task<int> FromClusterAsync(
        ClusterConnection cluster, string name, string? output, bool json, CancellationToken cancel)
    {
        var answers = new ClusterAnswers(cluster);
        string folder = Path.GetFullPath(output ?? Path.Combine("reports", cluster.Namespace, name));
        // The first one before any folder is made: there may be no such sweep.
        string text = await TextAsync(json ? "ranking.json" : "ranking.txt");
        try
        {
            Directory.CreateDirectory(folder);
            foreach (string file in new[] { "points.csv", "ranking.json", "report.html" })
            {
                string path = Path.Combine(folder, file);
                await using (FileStream destination = File.Create(path + ".new")) await answers.ReadAsync(name, file, destination, cancel);
                File.Move(path + ".new", path, overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(folder, e);
        }

        Console.WriteLine(text.TrimEnd());
        if (json) return ExitCodes.Complete;
        Console.WriteLine();
        Console.WriteLine($"Report: {Format.ShortPath(Path.Combine(folder, "report.html"))}");
        return ExitCodes.Complete;

        async Task<string> TextAsync(string file)
        {
            var buffer = new MemoryStream();
            await answers.ReadAsync(name, file, buffer, cancel);
            return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
        }
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
            throw CannotWrite(folder, e);
        }
    }

    private static HemException CannotWrite(string folder, Exception e) => new(
        ExitCodes.Storage,
        $"{folder}: the report cannot be written there ({e.Message.TrimEnd('.')}). Name another folder with --output DIR.");
}
