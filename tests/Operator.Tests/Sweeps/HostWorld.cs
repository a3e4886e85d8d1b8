using System.Net;
using Hem.Kubernetes;
using Hem.Operator;
using Hem.Operator.Api;
using Hem.Operator.Hosting;
using Hem.Results;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>A namespace with a whole operator as its program runs it: candidacy, progress service, answers, health.</summary>
internal sealed class HostWorld : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hem-operator-").FullName;
    private readonly TestLog _log = new(TestContext.Current.TestOutputHelper);
    private readonly List<Life> _lives = [];

    private HostWorld(ControlPlane plane, string ns)
    {
        Namespace = ns;
        Client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(plane.Kubeconfig));
        Kubelet = new StandInKubelet(plane, Client, ns, () => _lives.LastOrDefault(life => life.Host.IsLeading)?.Host.Store);
        Options = new OperatorOptions
        {
            Namespace = ns,
            WatchNamespace = ns,
            Kubeconfig = plane.Kubeconfig,
            Store = _folder,
            ProgressAddress = "127.0.0.1:7443",
            ProgressListen = new IPEndPoint(IPAddress.Loopback, 0),
            AnswersListen = new IPEndPoint(IPAddress.Loopback, 0),
            HealthListen = new IPEndPoint(IPAddress.Loopback, 0),
            LeaseDuration = TimeSpan.FromSeconds(1),
            RenewDeadline = TimeSpan.FromMilliseconds(700),
            RetryPeriod = TimeSpan.FromMilliseconds(100),
            SweepStatusInterval = TimeSpan.FromMilliseconds(100),
            StatusWritesPerSecond = 1000,
            TroublePause = TimeSpan.FromMilliseconds(100),
        };
    }

    /// <summary>An operator's pod, as it were: a process that ends because it lost its lease is started again.</summary>
    public sealed class Life
    {
        public required OperatorHost Host { get; set; }

        public CancellationTokenSource Stop { get; } = new();

        public Task Running { get; set; } = Task.CompletedTask;
    }

    public string Namespace { get; }

    public KubernetesClient Client { get; }

    public StandInKubelet Kubelet { get; }

    public OperatorOptions Options { get; set; }

    public ResultStore? Store => _lives.LastOrDefault(life => life.Host.IsLeading)?.Host.Store;

    public static async Task<HostWorld> CreateAsync(ControlPlane plane)
    {
        await HemCluster.InstallDefinitionsAsync(plane);
        var world = new HostWorld(plane, await plane.CreateNamespaceAsync());
        await world.Kubelet.StartAsync();
        return world;
    }

    public Life Start(FaultHandler? faults = null, string? identity = null)
    {
        var life = new Life { Host = NewHost(faults, identity) };
        life.Running = Task.Run(async () =>
        {
            while (!await RunsToItsEndAsync(life))
            {
                await life.Host.DisposeAsync();
                life.Host = NewHost(faults, identity);
            }
        });
        _lives.Add(life);
        return life;
    }

    private static async Task<bool> RunsToItsEndAsync(Life life)
    {
        try
        {
            return await life.Host.RunAsync(life.Stop.Token);
        }
        catch (Exception e) when (e is HttpRequestException or KubernetesException && !life.Stop.IsCancellationRequested)
        {
            // It died of it, and is started again.
            return false;
        }
    }

    private OperatorHost NewHost(FaultHandler? faults, string? identity) =>
        new(Options with { Identity = identity ?? Guid.NewGuid().ToString() }, _log, wrap: faults is null ? null : faults.Wrap);

    /// <summary>Ends a life; graceful if its requests still reach the server, and else as good as a kill.</summary>
    public async Task EndAsync(Life life)
    {
        _lives.Remove(life);
        await life.Stop.CancelAsync();
        try
        {
            await life.Running;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or KubernetesException or WriteRefusedException)
        {
            // It died of it.
        }

        await life.Host.DisposeAsync();
        life.Stop.Dispose();
    }

    public Task<HemSweepResource> ApplyAsync(SweepBuilder sweep) => Client.CreateAsync(HemResources.Sweeps, sweep.Build(Namespace));

    public Task<HemSweepResource?> SweepAsync() => Client.GetAsync(HemResources.Sweeps, Namespace, "s");

    public async Task<HemTrialResource[]> TrialsAsync() => [.. (await Client.ListAsync(HemResources.Trials, Namespace)).Items];

    public async Task<V1Job[]> JobsAsync() => [.. (await Client.ListAsync(Resources.Jobs, Namespace)).Items];

    public async ValueTask DisposeAsync()
    {
        foreach (Life life in _lives.ToArray()) await EndAsync(life);
        await Kubelet.DisposeAsync();
        Client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
