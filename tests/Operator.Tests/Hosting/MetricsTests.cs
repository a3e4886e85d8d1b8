using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Hosting;
using Hem.Operator.Metrics;
using Hem.Operator.Trials;
using Hem.TestCluster;
using Hem.Tests;
using Microsoft.Extensions.Logging;
using Operator.Tests.Sweeps;
using ResultStore = Hem.Results.ResultStore;

namespace Operator.Tests.Hosting;

/// <summary>What a whole operator tells of itself and of a sweep that it runs.</summary>
public sealed class MetricsTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task A_scrape_tells_of_the_sweep_the_control_loop_the_store_and_the_process()
    {
        await using HostWorld world = await HostWorld.CreateAsync(fixture.ControlPlane);
        // Counts are of one life of the operator: no lease is lost meanwhile.
        world.Options = world.Options with
        {
            TrialSeries = 1,
            LeaseDuration = TimeSpan.FromMinutes(1),
            RenewDeadline = TimeSpan.FromSeconds(50),
        };
        HostWorld.Life life = world.Start();
        await world.ApplyAsync(SweepBuilder.Make().Seeds(3).Parallelism(2));
        await Wait.UntilAsync(async () => (await world.SweepAsync())?.Status?.State == SweepState.Complete, "complete", Timeouts.Long);

        string ns = world.Namespace;
        string text = await Wait.ForAsync(
            async () => await ScrapeAsync(life) is var seen && seen.Contains("state=\"Complete\"") ? seen : null, "told");
        text.ShouldContain($"hem_sweeps{{namespace=\"{ns}\",state=\"Complete\"}} 1\n");
        text.ShouldContain($"hem_sweep_trials{{namespace=\"{ns}\",phase=\"Finished\",sweep=\"s\"}} 3\n");
        text.ShouldContain($"hem_trial_attempts_total{{namespace=\"{ns}\",reason=\"\",result=\"Completed\"}} 3\n");
        text.ShouldContain($"hem_sweep_attempts_total{{namespace=\"{ns}\",reason=\"\",result=\"Completed\",sweep=\"s\"}} 3\n");
        text.ShouldContain($"hem_trial_duration_seconds_count{{namespace=\"{ns}\"}} 3\n");
        text.ShouldContain($"hem_sweep_best_score{{configuration=\"hem\",namespace=\"{ns}\",sweep=\"s\"}} ");
        text.ShouldContain("hem_status_writes_total{kind=\"HemSweep\",result=\"written\"}");
        double[] store = [.. new[] { "size", "free", "capacity" }.Select(what => Value(text, $"hem_store_{what}_bytes "))];
        store.ShouldAllBe(bytes => bytes > 0);
        store[2].ShouldBeGreaterThan(store[1]);
        text.ShouldContain("hem_certificate_expiration_timestamp_seconds ");
        text.ShouldContain("controller_runtime_reconcile_total{controller=\"sweep\",result=\"success\"}");
        text.ShouldContain("controller_runtime_reconcile_total{controller=\"sweep\",result=\"requeue\"} 0\n");
        text.ShouldContain("controller_runtime_active_workers{controller=\"sweep\"} ");
        text.ShouldContain("workqueue_depth{controller=\"sweep\",name=\"sweep\"} ");
        text.ShouldContain("hem_operator_leading 1\n");
        text.ShouldContain("rest_client_requests_total{code=\"200\",host=\"");
        text.ShouldContain("leader_election_master_status{name=\"hem-operator\"} 1\n");
        text.ShouldContain("process_cpu_seconds_total ");
        Value(text, "process_max_fds ").ShouldBeGreaterThanOrEqualTo(Value(text, "process_open_fds "));
        Value(text, "process_virtual_memory_bytes ").ShouldBeGreaterThan(Value(text, "process_resident_memory_bytes "));
        (await ScrapeAsync(life, "application/openmetrics-text; version=1.0.0")).ShouldEndWith("# EOF\n");
        if (ScrapeReaders.AreHere) (await ScrapeReaders.CheckAsync(text)).ShouldBe("");
    }

    [Fact]
    public async Task How_attempts_ended_is_told_of_each_sweep_goes_on_under_another_leader_and_goes_with_the_sweep()
    {
        await using HostWorld world = await HostWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = pod => pod.Label(HemLabels.Sweep) == "bad" ? Training.Fails(64, "no such task")
            : pod.Label(HemLabels.Attempt) == "1" ? Training.Fails(143) with { PodReason = ("Preempting", "for something better") }
            : Training.Finishes;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(2));
        await world.ApplyAsync(SweepBuilder.Make("bad"));
        string[] good =
        [
            Ended("s", "Completed", "", 2), Ended("s", "Disrupted", "Preempted", 2), Ended("s", "Failed", "Error", 0),
        ];
        string[] bad =
        [
            Ended("bad", "Completed", "", 0), Ended("bad", "Disrupted", "Preempted", 0), Ended("bad", "Failed", "BadConfiguration", 1),
            Ended("bad", "Failed", "Error", 0),
        ];

        HostWorld.Life life = world.Start(identity: "one");
        await ToldAsync([.. bad, .. good]);
        await world.EndAsync(life);
        life = world.Start(identity: "two");
        await ToldAsync([.. bad, .. good]);
        await world.Client.DeleteAsync(HemResources.Sweeps, world.Namespace, "bad");
        await ToldAsync(good);

        string Ended(string sweep, string result, string reason, int count) => "hem_sweep_attempts_total"
            + $"{{namespace=\"{world.Namespace}\",reason=\"{reason}\",result=\"{result}\",sweep=\"{sweep}\"}} {count}";

        Task ToldAsync(string[] lines) => Wait.UntilAsync(
            async () => life.Host.HealthAddress is not null && (await ScrapeAsync(life)).Split('\n')
                .Where(line => line.StartsWith("hem_sweep_attempts_total{", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal).SequenceEqual(lines.Order(StringComparer.Ordinal)),
            "told: " + string.Join('\n', lines), Timeouts.Long);
    }

    [Fact]
    public async Task Whoever_holds_the_lease_and_cannot_open_its_store_does_not_lead()
    {
        await using HostWorld world = await HostWorld.CreateAsync(fixture.ControlPlane);
        HostWorld.Life life;
        using (ResultStore.Open(world.Options.Store))
        {
            life = world.Start();
            await Wait.UntilAsync(async () => life.Host.HealthAddress is not null
                && (await ScrapeAsync(life)).Contains("leader_election_master_status{name=\"hem-operator\"} 1\n"), "it holds the lease");
            (await ScrapeAsync(life)).ShouldContain("hem_operator_leading 0\n");
        }

        await Wait.UntilAsync(async () => (await ScrapeAsync(life)).Contains("hem_operator_leading 1\n"), "it leads", Timeouts.Normal);
    }

    [Fact]
    public async Task What_keeps_the_holder_of_the_lease_from_work_is_an_error_once_it_lasts_and_now_and_then()
    {
        var (time, log) = (new ManualTime(), new ErrorLog());
        var beginning = new Beginning("pod-1", "open the result store", log, time);
        time.Advance(Beginning.Patience - TimeSpan.FromSeconds(1));
        log.Lines.ShouldBeEmpty();
        beginning.Failed("results.db: another program holds the database locked. Close it and try again.");
        time.Advance(TimeSpan.FromSeconds(1));
        await Wait.UntilAsync(() => log.Lines.Count == 1, "it is said");
        log.Lines.Single().ShouldStartWith("pod-1 has held the lease for 30 s and does none of its work, because it cannot open "
            + "the result store: results.db: another program holds the database locked.");
        beginning.At("list the sweeps");
        time.Advance(Beginning.Again);
        await Wait.UntilAsync(() => log.Lines.Count == 2, "it is said again");
        log.Lines.Last().ShouldContain("cannot list the sweeps: no answer yet");
        beginning.Dispose();
        time.Advance(Beginning.Again);
        log.Lines.Count.ShouldBe(2);
    }

    private sealed class ErrorLog : ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error) Lines.Enqueue(formatter(state, exception));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void Ten_thousand_trials_are_a_scrape_of_under_two_megabytes(int trialSeries)
    {
        using var metrics = new OperatorMetrics();
        for (var sweep = 0; sweep < 100; sweep++) metrics.Sweeps.See($"{sweep}", ManyTrials.Sweep(sweep, 100, trialSeries));
        using var pipeline = new Hem.Metrics.MetricsPipeline("test", "1", OperatorHost.SeriesPerMetric, [OperatorMetrics.MeterName]);
        var (_, body) = pipeline.Scrape(null);
        body.Length.ShouldBeInRange(10_000, 2_000_000);
        System.Text.Encoding.UTF8.GetString(body.Span).Split('\n')
            .Count(line => line.StartsWith("hem_trial_info{", StringComparison.Ordinal) && line.Contains("namespace=\"many\""))
            .ShouldBe(trialSeries == 0 ? 0 : SweepMetrics.MostTrials);
    }

    [Fact]
    public void Trials_that_are_silent_or_do_not_save_are_named_and_only_they()
    {
        var time = new ManualTime();
        using var metrics = new OperatorMetrics(time);
        DateTimeOffset now = time.GetUtcNow();
        metrics.Sweeps.See("named", ManyTrials.Sweep(0, 3, 0) with
        {
            Silent = [("s-1", now), ("s-2", now.AddMinutes(3))],
            Unsaved = [("s-1", now), ("s-2", now.AddMinutes(3))],
        });
        string[] Named() =>
        [
            .. System.Text.Encoding.UTF8.GetString(new Hem.Metrics.MetricsPipeline("test", "1", 1000, [OperatorMetrics.MeterName])
                .Scrape(null).Body.Span).Split('\n').Where(line => line.Contains("trial=\"s-")).Select(line => line.Split(' ')[0]),
        ];
        Named().ShouldBeEmpty();
        time.Advance(SweepMetrics.SilentAfter);
        const string Labels = "{namespace=\"many\",sweep=\"fetch-push-images-0\",trial=\"s-1\"}";
        Named().ShouldBe(["hem_trial_silent_seconds" + Labels]);
        time.Advance(SweepMetrics.UnsavedAfter - SweepMetrics.SilentAfter);
        Named().ShouldContain("hem_trial_unsaved_seconds" + Labels);
        Named().Count(line => line.StartsWith("hem_trial_unsaved", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1000, 5, 900)]
    [InlineData(540, 10, 20, 30, 400, 5000)]
    [InlineData(333, 1000, 1000, 1000)]
    [InlineData(498, 2, 2, 600, 600)]
    public void Sweeps_share_the_series_of_trials_fairly(int each, params int[] counts)
    {
        SweepMetrics.EachMayHave(counts).ShouldBe(each);
        counts.Sum(count => Math.Min(count, each)).ShouldBeLessThanOrEqualTo(SweepMetrics.MostTrials);
    }

    [Theory]
    [InlineData(AttemptResult.Failed, "out of memory (limit 1Gi)", false, "OutOfMemory")]
    [InlineData(AttemptResult.Failed, "OutOfMemoryException: Insufficient memory to continue", false, "OutOfMemory")]
    [InlineData(AttemptResult.Failed, "parameters.task: what is that", true, "BadConfiguration")]
    [InlineData(AttemptResult.Failed, "exit code 0, but it never reported Finished", false, "NeverFinished")]
    [InlineData(AttemptResult.Failed, "killed by signal 11", false, "Killed")]
    [InlineData(AttemptResult.Failed, "whatever a trainer says", false, "Error")]
    [InlineData(AttemptResult.Disrupted, "preempted: by something better", false, "Preempted")]
    [InlineData(AttemptResult.Disrupted, "evicted: disk pressure", false, "Evicted")]
    [InlineData(AttemptResult.Disrupted, "its node is lost", false, "NodeLost")]
    [InlineData(AttemptResult.Disrupted, "its pod and Job were deleted", false, "Deleted")]
    [InlineData(AttemptResult.Left, "the sweep is suspended", false, "Asked")]
    public void The_reason_of_an_end_is_one_of_a_few(AttemptResult result, string words, bool permanent, string reason) =>
        EndReason.Of(new AttemptOutcome(result, words, permanent)).ShouldBe(reason);

    private static double Value(string text, string series) => double.Parse(
        text.Split('\n').Single(line => line.StartsWith(series, StringComparison.Ordinal))[series.Length..], CultureInfo.InvariantCulture);

    private static async Task<string> ScrapeAsync(HostWorld.Life life, string? accept = null)
    {
        using var http = new HttpClient();
        if (accept is not null) http.DefaultRequestHeaders.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept));
        return await http.GetStringAsync($"{life.Host.HealthAddress}/metrics", TestContext.Current.CancellationToken);
    }
}
