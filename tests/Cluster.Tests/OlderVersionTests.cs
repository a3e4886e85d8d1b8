using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>An upgrade from a Hem that really is older: other code, other definitions, an older schema of its store.</summary>
public sealed class OlderVersionTests(ClusterFixture cluster)
{
    /// <summary>The first that the chart installed: schema 2 of the store, trainers that serve no metrics.</summary>
    private const string Older = "e210252";

    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Under_a_sweep_that_runs_all_is_brought_up_to_date_and_then_refused_by_the_older_code_and_nothing_is_lost()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }, "long: runs in make soak");
        var manifest = ClusterFixture.InRepository(ClusterFixture.Manifest);
        var older = await OlderAsync();
        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "lasting", _cancel);
        try
        {
            // A store that nobody newer has written to.
            await cluster.KubectlAsync("delete", "--ignore-not-found", "-f", manifest);
            await cluster.InstallAsync(older);
            await cluster.Api.ApplyAsync(Sweep(seeds: 2), sweep.Namespace, _cancel);
            var trainer = await sweep.RunningPodAsync();
            await Wait.UntilAsync(
                async () => (await sweep.LogAsync(trainer)).Contains("iteration 3:"), "it trains", Timeouts.Long, _cancel);

            await cluster.InstallAsync(manifest);

            (await ImageAsync()).ShouldBe(Images.Operator);
            await sweep.HeardAsync(trainer, trials: 2);
            (await cluster.KubectlAsync("explain", "hemsweep.spec.trainer.metrics")).ShouldContain("HEM_METRICS_PORT");

            await cluster.KubectlAsync("apply", "--validate=false", "-f", older);
            await Wait.UntilAsync(RefusesAsync, "the older operator says that the store is a newer one's", Timeouts.Long, _cancel);
            await cluster.InstallAsync(manifest);

            // The two go on in their older trainers; one that is asked for now has today's.
            await cluster.Api.ApplyAsync(Sweep(seeds: 3), sweep.Namespace, _cancel);
            await Wait.UntilAsync(
                async () => (await sweep.PointsAsync()).Count == 3, "the third trial is heard", Timeouts.Long, _cancel);
            await sweep.HeardAsync(trainer, trials: 2);
            var images = await cluster.KubectlAsync(
                "-n", sweep.Namespace, "get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}");
            images.Split(' ').Count(image => image == Images.Trainer).ShouldBe(1, images);
            await sweep.HasLostNothingAsync(trials: 3);
        }
        finally
        {
            await cluster.InstallAsync(manifest);
            await sweep.DeleteAsync();
        }

        string Sweep(int seeds) => SweepTests.Rough(seeds, SweepTests.ForLong).Replace("name: rough", $"name: {sweep.Name}");
    }

    /// <returns>The older manifest, whose images the node has from here on.</returns>
    private async Task<string> OlderAsync()
    {
        string folder;
        try
        {
            folder = (await Machine.RunAsync(ClusterFixture.InRepository("make/older"), Older)).Trim();
        }
        catch (CannotException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
        foreach (var image in (string[])["trainer", "operator"]) await cluster.Node.ImportImageAsync(Path.Combine(folder, image + ".tar"));
        return Path.Combine(folder, "hem.yaml");
    }

    private async Task<string?> ImageAsync() => (string?)(await cluster.OperatorPodsAsync())[^1]["spec"]!["containers"]![0]!["image"];

    /// <summary>It ended, and said why.</summary>
    private async Task<bool> RefusesAsync()
    {
        var pod = (await cluster.OperatorPodsAsync())[^1];
        var name = (string)pod["metadata"]!["name"]!;
        var restarts = (int?)pod["status"]!["containerStatuses"]?[0]!["restartCount"] ?? 0;
        return await ImageAsync() != Images.Operator && restarts > 0
            && (await cluster.KubectlAsync("-n", ClusterFixture.OperatorNamespace, "logs", "--previous", name))
            .Contains("was written by a newer Hem (schema 3; this one knows 2)");
    }
}
