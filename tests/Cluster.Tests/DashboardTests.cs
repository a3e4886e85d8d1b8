using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>The dashboards of the chart beside a real sweep and a real Prometheus: whatever a panel asks has an answer.</summary>
public sealed class DashboardTests(ClusterFixture cluster)
{
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_panel_has_data_while_a_sweep_runs()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/prometheus"), "needs Debian's prometheus");
        await cluster.KubectlAsync(
            "-n", ClusterFixture.OperatorNamespace, "patch", "deployment", "hem-operator", "--type=json", "-p",
            """[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--trial-series=50"}]""");
        await cluster.KubectlAsync(
            "-n", ClusterFixture.OperatorNamespace, "rollout", "status", "deployment/hem-operator", "--timeout=180s");
        var pod = (await cluster.OperatorPodsAsync())[^1]["status"]!["podIP"]!.GetValue<string>();
        await using var prometheus = Prometheus.Start($"{pod}:8080");

        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "watched", _cancel);
        await cluster.Api.ApplyAsync("""
            apiVersion: hem.dev/v1alpha1
            kind: HemSweep
            metadata: {name: watched}
            spec:
              base: {algorithm: hem, task: flipbit-10, iterations: 25, workers: 1, stopOnSuccess: false}
              grid: {"N": [5, 10]}
              seeds: {count: 60}
              parallelism: 2
              trainer: {checkpoints: {every: 2s}, resources: {requests: {cpu: 100m} } }
            """, sweep.Namespace, _cancel);

        var open = Panels(sweep).Distinct().ToDictionary();
        open.Count.ShouldBeGreaterThan(40);
        // What only the last evaluation or the first complete trial can answer comes in its time.
        await Wait.UntilAsync(async () =>
        {
            foreach (var (panel, query) in open.ToArray())
                if (await prometheus.HasDataAsync(await WithTrialAsync(prometheus, query), _cancel)) open.Remove(panel);
            return open.Count == 0;
        }, "every panel has data", Timeouts.Long, _cancel).ContinueWith(_ => { }, TaskScheduler.Default);
        open.Keys.ShouldBeEmpty();
        await cluster.KubectlAsync("-n", sweep.Namespace, "delete", "hemsweep", sweep.Name);
    }

    /// <summary>Each query of each panel, with its variables filled in but for the trial.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Panels(SweepOnCluster sweep)
    {
        foreach (var file in Directory.GetFiles(ClusterFixture.InRepository("charts/hem/dashboards"), "*.json"))
        {
            var dashboard = JsonNode.Parse(File.ReadAllText(file))!;
            foreach (var panel in dashboard["panels"]!.AsArray().Where(panel => panel!["targets"] is not null))
            {
                foreach (var target in panel!["targets"]!.AsArray())
                {
                    var query = ((string)target!["expr"]!).Replace("$namespace", sweep.Namespace).Replace("$sweep", sweep.Name)
                        .Replace("$instance", ".*");
                    yield return new($"{dashboard["title"]}: {panel["title"]}: {query}", query);
                }
            }
        }
    }

    private async Task<string> WithTrialAsync(Prometheus prometheus, string query) =>
        query.Contains("$trial") ? query.Replace("$trial", await prometheus.LabelAsync("hem_trial_success_rate", "trial", _cancel)) : query;

    /// <summary>A Prometheus that scrapes one target each second.</summary>
    private sealed class Prometheus : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hem-prometheus-");
        private readonly HttpClient _http;
        private readonly Process _process;

        private Prometheus(string target)
        {
            var port = Machine.FreePort(System.Net.IPAddress.Loopback);
            var settings = Path.Combine(_folder.FullName, "prometheus.yml");
            File.WriteAllText(settings, $$"""
                global: {scrape_interval: 1s}
                scrape_configs:
                - {job_name: hem, static_configs: [{targets: ['{{target}}']}]}
                """);
            _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            _process = Process.Start(new ProcessStartInfo("/usr/bin/prometheus",
            [
                $"--config.file={settings}", $"--storage.tsdb.path={_folder.FullName}/data", $"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ])
            { RedirectStandardError = true })!;
            _process.ErrorDataReceived += (_, _) => { };
            _process.BeginErrorReadLine();
        }

        public static Prometheus Start(string target) => new(target);

        public async Task<bool> HasDataAsync(string query, CancellationToken cancel) =>
            (await QueryAsync(query, cancel)).Any(sample => double.IsFinite(Number((string)sample!["value"]![1]!)));

        public async Task<string> LabelAsync(string metric, string label, CancellationToken cancel) =>
            (await QueryAsync(metric, cancel)).Select(sample => (string?)sample!["metric"]![label]).FirstOrDefault() ?? "none";

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited) _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
            _http.Dispose();
            _folder.Delete(recursive: true);
        }

        private async Task<JsonArray> QueryAsync(string query, CancellationToken cancel)
        {
            var answer = await _http.GetStringAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}", cancel);
            return JsonNode.Parse(answer)!["data"]!["result"]!.AsArray();
        }

        private static double Number(string text) =>
            double.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;
    }
}
