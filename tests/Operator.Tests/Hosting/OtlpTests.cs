using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.TestCluster;
using Operator.Tests.Sweeps;

namespace Operator.Tests.Hosting;

/// <summary>The operator's program, sending to a collector on stock gRPC or HTTP that the standard variables name.</summary>
public sealed class OtlpTests(ControlPlaneFixture fixture)
{
    private const string Python = "/usr/bin/python3";

    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task What_the_operator_measures_arrives_under_the_names_that_the_variables_give(string protocol)
    {
        Assert.SkipUnless(Directory.Exists("/usr/lib/python3/dist-packages/grpc"), "needs Debian's python3-grpcio and python3-protobuf");
        ControlPlane plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        string ns = await plane.CreateNamespaceAsync();
        using var client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(plane.Kubeconfig));
        await client.CreateAsync(HemResources.Sweeps, SweepBuilder.Make().Seeds(1).Build(ns));
        DirectoryInfo store = Directory.CreateTempSubdirectory("hem-otlp-");
        var lines = new ConcurrentQueue<string>();
        using Process collector = Process.Start(new ProcessStartInfo(
            Python, [Path.Combine(AppContext.BaseDirectory, "Hosting", "otlp_collector.py")])
        {
            RedirectStandardOutput = true,
        })!;
        collector.OutputDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
        collector.BeginOutputReadLine();
        try
        {
            string way = protocol[..4];
            string port = await Wait.ForAsync(
                () => Task.FromResult(lines.FirstOrDefault(line => line.StartsWith(way + " ", StringComparison.Ordinal))?[5..]),
                "the collector listens");
            await using var process = new OperatorProcess(plane, ns, store.FullName, new Dictionary<string, string>
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{port}",
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol,
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
                ["OTEL_SERVICE_NAME"] = "hem-of-tests",
                ["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment=tests",
                ["NO_PROXY"] = "127.0.0.1",
            });

            foreach ((string name, string kind) in ((string, string)[])
                [("hem_sweep_trials", "gauge"), ("hem_build_info", "gauge"), ("leader_election_master_status", "gauge"),
                    ("controller_runtime_reconcile_total", "sum"), ("workqueue_queue_duration_seconds", "histogram")])
            {
                JsonNode metric = await Wait.ForAsync(
                    () => Task.FromResult(Of(name, lines)), $"{name} arrives by {protocol}", Timeouts.Normal);
                ((string?)metric["kind"]).ShouldBe(kind, name);
                ((string?)metric["way"]).ShouldBe(way);
                ((string?)metric["resource"]!["service.name"]).ShouldBe("hem-of-tests");
                ((string?)metric["resource"]!["deployment.environment"]).ShouldBe("tests");
                metric["points"]!.AsArray().ShouldNotBeEmpty();
            }

            Of("hem_sweep_trials", lines)!["points"]!.AsArray().Select(point => (string?)point![0]!["namespace"])
                .ShouldAllBe(one => one == ns);
            JsonArray queued = Of("workqueue_queue_duration_seconds", lines)!["points"]![0]!.AsArray();
            ((long)queued[1]!).ShouldBe((long)queued[2]!, "its buckets hold all that was counted");
        }
        finally
        {
            collector.Kill();
            await collector.WaitForExitAsync(CancellationToken.None);
            store.Delete(recursive: true);
        }
    }

    private static JsonNode? Of(string name, IEnumerable<string> lines) =>
        lines.Where(line => line.StartsWith('{')).Select(line => JsonNode.Parse(line)!)
            .FirstOrDefault(metric => (string?)metric["name"] == name);
}
