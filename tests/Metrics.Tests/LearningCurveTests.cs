using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Metrics.Tests;

/// <summary>
/// The curves of the dashboard Sweeps, evaluated by promtool on series as the PodMonitors of the chart make them: of trainers' pods, of the
/// operator where pods are not scraped, and of both.
/// </summary>
public sealed class LearningCurveTests
{
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task They_are_of_each_configuration_over_its_seeds(bool trainers, bool trials)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/promtool"), "needs Debian's prometheus");
        var series = new List<string>();
        foreach (var (trial, configuration, rate, iteration) in
            ((string, string, double, int)[])[("a", "N=5", 0.25, 3), ("b", "N=5", 0.75, 5), ("c", "N=9", 1, 7)])
        {
            var own = $"namespace=\"ns\",sweep=\"s\",trial=\"{trial}\"";
            var pod = $"{own},pod=\"{trial}-1\",instance=\"{trial}:9464\",job=\"hem-trainers\"";
            if (trainers)
                series.AddRange(Told($"hem_trainer_success_rate{{{pod}}}", rate), Told($"hem_trainer_iterations_total{{{pod}}}", iteration),
                    Told($"hem_trainer_info{{{pod},exported_sweep=\"s\",configuration=\"{configuration}\"}}", 1));
            var told = $"{own},pod=\"hem-operator-1\",instance=\"o:8080\",job=\"hem\"";
            if (trials)
                series.AddRange(Told($"hem_trial_success_rate{{{told}}}", rate), Told($"hem_trial_iteration{{{told}}}", iteration),
                    Told($"hem_trial_info{{{told},configuration=\"{configuration}\"}}", 1));
        }

        var test = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(test, $"""
                evaluation_interval: 1m
                tests:
                - interval: 1m
                  input_series:
                {string.Join('\n', series)}
                  promql_expr_test:
                {Expected("Success rate by configuration", 0.5, 1)}
                {Expected("Spread over seeds", Math.Sqrt(0.125))}
                {Expected("Iterations by configuration", 4, 7)}
                """);
            using var promtool = Process.Start(new ProcessStartInfo("/usr/bin/promtool", ["test", "rules", test])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var said = await promtool.StandardOutput.ReadToEndAsync() + await promtool.StandardError.ReadToEndAsync();
            await promtool.WaitForExitAsync();
            promtool.ExitCode.ShouldBe(0, said);
        }
        finally
        {
            File.Delete(test);
        }
    }

    private static readonly string[] Configurations = ["N=5", "N=9"];

    private static string Told(string series, double value) =>
        FormattableString.Invariant($"  - {{series: '{series}', values: '{value}+0x3'}}");

    /// <param name="panel">Its title.</param>
    /// <param name="values">Of the configurations, by name; there are no others.</param>
    private static string Expected(string panel, params double[] values) => FormattableString.Invariant($"""
          - expr: '{Query(panel)}'
            eval_time: 2m
            exp_samples:
        """) + string.Concat(values.Select((value, i) => FormattableString.Invariant(
            $"\n    - {{labels: '{{configuration=\"{Configurations[i]}\"}}', value: {value:R}}}")));

    private static string Query(string panel)
    {
        var dashboard = JsonNode.Parse(File.ReadAllText(Repository.Path("charts/hem/dashboards/sweeps.json")))!;
        var target = dashboard["panels"]!.AsArray().Single(one => (string?)one!["title"] == panel)!["targets"]!.AsArray().Single()!;
        return ((string)target["expr"]!).Replace("$namespace", "ns").Replace("$sweep", "s");
    }
}
