using System.Text.Json.Nodes;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>Two operators on a PostgreSQL database, as docs/install.md says.</summary>
public sealed class ReplicaTests(ClusterFixture cluster)
{
    private const string Own = ClusterFixture.OperatorNamespace;
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Both_are_ready_and_rollout_and_drain_wait_for_nobody_while_a_sweep_runs_that_loses_nothing()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }, "long: runs in make soak");
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
                SweepTests.Rough(seeds: 2, SweepTests.ForLong).Replace("name: rough", $"name: {sweep.Name}"), sweep.Namespace, _cancel);
            var trainer = await sweep.RunningPodAsync();
            var leader = await LeaderAsync();

            // As `kubectl drain` does: the leader's first, and the other as soon as the budget lets it.
            foreach (var pod in (await NamesAsync()).OrderBy(pod => pod != leader)) await cluster.EvictAsync(pod, _cancel);
            var second = await LeaderAsync(except: leader);
            await sweep.HeardAsync(trainer, trials: 2);

            await cluster.KubectlAsync("-n", Own, "rollout", "restart", "deployment/hem-operator");
            await cluster.KubectlAsync("-n", Own, "rollout", "status", "deployment/hem-operator", "--timeout=180s");
            await LeaderAsync(except: second);
            await sweep.HeardAsync(trainer, trials: 2);

            (await sweep.PodsAsync("Running")).Count.ShouldBe(2);
            await sweep.HasLostNothingAsync(trials: 2);
        }
        finally
        {
            // Its trainers are sent away by an operator that has its results.
            await sweep.DeleteAsync();
            await cluster.InstallAsync(ClusterFixture.InRepository(ClusterFixture.Manifest));
            await cluster.KubectlAsync("-n", Own, "delete", "--ignore-not-found", "secret/hem-results", "poddisruptionbudget/hem-operator");
        }
    }

    private async Task<string> ManifestAsync()
    {
        var file = Path.Combine(cluster.ControlPlane.Folder, "replicas.yaml");
        await File.WriteAllTextAsync(file, await Machine.RunAsync(
            ClusterFixture.InRepository("make/chart"), "template", ClusterFixture.InRepository("charts/hem"), "--namespace", Own,
            "--kube-version", "1.20.2", "--set", "replicaCount=2", "--set", "results.postgresql.existingSecret=hem-results",
            "--set", "podDisruptionBudget.enabled=true"), _cancel);
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

    private async Task<IReadOnlyList<string>> NamesAsync() =>
        [.. (await cluster.OperatorPodsAsync()).Select(pod => (string)pod["metadata"]!["name"]!)];

    private async Task<IReadOnlyList<JsonNode>> ReadyPodsAsync() =>
    [
        .. (await cluster.OperatorPodsAsync()).Where(pod => pod["status"]!["conditions"]?.AsArray()
            .Any(one => (string?)one!["type"] == "Ready" && (string?)one["status"] == "True") == true),
    ];
}
