using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>
/// A Prometheus beside the cluster with the configuration of docs/monitoring.md, but that it scrapes each second, that what alerts wait for
/// (`for:`) is left out of the copy of the rules that it reads, and that it is told of pods by a file: Debian's is built without
/// `kubernetes_sd_configs`.
/// </summary>
internal sealed partial class Prometheus : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hem-prometheus-");
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;
    private readonly CancellationTokenSource _ends = new();
    private readonly HttpClient _http;
    private readonly Process _process;
    private readonly Task _discovery;

    private Prometheus(ClusterApi api)
    {
        var port = Machine.FreePort(System.Net.IPAddress.Loopback);
        foreach (var rules in Directory.GetFiles(ClusterFixture.InRepository("charts/hem/alerts"), "*.yaml"))
            File.WriteAllText(InFolder(Path.GetFileName(rules)), For().Replace(File.ReadAllText(rules), "for: 0s"));
        var settings = File.ReadAllText(ClusterFixture.InRepository("examples/prometheus/prometheus.yml"))
            .Replace("_interval: 30s", "_interval: 1s").Replace("../../charts/hem/alerts/", "./");
        File.WriteAllText(InFolder("prometheus.yml"), Discovery().Replace(settings, "file_sd_configs: [{files: [pods.json]}]\n"));
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        _discovery = DiscoverAsync(api, _ends.Token);
        _process = Process.Start(new ProcessStartInfo("/usr/bin/prometheus",
        [
            $"--config.file={InFolder("prometheus.yml")}", $"--storage.tsdb.path={InFolder("data")}",
            $"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ])
        { RedirectStandardError = true })!;
        _process.ErrorDataReceived += (_, line) => Console.Error.WriteLine(line.Data);
        _process.BeginErrorReadLine();
    }

    public static async Task<Prometheus> StartAsync(ClusterApi api, CancellationToken cancel)
    {
        var prometheus = new Prometheus(api);
        await prometheus.UntilAsync("up{job=\"hem\"} == 1", "Prometheus scrapes the operator", cancel);
        return prometheus;
    }

    /// <summary>Waits until a query has an answer.</summary>
    public Task UntilAsync(string query, string what, CancellationToken cancel) => Wait.UntilAsync(
        async () => (await ReadAsync($"query?query={Uri.EscapeDataString(query)}", cancel)).Count > 0, what, Timeouts.Normal, cancel);

    /// <summary>Whether a query had a number for an answer, at any time since it was started.</summary>
    public async Task<bool> HadDataAsync(string query, CancellationToken cancel)
    {
        var (from, to) = (_started.ToUnixTimeSeconds(), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        return (await ReadAsync($"query_range?query={Uri.EscapeDataString(query)}&start={from}&end={to}&step=1", cancel))
            .SelectMany(series => series!["values"]!.AsArray()).Any(sample => double.IsFinite(Number((string)sample![1]!)));
    }

    /// <summary>The values that a label of a metric has had.</summary>
    public async Task<IReadOnlyList<string>> LabelsAsync(string metric, string label, CancellationToken cancel) =>
        [.. (await ReadAsync($"label/{label}/values?match[]={metric}", cancel)).Select(value => (string)value!)];

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _discovery;
        _ends.Dispose();
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>Writes what `kubernetes_sd_configs` with the role pod finds, again and again.</summary>
    private async Task DiscoverAsync(ClusterApi api, CancellationToken cancel)
    {
        var file = InFolder("pods.json");
        try
        {
            while (true)
            {
                var pods = (await api.GetAsync("/api/v1/pods", cancel))!["items"]!.AsArray();
                var targets = new JsonArray([.. pods.SelectMany(pod => Targets(pod!))]);
                await File.WriteAllTextAsync(file + ".new", targets.ToJsonString(), cancel);
                File.Move(file + ".new", file, overwrite: true);
                await Task.Delay(TimeSpan.FromSeconds(1), cancel);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // It is enough.
        }
    }

    private static IEnumerable<JsonNode> Targets(JsonNode pod)
    {
        if ((string?)pod["status"]!["podIP"] is not { } address) yield break;
        foreach (var port in pod["spec"]!["containers"]!.AsArray().SelectMany(container => container!["ports"]?.AsArray() ?? []))
        {
            const string Prefix = "__meta_kubernetes_";
            var labels = new JsonObject
            {
                [Prefix + "namespace"] = (string)pod["metadata"]!["namespace"]!,
                [Prefix + "pod_name"] = (string)pod["metadata"]!["name"]!,
                [Prefix + "pod_container_port_name"] = (string?)port!["name"] ?? "",
            };
            foreach (var (name, value) in pod["metadata"]!["labels"]?.AsObject() ?? [])
            {
                var label = name.Replace('.', '_').Replace('/', '_').Replace('-', '_');
                labels[$"{Prefix}pod_label_{label}"] = (string?)value;
                labels[$"{Prefix}pod_labelpresent_{label}"] = "true";
            }
            yield return new JsonObject { ["targets"] = new JsonArray($"{address}:{port["containerPort"]}"), ["labels"] = labels };
        }
    }

    private async Task<JsonArray> ReadAsync(string what, CancellationToken cancel)
    {
        var data = JsonNode.Parse(await _http.GetStringAsync($"/api/v1/{what}", cancel))!["data"]!;
        return data as JsonArray ?? data["result"]!.AsArray();
    }

    private static double Number(string text) =>
        double.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    [GeneratedRegex(@"(?<=^\s*)for: \w+", RegexOptions.Multiline)]
    private static partial Regex For();

    [GeneratedRegex(@"kubernetes_sd_configs:\n  - role: pod\n(    namespaces: .*\n)?")]
    private static partial Regex Discovery();
}
