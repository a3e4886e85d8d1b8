using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>An upgrade from a Hem that really is older: other code, other definitions, an older schema of its store.</summary>
public sealed class OlderVersionTests(ClusterFixture cluster)
{
    /// <summary>The first that the chart installed: schema 2 of the store, trainers that serve no metrics.</summary>
    private const string Older = "e210252";

    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Under_a_sweep_that_runs_the_store_and_the_definitions_are_brought_up_to_date_and_no_trial_is_trained_again()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }, "long: runs in make soak");
        var manifest = ClusterFixture.InRepository(ClusterFixture.Manifest);
        var folder = Directory.CreateTempSubdirectory("hem-older-");
        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "lasting", _cancel);
        try
        {
            await CheckOutAsync(folder.FullName);
            var built = await Machine.RunAsync(Path.Combine(folder.FullName, "make", "image"));
            var older = Path.Combine(folder.FullName, "older.yaml");
            await File.WriteAllTextAsync(
                older,
                (await File.ReadAllTextAsync(Path.Combine(folder.FullName, ClusterFixture.Manifest), _cancel))
                    .Replace(Images.Operator, Name(Images.Operator)).Replace(Images.Trainer, Name(Images.Trainer)), _cancel);
            foreach (var image in built.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                await cluster.Node.ImportImageAsync(Path.Combine(folder.FullName, image));
            foreach (var image in (string[])[Images.Operator, Images.Trainer]) await cluster.Node.TagImageAsync(image, Name(image));
            foreach (var image in await Images.BuildAsync()) await cluster.Node.ImportImageAsync(image);

            // A store that nobody newer has written to.
            await cluster.KubectlAsync("delete", "--ignore-not-found", "-f", manifest);
            await cluster.InstallAsync(older);
            await cluster.Api.ApplyAsync(
                SweepTests.Rough(seeds: 3, iterations: 60).Replace("name: rough", $"name: {sweep.Name}") + "\n  parallelism: 2",
                sweep.Namespace, _cancel);
            var trainer = await sweep.RunningPodAsync();
            await Wait.UntilAsync(
                async () => (await sweep.LogAsync(trainer)).Contains("iteration 3:"), "it trains", Timeouts.Long, _cancel);

            await cluster.InstallAsync(manifest);

            var pods = await cluster.OperatorPodsAsync();
            ((string?)pods[^1]["spec"]!["containers"]![0]!["image"]).ShouldBe(Images.Operator);
            var status = await sweep.CompleteAsync();
            ((int)status["done"]!).ShouldBe(3);
            var trials = await sweep.TrialsAsync();
            trials.Count.ShouldBe(3);
            foreach (var trial in trials)
            {
                ((int)trial["status"]!["attempts"]!).ShouldBe(1);
                ((int?)trial["status"]!["failures"] ?? 0).ShouldBe(0);
                ((int?)trial["status"]!["disruptions"] ?? 0).ShouldBe(0);
            }

            foreach (var (trial, reported) in SweepTests.Points(await sweep.AnswerAsync("points.csv")))
                reported.ShouldBe(Enumerable.Range(0, 61), $"every point of {trial} once");
            (await cluster.KubectlAsync("explain", "hemsweep.spec.trainer.metrics")).ShouldContain("HEM_METRICS_PORT");
        }
        finally
        {
            await cluster.InstallAsync(manifest);
            await cluster.KubectlAsync("-n", sweep.Namespace, "delete", "hemsweep", "--ignore-not-found", sweep.Name);
            folder.Delete(recursive: true);
        }
    }

    /// <summary>What the commit holds, without touching this checkout or its repository.</summary>
    private static async Task CheckOutAsync(string folder)
    {
        try
        {
            await Machine.RunAsync("git", "-C", Machine.Repository, "cat-file", "-e", Older + "^{commit}");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Assert.Skip($"this clone has no history back to {Older}");
        }

        await Machine.RunAsync("sh", "-ec", $"git -C '{Machine.Repository}' archive {Older} | tar -x -C '{folder}'");
    }

    private static string Name(string image) => image.Replace($":{Images.Version}", ":older");
}
