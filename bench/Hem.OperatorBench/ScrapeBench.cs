using System.Diagnostics;
using System.Globalization;
using System.Net;
using Hem.Kubernetes;
using Hem.Metrics;
using Hem.Operator.Hosting;
using Hem.Operator.Metrics;
using Operator.Tests.Hosting;

namespace Hem.OperatorBench;

/// <summary>
/// One scrape of an operator that 10,000 trials run under, over HTTP: as it is by default, and with as many trials as may have series of
/// their own. Fails at 100 ms (the median) or 2 MB.
/// </summary>
internal static class ScrapeBench
{
    private const int Sweeps = 100, TrialsEach = 100, Scrapes = 101;
    private const double MostMilliseconds = 100;
    private const long MostBytes = 2_000_000;

    public static async Task<int> RunAsync()
    {
        var (usual, usualProcessor, usualBytes) = await MeasureAsync(0);
        var (most, mostProcessor, mostBytes) = await MeasureAsync(TrialsEach);
        Console.WriteLine($"{Sweeps * TrialsEach} trials in {Sweeps} sweeps, none with series of its own: "
            + Told(usual, usualProcessor, usualBytes));
        Console.WriteLine($"{SweepMetrics.MostTrials} of them with series of their own, as many as may: "
            + Told(most, mostProcessor, mostBytes));
        var good = Math.Max(usual, most) < MostMilliseconds && Math.Max(usualBytes, mostBytes) < MostBytes;
        if (!good) Console.WriteLine(Text($"NOT GOOD: under {MostMilliseconds} ms and {MostBytes / 1e6} MB are asked for"));
        Console.WriteLine(Text($"scrape value={Math.Max(usual, most):F1} unit=ms"));
        return good ? 0 : 1;
    }

    private static async Task<(double Milliseconds, double Processor, long Bytes)> MeasureAsync(int trialSeries)
    {
        using var metrics = new OperatorMetrics();
        using var process = new ProcessMetrics("hem-operator", "bench");
        using var pipeline = new MetricsPipeline("hem-operator", "bench", OperatorHost.SeriesPerMetric,
            [OperatorMetrics.MeterName, KubernetesMetrics.MeterName, ProcessMetrics.MeterName]);
        for (var sweep = 0; sweep < Sweeps; sweep++) metrics.Sweeps.See($"{sweep}", ManyTrials.Sweep(sweep, TrialsEach, trialSeries));
        await using var host = await HealthHost.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), pipeline);
        using var http = new HttpClient();
        var times = new List<double>();
        var used = new List<double>();
        long bytes = 0;
        for (var i = 0; i < Scrapes; i++)
        {
            var (since, before) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            bytes = (await http.GetByteArrayAsync($"{host.Address}/metrics")).LongLength;
            times.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
            used.Add((Environment.CpuUsage.TotalTime - before).TotalMilliseconds);
        }

        return (Median(times), Median(used), bytes);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Told(double milliseconds, double processor, long bytes) =>
        Text($"{milliseconds:F1} ms, of processors {processor:F1} ms (asking included), {bytes / 1e6:F2} MB");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
