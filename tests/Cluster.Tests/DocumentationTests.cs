using System.Text.Json.Nodes;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>What the documentation tells people to do on a cluster, done: see make/pages.</summary>
public sealed class DocumentationTests(ClusterFixture cluster)
{
    private const string Install = "docs/install.md", FirstSweep = "docs/first-sweep.md", Operations = "docs/operations.md";
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task By_documented_commands_alone_a_cluster_without_Hem_runs_a_sweep_shows_it_raises_alerts_and_is_without_Hem_again()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/prometheus"), "needs Debian's prometheus");
        var manifest = ClusterFixture.InRepository(ClusterFixture.Manifest);
        await cluster.KubectlAsync("delete", "--ignore-not-found", "-f", manifest);
        await IsGoneAsync();
        try
        {
            await RunAsync(Install);
            await using var prometheus = await Prometheus.StartAsync(cluster.Api, _cancel);
            await RunAsync(FirstSweep);
            await RanAsync();
            await ShownAsync(prometheus);
            await RaisesAlertsAsync(prometheus);

            // What removes Hem comes last.
            var pages = await Pages.RunAsync(cluster, "list", "cluster");
            await RunAsync([.. pages.Split('\n', StringSplitOptions.RemoveEmptyEntries).Except([Install, FirstSweep, Operations])]);
            await RunAsync(Operations);
            await IsGoneAsync();
        }
        finally
        {
            await cluster.InstallAsync(manifest);
        }
    }

    /// <summary>The sweep of docs/first-sweep.md is complete, and has its answer.</summary>
    private async Task RanAsync()
    {
        var sweep = new SweepOnCluster(cluster, "default", "quickstart", _cancel);
        var status = await sweep.CompleteAsync();
        ((int)status["trials"]!).ShouldBe(9);
        ((int)status["done"]!).ShouldBe(9);
        ((int?)status["failed"] ?? 0).ShouldBe(0);
        foreach (var trial in await sweep.TrialsAsync())
        {
            ((string?)trial["status"]!["phase"]).ShouldBe("Succeeded");
            ((int)trial["status"]!["attempts"]!).ShouldBe(1);
        }
        var best = (string)status["best"]!["configuration"]!;
        (await cluster.KubectlAsync("get", "hemsweeps")).ShouldContain(best);
        (await sweep.AnswerAsync("ranking.json")).ShouldContain(best);
        SweepTests.Points(await sweep.AnswerAsync("points.csv")).Keys.Count.ShouldBe(9);
        (await sweep.AnswerAsync("report.html")).ShouldContain("<svg");
    }

    /// <summary>Whatever a panel of a dashboard asks about that sweep had an answer.</summary>
    private async Task ShownAsync(Prometheus prometheus)
    {
        // One whose pod was there for more than one scrape: several seconds pass before Prometheus notices a new one.
        string? trial = null;
        foreach (var name in await prometheus.LabelsAsync("hem_trainer_loss", "trial", _cancel))
            if (await prometheus.HadDataAsync($"rate(hem_trainer_iterations_total{{trial=\"{name}\"}}[5m]) > 0", _cancel)) trial ??= name;
        trial.ShouldNotBeNull();
        var panels = Panels(trial).Distinct().ToList();
        panels.Count.ShouldBeGreaterThan(40);
        var empty = new List<string>();
        foreach (var (panel, query) in panels)
            if (!await prometheus.HadDataAsync(query, _cancel)) empty.Add(panel);
        empty.ShouldBeEmpty();
    }

    /// <summary>Each query of each panel, with its variables filled in.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Panels(string trial)
    {
        foreach (var file in Directory.GetFiles(ClusterFixture.InRepository("charts/hem/dashboards"), "*.json"))
        {
            var dashboard = JsonNode.Parse(File.ReadAllText(file))!;
            foreach (var panel in dashboard["panels"]!.AsArray().Where(panel => panel!["targets"] is not null))
            {
                foreach (var target in panel!["targets"]!.AsArray())
                {
                    var query = ((string)target!["expr"]!).Replace("$namespace", "default").Replace("$sweep", "quickstart")
                        .Replace("$trial", trial).Replace("$instance", ".*");
                    yield return new($"{dashboard["title"]}: {panel["title"]}: {query}", query);
                }
            }
        }
    }

    private async Task RaisesAlertsAsync(Prometheus prometheus)
    {
        await cluster.Api.ApplyAsync("""
            apiVersion: hem.dev/v1alpha1
            kind: HemSweep
            metadata: {name: stuck}
            spec:
              base: {algorithm: hem, task: flipbit-5, iterations: 1}
              seeds: {count: 1}
              trainer: {resources: {requests: {cpu: 1000} } }
            """, cancel: _cancel);
        await prometheus.UntilAsync(
            "ALERTS{alertname='HemSweepNotProgressing', sweep='stuck', namespace='default', alertstate='firing'}",
            "there is an alert for a sweep that no node has room for", _cancel);
        await cluster.KubectlAsync("delete", "hemsweep", "stuck");

        string[] scale = ["-n", ClusterFixture.OperatorNamespace, "scale", "deployment/hem-operator"];
        await cluster.KubectlAsync([.. scale, "--replicas=0"]);
        await prometheus.UntilAsync(
            "ALERTS{alertname='HemOperatorDown', alertstate='firing'}", "there is an alert for an operator that is gone", _cancel);
        await Wait.UntilAsync(
            async () => (await cluster.OperatorPodsAsync()).Count == 0, "the operator's pod is gone", Timeouts.Normal, _cancel);
        await cluster.KubectlAsync([.. scale, "--replicas=1"]);
        await prometheus.UntilAsync(
            "absent(ALERTS{alertname='HemOperatorDown'}) and on () (leader_election_master_status == 1)", "it is over", _cancel);
        await new SweepOnCluster(cluster, "default", "quickstart", _cancel).AnswerAsync("ranking.txt");
    }

    private async Task IsGoneAsync()
    {
        (await cluster.Api.GetAsync("/apis/hem.dev/v1alpha1/hemsweeps")).ShouldBeNull();
        (await cluster.Api.GetAsync($"/api/v1/namespaces/{ClusterFixture.OperatorNamespace}")).ShouldBeNull();
        (await cluster.Api.GetAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles/hem-operator")).ShouldBeNull();
    }

    private Task RunAsync(params string[] pages) => Pages.RunAsync(cluster, ["run", "cluster", .. pages]);
}
