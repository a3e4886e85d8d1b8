using System.Globalization;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Tests;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Metrics;
using Trainer.Tests.Algorithms;
using Trainer.Tests.Trials;

namespace Trainer.Tests.Metrics;

/// <summary>What the real program serves of itself while it trains.</summary>
public sealed partial class MetricsServerTests
{
    private static readonly ParameterSet Parameters = ParameterSet.Of(
        ("algorithm", "hem"), ("task", "flipbit-10"), ("workers", 2), ("N", 5), ("batchSize", 16), ("updates", 5),
        ("iterations", 1_000_000), ("hiddenLayers", 1), ("hiddenUnits", 16), ("evaluationEpisodes", 20), ("stopOnSuccess", false));

    private readonly CancellationToken cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_scrape_tells_how_the_trial_stands_and_leaves_its_curve_as_it_is()
    {
        await using var harness = new TrialHarness(Parameters, checkpointSeconds: 0.02);
        harness.Environment["HEM_METRICS_PORT"] = "0";
        harness.Trial = harness.Trial with { Configuration = "N=5 \"quoted\"" };
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        await harness.UntilAsync(() => Address().IsMatch(process.Log), process);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{Address().Match(process.Log).Groups[1].Value}") };
        await harness.UntilAsync(() => harness.Sink.Has(TrainerMessage.ReportOneofCase.Checkpointed), process);

        string text = await ScrapeAsync(http), later = await ScrapeAsync(http);
        string open = await ScrapeAsync(http, "application/openmetrics-text; version=1.0.0");
        process.Terminate();
        (await harness.EndAsync(process)).ShouldBe(143, process.Log);

        Value(text, "hem_trainer_success_rate").ShouldBeInRange(0, 1);
        Value(text, "hem_trainer_loss").ShouldBeGreaterThan(0);
        Value(text, "hem_trainer_goal_coverage").ShouldBeGreaterThan(0);
        // An iteration is a collection of ten episodes of ten steps and five updates; while it was asked, training went on.
        (double Before, double After) iterations = Both("hem_trainer_iterations_total"), episodes = Both("hem_trainer_episodes_total"),
            steps = Both("hem_trainer_env_steps_total"), updates = Both("hem_trainer_updates_total");
        iterations.Before.ShouldBeGreaterThan(0);
        episodes.Before.ShouldBeLessThanOrEqualTo((iterations.After + 1) * 10);
        episodes.After.ShouldBeGreaterThanOrEqualTo(iterations.Before * 10);
        steps.Before.ShouldBeLessThanOrEqualTo(episodes.After * 10);
        steps.After.ShouldBeGreaterThanOrEqualTo((episodes.Before - 10) * 10);
        updates.Before.ShouldBeLessThanOrEqualTo((iterations.After + 1) * 5);
        updates.After.ShouldBeGreaterThanOrEqualTo(iterations.Before * 5);
        Value(text, "hem_trainer_unstable_episodes_total").ShouldBe(0);
        Value(text, "hem_trainer_planned_iterations").ShouldBe(1_000_000);
        Value(text, "hem_trainer_checkpoint_saves_total{result=\"saved\"}").ShouldBeGreaterThan(0);
        Value(text, "hem_trainer_checkpoint_saves_total{result=\"failed\"}").ShouldBe(0);
        Value(text, "hem_trainer_checkpoint_bytes").ShouldBeGreaterThan(0);
        Value(text, "hem_trainer_checkpoint_age_seconds").ShouldBeLessThanOrEqualTo(Value(later, "hem_trainer_wall_seconds_total"));
        Value(text, "hem_trainer_reports_waiting").ShouldBeGreaterThanOrEqualTo(0);
        Value(text, "process_cpu_seconds_total").ShouldBeGreaterThan(0);
        string info = text.Split('\n').Single(line => line.StartsWith("hem_trainer_info{", StringComparison.Ordinal));
        string[] labels =
            ["N=\"5\"", "batch_size=\"16\"", "seed=\"1\"", "sweep=\"test\"", $"trial=\"{harness.Trial.Name}\"", "device=\"cpu\"",
                "configuration=\"N=5 \\\"quoted\\\"\""];
        foreach (string label in labels)
            info.ShouldContain(label);
        text.ShouldNotContain("hem_trainer_gpu_utilization_ratio");

        using (IAlgorithm alone = AlgorithmCatalog.Create(
            harness.Trial with { Parameters = harness.Trial.Parameters.With("iterations", harness.Sink.Curve.Count - 1) }))
        {
            var host = new RecordingHost();
            alone.Train(host).ShouldBeTrue();
            harness.Sink.Curve.Select(point => (point.SuccessRate, point.Loss))
                .ShouldBe(host.Curve.Select(point => (point.SuccessRate, point.Loss)));
        }

        Assert.SkipUnless(ScrapeReaders.AreHere, ScrapeReaders.Needs);
        (await ScrapeReaders.CheckAsync(text)).ShouldBe("");
        (await ScrapeReaders.ParseAsync(text, isOpenMetrics: false)).ShouldContain("counter hem_trainer_env_steps_total [] ");
        (await ScrapeReaders.ParseAsync(open, isOpenMetrics: true)).ShouldContain("counter hem_trainer_env_steps_total [] ");

        (double Before, double After) Both(string series) => (Value(text, series), Value(later, series));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("0", true)]
    public async Task What_serves_is_loaded_only_where_it_is_asked_for(string? port, bool loaded)
    {
        await using var harness = new TrialHarness(Parameters);
        if (port is not null)
            harness.Environment["HEM_METRICS_PORT"] = port;
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Curve.Count > 3, process);
        string maps = await File.ReadAllTextAsync($"/proc/{process.Id}/maps", cancel);
        maps.ShouldContain("Hem.Progress.dll");
        foreach (string library in (string[])["Kestrel", "OpenTelemetry", "Microsoft.AspNetCore", "Hem.Metrics"])
            maps.Contains(library, StringComparison.Ordinal).ShouldBe(loaded, library);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said_and_the_trial_goes_on()
    {
        var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.IPv6Any, 0) { Server = { DualMode = true } };
        taken.Start();
        await using var harness = new TrialHarness(Parameters.With("iterations", 5));
        harness.Environment["HEM_METRICS_PORT"] = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        (await harness.EndAsync(process)).ShouldBe(0, process.Log);
        process.Log.ShouldContain("metrics are not served: ");
        taken.Stop();
    }

    [Fact]
    public async Task What_is_no_port_is_a_bad_configuration()
    {
        await using var harness = new TrialHarness(Parameters);
        harness.Environment["HEM_METRICS_PORT"] = "70000";
        await harness.ServeAsync();
        TrainerProcess process = harness.Start();
        (await harness.EndAsync(process)).ShouldBe(64, process.Log);
        process.Log.ShouldContain("HEM_METRICS_PORT is '70000'");
    }

    [Fact]
    public void Every_metric_has_a_line_in_the_page()
    {
        string page = MetricsPage.Write();
        page.ShouldContain("| `hem_trainer_success_rate` | gauge | ");
        page.ShouldContain("| `hem_trainer_env_steps_total` | counter | ");
        page.ShouldContain("| `hem_trainer_gpu_utilization_ratio` | gauge | ");
    }

    [Fact]
    public void What_a_GPU_does_is_told_by_its_driver()
    {
        using Nvml? nvml = Nvml.TryLoad();
        Assert.SkipWhen(nvml is null, "needs an NVIDIA GPU");
        List<Nvml.Gpu> gpus = nvml.Read();
        gpus.ShouldNotBeEmpty();
        foreach (Nvml.Gpu gpu in gpus)
        {
            gpu.Uuid.ShouldStartWith("GPU-");
            long total = gpu.MemoryTotal ?? 0;
            total.ShouldBeGreaterThan(1L << 30);
            (gpu.MemoryUsed ?? -1).ShouldBeInRange(0, total);
            (gpu.Utilization ?? 0).ShouldBeInRange(0, 1);
        }
    }

    private async Task<string> ScrapeAsync(HttpClient http, string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        if (accept is not null)
            request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept));
        using HttpResponseMessage answer = await http.SendAsync(request, cancel);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadAsStringAsync(cancel);
    }

    private static double Value(string text, string series)
    {
        string? line = text.Split('\n').SingleOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        line.ShouldNotBeNull(series);
        return double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"metrics are served at http://.*:(\d+)/metrics")]
    private static partial Regex Address();
}
