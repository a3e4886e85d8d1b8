using System.Text.Json.Nodes;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>Two operators on a PostgreSQL database, as docs/install.md says.</summary>
public sealed class ReplicaTests(ClusterFixture cluster)
{
    private const string Own = ClusterFixture.OperatorNamespace;
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Both_are_ready_and_the_leader_may_go_and_updates_wait_for_nobody_while_a_sweep_runs()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }, "long: runs in make soak");
        const int iterations = 120;
        await using var postgres = await PostgresServer.StartAsync(cluster.ControlPlane.Address);
        var results = postgres.ConnectionString(await postgres.CreateDatabaseAsync(), $"{cluster.ControlPlane.Address}");
        await cluster.KubectlAsync("-n", Own, "create", "secret", "generic", "hem-results", $"--from-literal=uri={results}");
        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "shared", _cancel);
        try
        {
            await cluster.InstallAsync(await ManifestAsync());
            await Wait.UntilAsync(
                async () => (await ReadyPodsAsync()).Count == 2 && (await cluster.OperatorPodsAsync()).Count == 2, "two replicas are ready",
                Timeouts.Normal, _cancel);
            await cluster.Api.ApplyAsync(
                SweepTests.Rough(seeds: 3, iterations).Replace("name: rough", $"name: {sweep.Name}"), sweep.Namespace, _cancel);
            await sweep.RunningPodAsync();
            var first = await LeaderAsync();

            await cluster.KubectlAsync("-n", Own, "delete", "pod", first, "--wait=false");
            var second = await LeaderAsync(except: first);
            await cluster.KubectlAsync("-n", Own, "rollout", "restart", "deployment/hem-operator");
            await cluster.KubectlAsync("-n", Own, "rollout", "status", "deployment/hem-operator", "--timeout=180s");
            await LeaderAsync(except: second);

            var status = await sweep.CompleteAsync();
            ((int)status["done"]!).ShouldBe(3);
            foreach (var trial in await sweep.TrialsAsync()) ((int)trial["status"]!["attempts"]!).ShouldBe(1);
            foreach (var (trial, reported) in SweepTests.Points(await sweep.AnswerAsync("points.csv")))
                reported.ShouldBe(Enumerable.Range(0, iterations + 1), $"every point of {trial} once");
        }
        finally
        {
            await cluster.Api.DeleteAsync($"/apis/hem.dev/v1alpha1/namespaces/{sweep.Namespace}/hemsweeps/{sweep.Name}", cancel: _cancel);
            await cluster.InstallAsync(ClusterFixture.InRepository(ClusterFixture.Manifest));
            await cluster.KubectlAsync("-n", Own, "delete", "secret", "hem-results");
        }
    }

    private async Task<string> ManifestAsync()
    {
        var file = Path.Combine(cluster.ControlPlane.Folder, "replicas.yaml");
        await File.WriteAllTextAsync(file, await Machine.RunAsync(
            ClusterFixture.InRepository("make/chart"), "template", ClusterFixture.InRepository("charts/hem"), "--namespace", Own,
            "--kube-version", "1.20.2", "--set", "replicaCount=2", "--set", "results.postgresql.existingSecret=hem-results"), _cancel);
        return file;
    }

    /// <summary>Waits until another pod alone has the leader's label, and the progress Service sends trainers there alone.</summary>
    private async Task<string> LeaderAsync(string? except = null)
    {
        string? leader = null;
        await Wait.UntilAsync(async () =>
        {
            var labelled = (await cluster.OperatorPodsAsync())
                .Where(pod => (string?)pod["metadata"]!["labels"]!["hem.dev/leader"] == "true").ToList();
            if (labelled is not [var pod] || (leader = (string)pod["metadata"]!["name"]!) == except) return false;
            var endpoints = await cluster.Api.GetAsync($"/api/v1/namespaces/{Own}/endpoints/hem-progress", _cancel);
            var addresses = (endpoints!["subsets"]?.AsArray() ?? []).SelectMany(subset => subset!["addresses"]?.AsArray() ?? [])
                .Select(address => (string?)address!["ip"]).ToList();
            return addresses is [var only] && only == (string?)pod["status"]!["podIP"];
        }, "another replica leads, and trainers are sent to it", Timeouts.Normal, _cancel);
        return leader!;
    }

    private async Task<IReadOnlyList<JsonNode>> ReadyPodsAsync() =>
    [
        .. (await cluster.OperatorPodsAsync()).Where(pod => pod["status"]!["conditions"]?.AsArray()
            .Any(one => (string?)one!["type"] == "Ready" && (string?)one["status"] == "True") == true),
    ];
}
