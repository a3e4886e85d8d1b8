using Hem.TestCluster;

[assembly: AssemblyFixture(typeof(ControlPlaneFixture))]
// They wait more than they work.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]

namespace Hem.Kubernetes.Tests.Support;

/// <summary>A test against the real API server, in a namespace of its own.</summary>
public abstract class ApiServerTest(ControlPlaneFixture fixture) : IAsyncLifetime
{
    private readonly List<IDisposable> _disposables = [];

    protected ControlPlane Plane { get; } = fixture.ControlPlane;

    /// <summary>The administrator's client, with nothing in between.</summary>
    protected KubernetesClient Client { get; private set; } = null!;

    protected string Namespace { get; private set; } = "";

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Client = NewClient();
        Namespace = await Plane.CreateNamespaceAsync("kube", Cancel);
    }

    public ValueTask DisposeAsync()
    {
        foreach (var disposable in _disposables) disposable.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    protected KubernetesClient NewClient(FaultHandler? faults = null, KubernetesClientOptions? options = null) =>
        NewClient(KubernetesClientConfiguration.FromKubeconfig(Plane.Kubeconfig), faults, options);

    protected KubernetesClient NewClient(
        KubernetesClientConfiguration configuration, FaultHandler? faults = null, KubernetesClientOptions? options = null)
    {
        options ??= new();
        if (faults is not null) options = options with { WrapHandler = faults.Wrap };
        var client = new KubernetesClient(configuration, options);
        _disposables.Add(client);
        return client;
    }

    /// <summary>Selects what <see cref="NewConfigMap"/> makes: a controller puts a ConfigMap of its own into every namespace.</summary>
    protected const string Ours = "made-by=test";

    protected V1ConfigMap NewConfigMap(string name, string value = "1", params (string Name, string Value)[] labels) => new()
    {
        Metadata = new() { Name = name, Namespace = Namespace, Labels = labels.Append(("made-by", "test")).ToDictionary() },
        Data = new() { ["value"] = value },
    };

    protected Task<V1ConfigMap> CreateConfigMapAsync(string name, string value = "1", params (string Name, string Value)[] labels) =>
        Client.CreateAsync(Resources.ConfigMaps, NewConfigMap(name, value, labels), cancel: Cancel);

    protected Task<V1ConfigMap> SetValueAsync(string name, string value) => Client.MergePatchAsync(Resources.ConfigMaps, Namespace, name,
        new System.Text.Json.Nodes.JsonObject { ["data"] = new System.Text.Json.Nodes.JsonObject { ["value"] = value } }, cancel: Cancel);
}
