using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>What docs/operations.md says about upgrading and removing, while a sweep runs.</summary>
public sealed class InstallTests(ClusterFixture cluster)
{
    private const string Space = $"namespaces/{ClusterFixture.OperatorNamespace}";
    private const string Claim = $"/api/v1/{Space}/persistentvolumeclaims/hem-store";
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upgraded_then_removed_then_installed_again_a_sweep_loses_nothing_and_trains_nothing_twice()
    {
        var manifest = ClusterFixture.InRepository(ClusterFixture.Manifest);
        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "lasting", _cancel);
        // All run at once, so that nothing but the operator's absence could disturb them.
        var yaml = SweepTests.Rough(seeds: 2, SweepTests.ForLong).Replace("name: rough", $"name: {sweep.Name}");
        await cluster.Api.ApplyAsync(yaml, sweep.Namespace, _cancel);
        var trainer = await sweep.RunningPodAsync();
        var claim = (string?)(await cluster.Api.GetAsync(Claim))!["metadata"]!["uid"];
        try
        {
            var old = (await cluster.OperatorPodsAsync())[^1];
            await cluster.InstallAsync(await NextVersionAsync(manifest));

            var pods = await cluster.OperatorPodsAsync();
            pods.Select(pod => (string?)pod["metadata"]!["uid"]).ShouldNotContain((string?)old["metadata"]!["uid"]);
            ((string?)pods[^1]["spec"]!["containers"]![0]!["image"]).ShouldEndWith(":next");
            await sweep.HeardAsync(trainer, trials: 2);

            await cluster.KubectlAsync("delete", "-f", manifest, "-l", "app.kubernetes.io/component=operator");

            (await cluster.Api.GetAsync($"/apis/apps/v1/{Space}/deployments/hem-operator")).ShouldBeNull();
            (await cluster.Api.GetAsync($"/api/v1/{Space}/services/hem")).ShouldBeNull();
            (await cluster.Api.GetAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles/hem-operator")).ShouldBeNull();
            ((string?)(await cluster.Api.GetAsync(Claim))!["metadata"]!["uid"]).ShouldBe(claim);
            (await sweep.TrialsAsync()).Count.ShouldBe(2);
            await Wait.UntilAsync(
                async () => (await cluster.OperatorPodsAsync()).Count == 0, "the operator's pod is gone", Timeouts.Normal, _cancel);
            (await sweep.PodsAsync("Failed")).ShouldBeEmpty();
        }
        finally
        {
            await cluster.InstallAsync(manifest);
        }

        await sweep.HeardAsync(trainer, trials: 2);
        (await sweep.PodsAsync("Running")).Count.ShouldBe(2);
        await sweep.HasLostNothingAsync(trials: 2);
        await sweep.DeleteAsync();
    }

    [Fact]
    public async Task Drained_from_a_full_node_the_operator_comes_back_in_the_place_of_a_pod_that_waited()
    {
        var node = await cluster.Api.GetAsync($"/api/v1/nodes/{cluster.Node.Name}");
        var cpus = int.Parse((string)node!["status"]!["allocatable"]!["cpu"]!);
        // There is room for it or for the operator.
        var space = await cluster.CreateNamespaceAsync();
        await cluster.ApplyPodAsync(space, "waits", "sleep 600", $"{{requests: {{cpu: {(cpus * 1000) - 50}m}} }}", _cancel);
        var manifest = await Machine.RunAsync(
            ClusterFixture.InRepository("make/chart"), "template", ClusterFixture.InRepository("charts/hem"),
            "--namespace", ClusterFixture.OperatorNamespace, "--kube-version", "1.20.2", "--set", "podDisruptionBudget.enabled=true");
        var budget = manifest.Split("---\n").Single(text => text.Contains("kind: PodDisruptionBudget"));
        await cluster.Api.ApplyAsync(budget, cancel: _cancel);
        var path = $"/apis/policy/v1beta1/{Space}/poddisruptionbudgets/hem-operator";

        await cluster.EvictAsync((string)(await cluster.OperatorPodsAsync())[^1]["metadata"]!["name"]!, _cancel);

        await cluster.KubectlAsync(
            "-n", ClusterFixture.OperatorNamespace, "rollout", "status", "deployment/hem-operator", "--timeout=180s");
        await cluster.Api.DeleteAsync(path, cancel: _cancel);
        await cluster.Api.DeleteAsync($"/api/v1/namespaces/{space}", cancel: _cancel);
    }

    /// <summary>The same program under another name: to Kubernetes, another version.</summary>
    private async Task<string> NextVersionAsync(string manifest)
    {
        var next = Images.Operator.Replace($":{Images.Version}", ":next");
        await cluster.Node.TagImageAsync(Images.Operator, next);
        var file = Path.Combine(cluster.ControlPlane.Folder, "next.yaml");
        var text = await File.ReadAllTextAsync(manifest, _cancel);
        text.ShouldContain(Images.Operator);
        await File.WriteAllTextAsync(file, text.Replace(Images.Operator, next), _cancel);
        return file;
    }
}
