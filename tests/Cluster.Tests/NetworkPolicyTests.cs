using System.Text.Json.Nodes;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>
/// What the chart's NetworkPolicy lets in, label by label and port by port, of pods that really run. The test cluster has no program that
/// enforces policies, so nothing is seen to be blocked.
/// </summary>
public sealed class NetworkPolicyTests(ClusterFixture cluster)
{
    private const string Own = ClusterFixture.OperatorNamespace;
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_selects_the_operator_alone_and_lets_trainers_report_and_nobody_else()
    {
        var rendered = await Machine.RunAsync(
            ClusterFixture.InRepository("make/chart"), "template", ClusterFixture.InRepository("charts/hem"), "--namespace", Own,
            "--kube-version", "1.20.2", "--set", "networkPolicy.enabled=true");
        var sweep = new SweepOnCluster(cluster, await cluster.CreateNamespaceAsync(), "walled", _cancel);
        await cluster.Api.ApplyAsync(rendered.Split("---\n").Single(text => text.Contains("kind: NetworkPolicy")), cancel: _cancel);
        await cluster.Api.ApplyAsync(
            SweepTests.Rough(seeds: 1, SweepTests.ForLong).Replace("name: rough", $"name: {sweep.Name}"), sweep.Namespace, _cancel);
        await cluster.ApplyPodAsync(sweep.Namespace, "stranger", "sleep 600", "{}", _cancel);
        var path = $"/apis/networking.k8s.io/v1/namespaces/{Own}/networkpolicies/hem-operator";
        try
        {
            var trainer = await PodAsync(sweep.Namespace, await sweep.RunningPodAsync());
            var stranger = await PodAsync(sweep.Namespace, "stranger");
            var hem = (await cluster.OperatorPodsAsync())[^1];
            var policy = (await cluster.Api.GetAsync(path, _cancel))!["spec"]!;

            Selects(policy["podSelector"]!, hem).ShouldBeTrue();
            Selects(policy["podSelector"]!, trainer).ShouldBeFalse();
            var space = (await cluster.Api.GetAsync($"/api/v1/namespaces/{sweep.Namespace}", _cancel))!;
            Ports(policy, hem, trainer, space).ShouldBe([7443, 8080, 8443], "reports, answers, health and metrics");
            Ports(policy, hem, stranger, space).ShouldBe([8080, 8443], "no reports");
            // Whom no rule names may not come in at all: the policy is of what comes in, and says nothing of what goes out.
            policy["policyTypes"]!.AsArray().Select(type => (string?)type).ShouldBe(["Ingress"]);
        }
        finally
        {
            await cluster.Api.DeleteAsync(path, cancel: _cancel);
            await cluster.KubectlAsync("-n", sweep.Namespace, "delete", "hemsweep", sweep.Name);
        }
    }

    private async Task<JsonNode> PodAsync(string space, string name) =>
        (await cluster.Api.GetAsync($"/api/v1/namespaces/{space}/pods/{name}", _cancel))!;

    /// <summary>The ports of a pod that the policy lets another pod reach, ascending.</summary>
    private static IEnumerable<int> Ports(JsonNode policy, JsonNode to, JsonNode from, JsonNode space)
    {
        var named = to["spec"]!["containers"]!.AsArray().SelectMany(container => container!["ports"]!.AsArray())
            .ToDictionary(port => (string)port!["name"]!, port => (int)port!["containerPort"]!);
        return policy["ingress"]!.AsArray().Where(rule => rule!["from"] is not JsonArray { Count: > 0 } peers || peers.Any(Lets))
            .SelectMany(rule => rule!["ports"]!.AsArray()).Select(port => named[(string)port!["port"]!]).Order();

        bool Lets(JsonNode? peer) =>
            (peer!["podSelector"] is not { } pods || Selects(pods, from))
            && (peer["namespaceSelector"] is not { } spaces || Selects(spaces, space));
    }

    private static bool Selects(JsonNode selector, JsonNode of)
    {
        var labels = of["metadata"]!["labels"]?.AsObject() ?? [];
        return (selector["matchLabels"]?.AsObject() ?? []).All(one => (string?)labels[one.Key] == (string?)one.Value)
            && (selector["matchExpressions"]?.AsArray() ?? []).All(one => (string?)one!["operator"] switch
            {
                "Exists" => labels.ContainsKey((string)one["key"]!),
                var other => throw new NotSupportedException(other),
            });
    }
}
