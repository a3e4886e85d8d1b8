using System.Globalization;
using System.Text.Json.Nodes;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>The operator as a pod, real trainers in real pods, and what happens to them.</summary>
public sealed class SweepTests(ClusterFixture cluster)
{
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pods_killed_the_operator_killed_and_the_sweep_edited_lose_and_repeat_nothing()
    {
        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "rough", _cancel);
        await cluster.Api.ApplyAsync(Rough(seeds: 2), sweep.Namespace, _cancel);

        var pod = await sweep.RunningPodAsync();
        await Wait.UntilAsync(
            async () => (await sweep.LogAsync(pod)).Length > 0, "the trainer's log is readable", Timeouts.Normal, _cancel);
        await cluster.KubectlAsync("-n", sweep.Namespace, "delete", "pod", pod, "--grace-period=0", "--force");

        await sweep.RunningPodAsync(except: pod);
        var leader = (string)(await cluster.OperatorPodsAsync())[^1]["metadata"]!["name"]!;
        await cluster.KubectlAsync("-n", ClusterFixture.OperatorNamespace, "delete", "pod", leader, "--grace-period=0", "--force");
        await cluster.Api.ApplyAsync(Rough(seeds: 3), sweep.Namespace, _cancel);

        var status = await sweep.CompleteAsync();

        ((int)status["trials"]!).ShouldBe(3);
        ((int)status["done"]!).ShouldBe(3);
        var trials = await sweep.TrialsAsync();
        trials.Count.ShouldBe(3);
        trials.Sum(trial => (int?)trial["status"]!["failures"] ?? 0).ShouldBe(0);
        // At most: where the Job put another pod in its place before the operator looked (servers before 1.28), it may go uncounted.
        trials.Sum(trial => (int?)trial["status"]!["disruptions"] ?? 0).ShouldBeLessThanOrEqualTo(1);
        foreach (var (trial, iterations) in Points(await sweep.AnswerAsync("points.csv")))
            iterations.ShouldBe(Enumerable.Range(0, 61), $"every point of {trial} once");
        (await cluster.KubectlAsync("-n", sweep.Namespace, "get", "events", "--field-selector", "involvedObject.kind=HemSweep"))
            .ShouldContain("Complete");
    }

    [Fact]
    public async Task A_suspended_sweep_saves_first_and_goes_on_from_there_in_other_pods()
    {
        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "paused", _cancel);
        // Nothing but being asked to leave makes it save.
        var yaml = Rough(seeds: 1, ForLong).Replace("name: rough", "name: paused").Replace("every: 1s", "every: 1h");
        await cluster.Api.ApplyAsync(yaml, sweep.Namespace, _cancel);
        var first = await sweep.RunningPodAsync();
        await Wait.UntilAsync(async () => (await sweep.LogAsync(first)).Contains("iteration 3:"), "it trains", Timeouts.Long, _cancel);

        await cluster.KubectlAsync(
            "-n", sweep.Namespace, "patch", "hemsweep", "paused", "--type=merge", "-p", """{"spec": {"suspend": true}}""");
        await sweep.StatusAsync(status => (string?)status["state"] == "Suspended", "suspended");
        await cluster.KubectlAsync(
            "-n", sweep.Namespace, "patch", "hemsweep", "paused", "--type=merge", "-p", """{"spec": {"suspend": false}}""");
        var second = await sweep.RunningPodAsync(except: first);

        var log = await Wait.ForAsync(
            async () => await sweep.LogAsync(second) is var text && text.Contains("iteration") ? text : null,
            "it goes on", Timeouts.Long, _cancel);
        log.ShouldContain("resumed");
        var trial = (await sweep.TrialsAsync()).ShouldHaveSingleItem();
        ((int?)trial["status"]!["failures"] ?? 0).ShouldBe(0);
        ((int?)trial["status"]!["disruptions"] ?? 0).ShouldBe(0);
        await cluster.KubectlAsync("-n", sweep.Namespace, "delete", "hemsweep", "paused");
    }

    [Fact]
    public async Task Of_a_sweep_on_GPUs_as_many_trials_run_as_the_node_has_and_the_others_say_what_they_wait_for()
    {
        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "gpus", _cancel);
        // The node's two GPUs are made up: what runs on them only holds them.
        await cluster.Api.ApplyAsync($$"""
            apiVersion: hem.dev/v1alpha1
            kind: HemSweep
            metadata: {name: gpus}
            spec:
              base: {algorithm: hem, task: flipbit-15, iterations: 1}
              seeds: {count: 4}
              trainer:
                gpus: 1
                image: {{Images.Trainer}}
                command: [sh, -c, "trap 'exit 143' TERM; sleep 600 & wait"]
                resources: {requests: {cpu: 100m} }
            """, sweep.Namespace, _cancel);

        // Bound is not yet running: the pods that got a GPU take their time to start.
        await Wait.UntilAsync(
            async () => (await sweep.PodsAsync("Running")).Count == 2, "as many run as there are GPUs", Timeouts.Long, _cancel);
        var status = await sweep.StatusAsync(
            status => status["conditions"]!.AsArray().Any(
                one => (string?)one!["type"] == "Progressing"
                    && ((string?)one["message"] ?? "").Contains("2 unschedulable: 0/1 nodes have nvidia.com/gpu"))
                && (int)status["running"]! == 4,
            "two wait for GPUs, and say so");
        (await sweep.PodsAsync("Running")).Count.ShouldBe(2);
        (await sweep.PodsAsync("Pending")).Count.ShouldBe(2);
        await cluster.KubectlAsync(
            "-n", sweep.Namespace, "patch", "hemsweep", "gpus", "--type=merge", "-p", """{"spec": {"suspend": true}}""");
        status = await sweep.StatusAsync(status => (string?)status["state"] == "Suspended", "suspended");
        // Two that held one each, for as long as the sweep was active; those that waited cost nothing.
        var hours = (double)status["usage"]!["gpuHours"]!;
        hours.ShouldBeGreaterThan(0);
        hours.ShouldBeLessThanOrEqualTo((2 * (long)status["usage"]!["wallClockSeconds"]! + 2) / 3600.0);
        await cluster.KubectlAsync("-n", sweep.Namespace, "delete", "hemsweep", "gpus");
    }

    /// <summary>Iterations of a trial that does not end before its test, however fast the machine is.</summary>
    internal const int ForLong = 100_000;

    /// <summary>Its trials ask for little enough to run at once.</summary>
    internal static string Rough(int seeds, int iterations = 60) => $$"""
        apiVersion: hem.dev/v1alpha1
        kind: HemSweep
        metadata: {name: rough}
        spec:
          base: {algorithm: hem, task: flipbit-15, iterations: {{iterations}}, workers: 1, "N": 20, stopOnSuccess: false}
          seeds: {count: {{seeds}}}
          trainer:
            checkpoints: {every: 1s}
            resources: {requests: {cpu: 100m} }
        """;

    /// <summary>The iterations of each trial, as points.csv has them.</summary>
    internal static Dictionary<string, List<int>> Points(string csv)
    {
        var lines = csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith('#')).ToList();
        var header = lines[0].Split(',').ToList();
        var (trial, iteration) = (header.IndexOf("trial"), header.IndexOf("iteration"));
        return lines.Skip(1).Select(line => line.Split(',')).GroupBy(cells => cells[trial])
            .ToDictionary(g => g.Key, g => g.Select(cells => int.Parse(cells[iteration], CultureInfo.InvariantCulture)).ToList());
    }
}
