using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hem.Operator;
using Hem.Operator.Api;
using Hem.Operator.Hosting;
using Hem.TestCluster;
using Microsoft.Extensions.Logging.Abstractions;

namespace Operator.Tests.Api;

/// <summary>operator/rbac.yaml: enough (all tests of the operator run under it) and no more.</summary>
public sealed partial class RbacTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task The_operator_may_not_do_what_it_has_no_business_doing()
    {
        var plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        var (own, other) = (await plane.CreateNamespaceAsync("own"), await plane.CreateNamespaceAsync("other"));
        await HemCluster.OperatorKubeconfigAsync(plane, own);

        string[] allowed =
        [
            $"watch hemsweeps.hem.dev -n {other}", $"create hemtrials.hem.dev -n {other}",
            $"patch hemsweeps.hem.dev --subresource=status -n {other}",
            $"create jobs.batch -n {other}", $"get pods --subresource=log -n {other}", $"get configmaps/hem-progress-ca -n {other}",
            $"get secrets/hem-progress-ca -n {own}", $"patch leases.coordination.k8s.io/hem-operator -n {own}", $"patch pods -n {own}",
            "create tokenreviews.authentication.k8s.io", "create subjectaccessreviews.authorization.k8s.io", $"create events -n {other}",
            $"list events -n {other}", $"get namespaces/{other}",
        ];
        string[] refused =
        [
            $"create hemsweeps.hem.dev -n {other}", $"patch hemsweeps.hem.dev -n {other}", $"patch hemtrials.hem.dev -n {other}",
            $"get secrets -n {other}", $"get secrets/hem-progress-ca -n {other}", $"list secrets -n {own}", $"get secrets/other -n {own}",
            $"get configmaps -n {other}", $"patch configmaps/other -n {own}", $"create pods -n {other}", $"patch pods -n {other}",
            $"create pods --subresource=exec -n {own}", $"update leases.coordination.k8s.io/other -n {own}",
            $"create leases.coordination.k8s.io -n {other}", $"update jobs.batch -n {other}", "get nodes", "list namespaces",
            $"delete pods -n {other}", $"delete pods -n {own}", $"get pods -n {other}", $"watch configmaps/hem-progress-ca -n {other}",
            $"update leases.coordination.k8s.io/hem-operator -n {own}", $"get events -n {other}",
            $"create serviceaccounts --subresource=token -n {own}", $"delete customresourcedefinitions.apiextensions.k8s.io",
        ];
        await ShouldBeAsync(plane, own, allowed, refused);
    }

    [Fact]
    public async Task An_operator_of_one_namespace_has_no_business_in_others()
    {
        var plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        var (own, space) = (await plane.CreateNamespaceAsync("own"), await plane.CreateNamespaceAsync("watched"));
        var other = await plane.CreateNamespaceAsync("other");
        await HemCluster.OperatorOfOneNamespaceAsync(plane, own, space);

        string[] there =
        [
            "watch hemsweeps.hem.dev", "create hemtrials.hem.dev", "create jobs.batch", "list pods", "get pods --subresource=log",
            "get configmaps/hem-progress-ca", "list events",
        ];
        await ShouldBeAsync(plane, own,
            [.. there.Select(question => $"{question} -n {space}"), "create tokenreviews.authentication.k8s.io"],
            [.. there.Select(question => $"{question} -n {other}"), $"get hemsweeps.hem.dev -n {own}", $"get secrets -n {space}"]);
    }

    private static async Task ShouldBeAsync(ControlPlane plane, string own, string[] allowed, string[] refused)
    {
        foreach (var (question, answer) in allowed.Select(one => (one, true)).Concat(refused.Select(one => (one, false))))
            (await MayAsync(plane, own, question)).ShouldBe(answer, question);
    }

    /// <param name="question">As for `kubectl auth can-i`: VERB RESOURCE[.GROUP][/NAME] [--subresource=OF-IT] [-n NAMESPACE].</param>
    private static async Task<bool> MayAsync(ControlPlane plane, string own, string question)
    {
        var asked = CanI().Match(question);
        asked.Success.ShouldBeTrue(question);
        var review = new JsonObject
        {
            ["apiVersion"] = "authorization.k8s.io/v1",
            ["kind"] = "SubjectAccessReview",
            ["spec"] = new JsonObject
            {
                ["user"] = $"system:serviceaccount:{own}:hem-operator",
                ["groups"] = new JsonArray("system:serviceaccounts", $"system:serviceaccounts:{own}", "system:authenticated"),
                ["resourceAttributes"] = new JsonObject([.. asked.Groups.Values.Where(part => part is { Success: true, Name: not "0" })
                    .Select(part => KeyValuePair.Create(part.Name, (JsonNode?)part.Value))]),
            },
        };
        var said = await plane.Api.PostAsync("/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
        said["status"]!["evaluationError"].ShouldBeNull();
        return (bool)said["status"]!["allowed"]!;
    }

    [GeneratedRegex(@"^(?<verb>\w+) (?<resource>\w+)(\.(?<group>[\w.]+))?(/(?<name>\S+))?( --subresource=(?<subresource>\w+))?"
        + @"( -n (?<namespace>\S+))?$")]
    private static partial Regex CanI();

    /// <summary>The whole operator, up to its Jobs; from there on, the tests of sweeps see how it goes, with the same rights.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task Nothing_that_the_operator_asks_for_is_forbidden(bool ofOneNamespace)
    {
        var plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        var (own, space) = (await plane.CreateNamespaceAsync("own"), await plane.CreateNamespaceAsync("sweeps"));
        await plane.Api.PostAsync($"/api/v1/namespaces/{own}/pods", JsonNode.Parse("""
            {"metadata": {"name": "hem-operator-0"}, "spec": {"containers": [{"name": "operator", "image": "none"}]}}
            """)!);
        var store = Directory.CreateTempSubdirectory("hem-rbac-");
        var loopback = new IPEndPoint(IPAddress.Loopback, 0);
        var options = new OperatorOptions
        {
            Namespace = own,
            WatchNamespace = space,
            PodName = "hem-operator-0",
            Store = store.FullName,
            Kubeconfig = ofOneNamespace
                ? await HemCluster.OperatorOfOneNamespaceAsync(plane, own, space)
                : await HemCluster.OperatorKubeconfigAsync(plane, own),
            ProgressListen = loopback,
            AnswersListen = loopback,
            HealthListen = loopback,
        };
        var answers = new Answers();
        using var stop = new CancellationTokenSource();
        await using (var host = new OperatorHost(options, NullLoggerFactory.Instance, wrap: answers.Around))
        {
            var running = host.RunAsync(stop.Token);
            var sweeps = $"/apis/{HemResources.ApiVersion}/namespaces/{space}/{HemResources.SweepPlural}";
            await plane.Api.PostAsync(sweeps, SweepNamed("good", """{"count": 2}"""));
            await plane.Api.PostAsync(sweeps, SweepNamed("bad", """{"values": [1, 2]}""", "her"));
            await Wait.UntilAsync(async () => (await JobsAsync()).Length == 2, "both trials have a Job");
            await Wait.UntilAsync(
                async () => await plane.Api.GetAsync($"/api/v1/namespaces/{space}/configmaps/hem-progress-ca") is not null,
                "the CA is published");
            await Wait.UntilAsync(
                async () => (string?)(await plane.Api.GetAsync($"/api/v1/namespaces/{own}/pods/hem-operator-0"))!
                    ["metadata"]!["labels"]?["hem.dev/leader"] == "true",
                "the leader's pod has its label");
            await Wait.UntilAsync(
                async () => (string?)(await plane.Api.GetAsync($"{sweeps}/bad"))!["status"]?["state"] == "Invalid",
                "what is wrong is said");
            await plane.Api.MergePatchAsync($"{sweeps}/good", JsonNode.Parse("""{"spec": {"suspend": true}}""")!);
            await Wait.UntilAsync(async () => (await JobsAsync()).Length == 0, "the Jobs are gone");
            await Wait.UntilAsync(async () => (await ListAsync($"/api/v1/namespaces/{space}/events")).Length > 0, "there are events");
            await stop.CancelAsync();
            await running;
            (await plane.Api.GetAsync($"/api/v1/namespaces/{own}/pods/hem-operator-0"))!["metadata"]!["labels"]?["hem.dev/leader"]
                .ShouldBeNull("it takes its label off");
        }
        store.Delete(recursive: true);
        answers.Forbidden.ShouldBeEmpty();

        Task<JsonNode?[]> JobsAsync() => ListAsync($"/apis/batch/v1/namespaces/{space}/jobs");
        async Task<JsonNode?[]> ListAsync(string path) => [.. (await plane.Api.GetAsync(path))!["items"]!.AsArray()];
    }

    private static JsonObject SweepNamed(string name, string seeds, string algorithm = "hem") => new()
    {
        ["apiVersion"] = HemResources.ApiVersion,
        ["kind"] = HemResources.SweepKind,
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            // her has no policySigma: a fault that only the operator sees.
            ["base"] = new JsonObject { ["algorithm"] = algorithm, ["task"] = algorithm == "hem" ? "flipbit-5" : "fetch-push" },
            ["grid"] = algorithm == "hem" ? null : new JsonObject { ["policySigma"] = new JsonArray(1) },
            ["seeds"] = JsonNode.Parse(seeds),
        },
    };

    /// <summary>Notes what the API server forbids.</summary>
    private sealed class Answers
    {
        private readonly ConcurrentQueue<string> _forbidden = new();

        public IReadOnlyCollection<string> Forbidden => _forbidden;

        public HttpMessageHandler Around(HttpMessageHandler inner) => new Handler(_forbidden) { InnerHandler = inner };

        private sealed class Handler(ConcurrentQueue<string> forbidden) : DelegatingHandler
        {
            protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
            {
                var answer = await base.SendAsync(request, cancel);
                if (answer.StatusCode == HttpStatusCode.Forbidden) forbidden.Enqueue($"{request.Method} {request.RequestUri}");
                return answer;
            }
        }
    }

    [Theory]
    [InlineData("view", "list hemsweeps.hem.dev", "create hemsweeps.hem.dev")]
    [InlineData("edit", "create hemsweeps.hem.dev", "delete hemtrials.hem.dev")]
    [InlineData("admin", "delete hemsweeps.hem.dev", "patch hemtrials.hem.dev --subresource=status")]
    public async Task People_may_do_with_sweeps_what_they_may_do_in_the_namespace(string role, string allowed, string refused)
    {
        var plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        var space = await plane.CreateNamespaceAsync("people");
        await HemCluster.OperatorKubeconfigAsync(plane, space);
        var kubectl = new Kubectl(plane);
        await kubectl.RunAsync("create", "rolebinding", "them", "-n", space, $"--clusterrole={role}", "--user=somebody");
        // Roles are aggregated by a controller, in its own time.
        await Wait.UntilAsync(async () => await CanAsync(allowed), $"{role} may {allowed}");
        (await CanAsync(refused)).ShouldBeFalse();

        async Task<bool> CanAsync(string question)
        {
            var said = await kubectl.TryAsync(null, ["auth", "can-i", .. question.Split(' '), "-n", space, "--as", "somebody"]);
            return said.Output.StartsWith("yes", StringComparison.Ordinal);
        }
    }
}
