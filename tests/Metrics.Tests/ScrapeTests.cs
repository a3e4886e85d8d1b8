using System.Diagnostics.Metrics;
using System.Text;
using Hem.Metrics;
using Hem.Tests;

namespace Metrics.Tests;

/// <summary>What a scrape says, read by those who will: promtool, and the parsers of Prometheus' Python client.</summary>
public sealed class ScrapeTests : IDisposable
{
    private const string OpenMetrics = "application/openmetrics-text; version=1.0.0";

    private readonly Meter _meter = new($"test-{Guid.NewGuid()}");
    private readonly ProcessMetrics _process = new("hem-test", "1.2.3");
    private readonly MetricsPipeline _pipeline;

    public ScrapeTests()
    {
        _pipeline = new MetricsPipeline("hem-test", "1.2.3", seriesPerMetric: 100, [_meter.Name, ProcessMetrics.MeterName]);
        var counter = _meter.CreateCounter<long>("hem_things_total", description: "Things \"done\", a \\ backslash and\na new line.");
        counter.Add(2, new KeyValuePair<string, object?>("kind", "a"));
        counter.Add(3, new KeyValuePair<string, object?>("kind", "b \"quoted\" \\ and\nbroken"));
        _meter.CreateCounter<double>("hem_time_seconds_total", "s", "Time.").Add(0.125);
        _meter.CreateUpDownCounter<long>("hem_open", description: "Open now.").Add(-4);
        _meter.CreateObservableGauge("hem_ratio", () => 1e-9, description: "Small.");
        _meter.CreateObservableGauge("hem_nothing", () => double.NaN, description: "Not a number.");
        var histogram = _meter.CreateHistogram<double>("hem_duration_seconds", "s", "How long.", null,
            new() { HistogramBucketBoundaries = [0.1, 1, 10] });
        foreach (var value in (double[])[0.05, 0.1, 0.5, 20]) histogram.Record(value, new KeyValuePair<string, object?>("verb", "GET"));
    }

    public void Dispose()
    {
        _pipeline.Dispose();
        _process.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void It_is_in_the_text_format()
    {
        var text = Own(Scrape(null));
        text.ShouldBe("""
            # HELP hem_duration_seconds How long.
            # TYPE hem_duration_seconds histogram
            hem_duration_seconds_bucket{verb="GET",le="0.1"} 2
            hem_duration_seconds_bucket{verb="GET",le="1"} 3
            hem_duration_seconds_bucket{verb="GET",le="10"} 3
            hem_duration_seconds_bucket{verb="GET",le="+Inf"} 4
            hem_duration_seconds_sum{verb="GET"} 20.65
            hem_duration_seconds_count{verb="GET"} 4
            # HELP hem_nothing Not a number.
            # TYPE hem_nothing gauge
            hem_nothing NaN
            # HELP hem_open Open now.
            # TYPE hem_open gauge
            hem_open -4
            # HELP hem_ratio Small.
            # TYPE hem_ratio gauge
            hem_ratio 1E-09
            # HELP hem_things_total Things "done", a \\ backslash and\na new line.
            # TYPE hem_things_total counter
            hem_things_total{kind="a"} 2
            hem_things_total{kind="b \"quoted\" \\ and\nbroken"} 3
            # HELP hem_time_seconds_total Time.
            # TYPE hem_time_seconds_total counter
            hem_time_seconds_total 0.125

            """);
    }

    [Fact]
    public void It_is_in_OpenMetrics_where_that_is_asked_for()
    {
        var text = Scrape(OpenMetrics);
        text.ShouldEndWith("# EOF\n");
        text.ShouldContain("# TYPE hem_things counter\n");
        text.ShouldContain("# UNIT hem_duration_seconds seconds\n");
        text.ShouldContain("hem_things_total{kind=\"a\"} 2\n");
        text.ShouldContain("le=\"1.0\"");
        text.ShouldContain("# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n");
    }

    [Fact]
    public async Task A_second_scrape_goes_on_from_the_first()
    {
        var counter = _meter.CreateCounter<long>("hem_more_total");
        counter.Add(1);
        Scrape(null).ShouldContain("hem_more_total 1\n");
        counter.Add(1);
        var both = await Task.WhenAll(Task.Run(() => Scrape(null)), Task.Run(() => Scrape(OpenMetrics)));
        both.ShouldAllBe(text => text.Contains("hem_more_total 2\n"));
    }

    [Fact]
    public void A_series_that_nobody_measures_any_more_is_gone_and_leaves_its_place_to_others()
    {
        var trials = new List<string>();
        _meter.CreateObservableGauge(
            "hem_running", () => trials.Select(trial => new Measurement<int>(1, new KeyValuePair<string, object?>("trial", trial))));
        for (var i = 0; i < 300; i++)
        {
            trials.Clear();
            trials.Add($"{i}");
            Scrape(null).Split('\n').Where(line => line.StartsWith("hem_running{", StringComparison.Ordinal))
                .ShouldBe([$"hem_running{{trial=\"{i}\"}} 1"]);
        }
    }

    [Fact]
    public void Of_what_is_looked_up_so_many_series_are_told_as_may_be()
    {
        _meter.CreateObservableGauge("hem_crowd",
            () => Enumerable.Range(0, 200).Select(i => new Measurement<int>(1, new KeyValuePair<string, object?>("trial", i))));
        Scrape(null).Split('\n').Count(line => line.StartsWith("hem_crowd{", StringComparison.Ordinal)).ShouldBe(100);
    }

    [Fact]
    public void What_cannot_be_looked_up_does_not_keep_the_rest_from_being_told()
    {
        _meter.CreateObservableGauge("hem_broken", int () => throw new IOException("away"));
        Scrape(null).ShouldContain("hem_ratio 1E-09\n");
    }

    [Fact]
    public void Series_beyond_the_limit_are_counted_together()
    {
        var counter = _meter.CreateCounter<long>("hem_many_total");
        for (var i = 0; i < 200; i++) counter.Add(1, new KeyValuePair<string, object?>("trial", i));
        var lines = Scrape(null).Split('\n').Where(line => line.StartsWith("hem_many_total{")).ToList();
        lines.Count.ShouldBeLessThanOrEqualTo(101);
        lines.Sum(line => int.Parse(line.Split(' ')[^1])).ShouldBe(200);
        lines.ShouldContain(line => line.Contains("{otel_metric_overflow=\"True\"}"));
    }

    [Fact]
    public async Task Promtool_finds_nothing_to_say()
    {
        Assert.SkipUnless(ScrapeReaders.AreHere, ScrapeReaders.Needs);
        // What it says of no metric in particular: NaN is a value like any other.
        (await ScrapeReaders.CheckAsync(Scrape(null))).ShouldBe("");
    }

    [Theory]
    [InlineData(null)]
    [InlineData(OpenMetrics)]
    public async Task Prometheus_own_Python_client_reads_it(string? accept)
    {
        Assert.SkipUnless(ScrapeReaders.AreHere, ScrapeReaders.Needs);
        var read = await ScrapeReaders.ParseAsync(Scrape(accept), accept == OpenMetrics);
        read.ShouldContain("counter hem_things_total [('kind', 'a')] 2.0");
        read.ShouldContain(@"counter hem_things_total [('kind', 'b ""quoted"" \\ and\nbroken')] 3.0".Replace("\"\"", "\""));
        read.ShouldContain("histogram hem_duration_seconds_bucket [('le', '+Inf'), ('verb', 'GET')] 4.0");
        read.ShouldContain("gauge hem_ratio [] 1e-09");
        read.ShouldContain("gauge hem_build_info [('program', 'hem-test'), ('version', '1.2.3')] 1.0");
    }

    private string Scrape(string? accept)
    {
        var (type, body) = _pipeline.Scrape(accept);
        type.ShouldStartWith(accept is null ? "text/plain; version=0.0.4" : OpenMetrics);
        return Encoding.UTF8.GetString(body.Span);
    }

    /// <summary>Without what the process tells of itself.</summary>
    private static string Own(string text) => string.Concat(
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line.Contains("hem_") && !line.Contains("hem_build_info")).Select(line => line + "\n"));
}
