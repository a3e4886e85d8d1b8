using System.Diagnostics;

namespace Hem.Tests;

/// <summary>Those who will read a scrape: promtool, and the parsers of Prometheus' Python client.</summary>
internal static class ScrapeReaders
{
    public const string Needs = "needs Debian's prometheus and python3-prometheus-client";

    public static bool AreHere =>
        File.Exists("/usr/bin/promtool") && Directory.Exists("/usr/lib/python3/dist-packages/prometheus_client");

    /// <summary>What `promtool check metrics` has to say: nothing, where all is well.</summary>
    public static Task<string> CheckAsync(string text) => PipeAsync("/usr/bin/promtool", ["check", "metrics"], text);

    /// <summary>The samples whose names begin with hem_, one a line: type, name, labels, value.</summary>
    public static Task<string> ParseAsync(string text, bool isOpenMetrics) => PipeAsync("/usr/bin/python3", ["-c", $$"""
        import sys
        from prometheus_client{{(isOpenMetrics ? ".openmetrics" : "")}}.parser import text_string_to_metric_families as parse
        for family in parse(sys.stdin.read()):
            for sample in family.samples:
                if sample.name.startswith('hem_'): print(family.type, sample.name, sorted(sample.labels.items()), float(sample.value))
        """], text);

    private static async Task<string> PipeAsync(string program, string[] arguments, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        var said = await output + await error;
        process.ExitCode.ShouldBe(0, said);
        return said;
    }
}
