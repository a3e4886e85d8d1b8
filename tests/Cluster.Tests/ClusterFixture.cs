using System.Text.Json.Nodes;
using Hem.TestCluster;

[assembly: AssemblyFixture(typeof(Cluster.Tests.ClusterFixture))]
// One after the other, but for those that need nothing of the one cluster.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]

namespace Cluster.Tests;

/// <summary>One cluster with a real node for all tests here, and Hem's operator in it as a pod: what `make demo` makes.</summary>
public sealed class ClusterFixture : ControlPlaneFixture
{
    public const string OperatorNamespace = "hem-system";

    /// <summary>What installs Hem without helm.</summary>
    public const string Manifest = "deploy/hem.yaml";

    private Node? _node;

    public Node Node => ControlPlane is null ? null! : _node!;

    public ClusterApi Api => ControlPlane.Api;

    protected override ControlPlaneOptions Options => new() { Scheduler = true, ForNode = true };

    public Task<string> CreateNamespaceAsync() => ControlPlane.CreateNamespaceAsync();

    /// <summary>Runs a shell command in a pod of the trainer's image, restricted as trainers are, and returns what it wrote.</summary>
    public async Task<string> RunPodAsync(string space, string name, string command, CancellationToken cancel)
    {
        await ApplyPodAsync(space, name, command, "{}", cancel);
        await Wait.UntilAsync(
            async () => await PhaseAsync(space, name) is "Succeeded" or "Failed", $"pod {name} ends", Timeouts.Long, cancel);
        var log = await Api.GetTextAsync($"/api/v1/namespaces/{space}/pods/{name}/log", cancel);
        (await PhaseAsync(space, name)).ShouldBe("Succeeded", log);
        return log;
    }

    public Task ApplyPodAsync(string space, string name, string command, string resources, CancellationToken cancel) => Api.ApplyAsync($$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{name}} }
        spec:
          restartPolicy: Never
          automountServiceAccountToken: false
          terminationGracePeriodSeconds: 1
          securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault} }
          containers:
          - name: shell
            image: {{Images.Trainer}}
            command: [sh, -c, {{JsonValue.Create(command).ToJsonString()}}]
            resources: {{resources}}
            securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]} }
        """, space, cancel);

    public async Task<string?> PhaseAsync(string space, string name) =>
        (string?)(await Api.GetAsync($"/api/v1/namespaces/{space}/pods/{name}"))?["status"]?["phase"];

    public Task<string> KubectlAsync(params IEnumerable<string> arguments) => KubectlAsync(ControlPlane, arguments);

    /// <summary>The operator's pods that are there, the newest last.</summary>
    public async Task<IReadOnlyList<JsonNode>> OperatorPodsAsync() =>
        [.. (await Api.GetAsync($"/api/v1/namespaces/{OperatorNamespace}/pods"))!["items"]!.AsArray()
            .OrderBy(pod => (string)pod!["metadata"]!["creationTimestamp"]!).Select(pod => pod!)];

    /// <summary>
    /// Evicts a pod of the operator's, as `kubectl drain` does: asks again as long as a disruption budget refuses, and waits until it is
    /// gone.
    /// </summary>
    public async Task EvictAsync(string pod, CancellationToken cancel)
    {
        var path = $"/api/v1/namespaces/{OperatorNamespace}/pods/{pod}";
        var uid = (string)(await Api.GetAsync(path, cancel))!["metadata"]!["uid"]!;
        await Wait.UntilAsync(async () =>
        {
            await Api.PostAsync($"{path}/eviction", new JsonObject
            {
                ["apiVersion"] = "policy/v1beta1",
                ["kind"] = "Eviction",
                ["metadata"] = new JsonObject { ["name"] = pod, ["namespace"] = OperatorNamespace },
            }, cancel);
            return true;
        }, $"the eviction of {pod} is allowed", Timeouts.Normal, cancel);
        await Wait.UntilAsync(
            async () => (string?)(await Api.GetAsync(path, cancel))?["metadata"]!["uid"] != uid, $"{pod} is evicted",
            Timeouts.Normal, cancel);
    }

    protected override async Task StartedAsync(ControlPlane plane)
    {
        var images = await Images.BuildAsync();
        _node = await Node.StartAsync(plane, new NodeOptions { Gpus = 2 });
        foreach (var image in images) await _node.ImportImageAsync(image);
        await InstallAsync(plane, InRepository(Manifest));
    }

    /// <summary>Installs or upgrades Hem as docs/install.md says, without helm.</summary>
    public Task InstallAsync(string manifest) => InstallAsync(ControlPlane, manifest);

    private static async Task InstallAsync(ControlPlane plane, string manifest)
    {
        await KubectlAsync(plane, "apply", "--validate=false", "-f", manifest);
        await KubectlAsync(plane, "wait", "--for=condition=Established", "--timeout=60s", "crd/hemsweeps.hem.dev", "crd/hemtrials.hem.dev");
        await KubectlAsync(plane, "-n", OperatorNamespace, "rollout", "status", "deployment/hem-operator", "--timeout=180s");
    }

    public static string InRepository(string path) => Path.Combine(Machine.Repository, path);

    private static Task<string> KubectlAsync(ControlPlane plane, params IEnumerable<string> arguments) =>
        Machine.RunAsync("kubectl", ["--kubeconfig", plane.Kubeconfig, .. arguments]);

    protected override async Task EndingAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
    }
}
