using System.Text.Json;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.TestCluster;

namespace Hem.OperatorBench;

/// <summary>A control plane with Hem's definitions, whose controllers may make 500 requests a second.</summary>
internal sealed class BenchCluster : IAsyncDisposable
{
    private BenchCluster(ControlPlane plane, KubernetesClient client) => (Plane, Client) = (plane, client);

    public ControlPlane Plane { get; }

    /// <summary>Limited as the controllers are.</summary>
    public KubernetesClient Client { get; }

    public static async Task<BenchCluster> StartAsync()
    {
        ControlPlane plane = await ControlPlane.StartAsync(new ControlPlaneOptions { ControllerQps = 500 });
        const string Path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        foreach (var definition in new[] { CustomResourceDefinitions.Sweeps, CustomResourceDefinitions.Trials })
            await plane.Api.PostAsync(Path, definition.DeepClone());
        foreach (string plural in new[] { HemResources.SweepPlural, HemResources.TrialPlural })
            await Wait.UntilAsync(
                async () => await plane.Api.GetAsync($"/apis/{HemResources.ApiVersion}/{plural}") is not null, $"{plural} are served");
        return new BenchCluster(plane, NewClient(plane));
    }

    public static KubernetesClient NewClient(ControlPlane plane) => new(
        KubernetesClientConfiguration.FromKubeconfig(plane.Kubeconfig),
        new KubernetesClientOptions { QueriesPerSecond = 500, Burst = 500 });

    public static HemSweepResource Sweep(string name, string ns, int seeds, int parallelism) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Namespace = ns },
        Spec = JsonSerializer.SerializeToElement(new
        {
            @base = new { algorithm = "hem", task = "flipbit-25", iterations = 4 },
            seeds = new { count = seeds },
            parallelism,
        }),
    };

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Plane.DisposeAsync();
    }
}
