using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>A sweep of the cluster, as its API and the operator show it.</summary>
internal sealed partial class SweepOnCluster(ClusterFixture cluster, string space, string name, CancellationToken cancel)
{
    private static readonly TimeSpan ToTheEnd = 2 * Timeouts.Long;

    public string Namespace => space;

    public string Name => name;

    private string Resources => $"/apis/hem.dev/v1alpha1/namespaces/{space}";

    /// <returns>The status at the end.</returns>
    public Task<JsonNode> CompleteAsync() => StatusAsync(
        status => status["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "Complete" && (string?)c["status"] == "True") == true,
        "complete");

    /// <returns>The first status that is as it should be.</returns>
    public async Task<JsonNode> StatusAsync(Func<JsonNode, bool> condition, string what)
    {
        JsonNode? status = null;
        try
        {
            await Wait.UntilAsync(async () =>
            {
                status = (await cluster.Api.GetAsync($"{Resources}/hemsweeps/{name}", cancel))!["status"];
                return status is not null && condition(status);
            }, $"the sweep {name}: {what}", ToTheEnd, cancel);
        }
        catch (TimeoutException e)
        {
            var there = await cluster.KubectlAsync("-n", space, "get", "hemtrials,jobs,pods,events");
            var log = await cluster.KubectlAsync("-n", ClusterFixture.OperatorNamespace, "logs", "deployment/hem-operator", "--tail=50");
            throw new TimeoutException($"{e.Message}\nstatus: {status?.ToJsonString()}\n{there}\n{log}");
        }
        return status!;
    }

    /// <summary>The names of its pods in this phase.</summary>
    public async Task<IReadOnlyList<string>> PodsAsync(string phase) =>
        [.. (await cluster.Api.GetAsync(
                $"/api/v1/namespaces/{space}/pods?labelSelector=hem.dev/sweep={name}&fieldSelector=status.phase={phase}", cancel))!
            ["items"]!.AsArray().Select(pod => (string)pod!["metadata"]!["name"]!)];

    public async Task<IReadOnlyList<JsonNode>> TrialsAsync() =>
        [.. (await cluster.Api.GetAsync($"{Resources}/hemtrials", cancel))!["items"]!.AsArray().Select(trial => trial!)];

    /// <summary>Waits for a trainer that runs.</summary>
    public Task<string> RunningPodAsync(string? except = null)
    {
        var running = $"/api/v1/namespaces/{space}/pods?labelSelector=hem.dev/sweep={name}&fieldSelector=status.phase=Running";
        return Wait.ForAsync(
            async () => (await cluster.Api.GetAsync(running, cancel))!["items"]!.AsArray()
                .Where(pod => pod!["metadata"]!["deletionTimestamp"] is null)
                .Select(pod => (string)pod!["metadata"]!["name"]!).FirstOrDefault(pod => pod != except),
            $"a pod of {name} runs", Timeouts.Long, cancel);
    }

    public Task<string> LogAsync(string pod) => cluster.Api.GetTextAsync($"/api/v1/namespaces/{space}/pods/{pod}/log", cancel);

    /// <summary>Waits until the operator has points of as many trials that are further than the trainer of this pod is now.</summary>
    public async Task HeardAsync(string trainer, int trials)
    {
        var lines = Iteration().Matches(await LogAsync(trainer));
        var said = lines.Max(line => int.Parse(line.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
        await Wait.UntilAsync(
            async () => (await PointsAsync()).Values.Count(reported => reported.Max() >= said) >= trials,
            "the operator hears the trainers", Timeouts.Long, cancel);
    }

    /// <summary>Each of its trials is at its first attempt, or was complete with it, and has every point of its curve once.</summary>
    public async Task HasLostNothingAsync(int trials)
    {
        var all = await TrialsAsync();
        all.Count.ShouldBe(trials);
        foreach (var trial in all)
        {
            ((int)trial["status"]!["attempts"]!).ShouldBe(1);
            ((int?)trial["status"]!["failures"] ?? 0).ShouldBe(0);
            ((int?)trial["status"]!["disruptions"] ?? 0).ShouldBe(0);
        }
        var curves = await PointsAsync();
        curves.Count.ShouldBe(trials);
        foreach (var (trial, reported) in curves)
            reported.ShouldBe(Enumerable.Range(0, reported.Count), $"every point of {trial} once");
    }

    /// <summary>The iterations of each trial, in the order in which the operator tells them.</summary>
    public async Task<Dictionary<string, List<int>>> PointsAsync() => SweepTests.Points(await AnswerAsync("points.csv"));

    public Task DeleteAsync() => cluster.KubectlAsync("-n", space, "delete", "hemsweep", "--ignore-not-found", name);

    /// <summary>
    /// A file of the operator's answers, as `hem report -n` reads it: through the API server, with a token that may get the sweep.
    /// </summary>
    public async Task<string> AnswerAsync(string file)
    {
        var token = await cluster.ControlPlane.CreateServiceAccountTokenAsync(space, "asks", cancel: cancel);
        await cluster.KubectlAsync(
            "-n", space, "create", "rolebinding", $"asks-{Guid.NewGuid():N}", "--clusterrole=view", $"--serviceaccount={space}:asks");
        var service = $"/api/v1/namespaces/{ClusterFixture.OperatorNamespace}/services/https:hem:web/proxy";
        var headers = new Dictionary<string, string> { ["Hem-Authorization"] = $"Bearer {token}" };
        return await Wait.ForAsync<string>(
            async () => await cluster.Api.GetTextAsync($"{service}/v1/namespaces/{space}/sweeps/{name}/{file}", headers, cancel),
            $"the operator answers with {file}", Timeouts.Normal, cancel);
    }

    [GeneratedRegex(@"iteration (\d+): ")]
    private static partial Regex Iteration();
}
