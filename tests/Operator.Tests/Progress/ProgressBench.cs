using System.Net;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Metrics;
using Hem.Operator.Progress;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using Microsoft.Extensions.Logging.Abstractions;

namespace Operator.Tests.Progress;

/// <summary>
/// The operator's progress service on a real API server: pods with real tokens, a real store, TLS. Which pods run which attempts is what
/// the test says.
/// </summary>
internal sealed class ProgressBench : IAsyncDisposable
{
    public const string SweepUid = "sweep-uid";

    private readonly ControlPlane _plane;
    private readonly List<ProgressClient> _clients = [];
    private readonly PodTokenAuthority _authority;
    private ProgressHost? _host;

    private ProgressBench(
        ControlPlane plane, string space, string folder, TimeProvider time, long checkpointCap, CertificateOptions? certificates)
    {
        (_plane, Namespace, Folder, Time) = (plane, space, folder, time);
        Store = ResultStore.Open(Path.Combine(folder, "store"));
        Client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(plane.Kubeconfig));
        Checkpoints = new FileCheckpointStore(Path.Combine(folder, "checkpoints"), limitInAll: checkpointCap);
        Certificates = new CertificateAuthority(Client, space, certificates ?? CertificateOptions.For(space, "127.0.0.1:0"),
            NullLogger<CertificateAuthority>.Instance, time: time);
        Metrics = new OperatorMetrics();
        Counts = new MetricCounts(Metrics);
        _authority = new PodTokenAuthority(Pods, Store, new TokenReviewer(Client), Metrics, time);
    }

    public string Namespace { get; }

    public string Folder { get; }

    public TimeProvider Time { get; }

    public ResultStore Store { get; }

    public KubernetesClient Client { get; }

    public FakePods Pods { get; } = new();

    public FileCheckpointStore Checkpoints { get; }

    public CertificateAuthority Certificates { get; }

    public OperatorMetrics Metrics { get; }

    public MetricCounts Counts { get; }

    public IProgressAuthority Authority => _authority;

    public ProgressService Service => _host!.Service;

    public string CaFile => Path.Combine(Folder, "ca.crt");

    public static async Task<ProgressBench> StartAsync(
        ControlPlaneFixture fixture, int trials = 1, TimeProvider? time = null, long checkpointCap = 16L << 30,
        CertificateOptions? certificates = null)
    {
        var plane = fixture.ControlPlane;
        var space = await plane.CreateNamespaceAsync("progress", TestContext.Current.CancellationToken);
        var bench = new ProgressBench(
            plane, space, Directory.CreateTempSubdirectory("hem-operator-").FullName, time ?? TimeProvider.System, checkpointCap,
            certificates);
        await bench.Store.UpsertSweepAsync(new ClusterSweep(SweepUid, space, "s", "", DateTimeOffset.UtcNow));
        await bench.Store.AddTrialsAsync(SweepUid, Enumerable.Range(0, trials).Select(i => new NewTrial($"s-{i}", $"{i}", i, "c", "{}")));
        await bench.Certificates.LoadAsync();
        await File.WriteAllTextAsync(bench.CaFile, bench.Certificates.Bundle);
        await bench.StartServerAsync();
        return bench;
    }

    public async Task StartServerAsync(IPEndPoint? listen = null) => _host = await ProgressHost.StartAsync(
        listen ?? new IPEndPoint(IPAddress.Loopback, 0), _authority, Store, Checkpoints, Certificates, Metrics,
        NullLoggerFactory.Instance, Time);

    public async Task StopServerAsync()
    {
        if (_host is not null) await _host.DisposeAsync();
        _host = null;
    }

    /// <summary>Breaks every stream off; the service itself goes on, at the same address.</summary>
    public async Task RestartServerAsync()
    {
        var listen = IPEndPoint.Parse(new Uri(_host!.Address).Authority);
        await StopServerAsync();
        await StartServerAsync(listen);
    }

    /// <summary>The serial number of the certificate that the server shows to a new connection.</summary>
    public async Task<string> ShownCertificateAsync()
    {
        using var tcp = new System.Net.Sockets.TcpClient();
        await tcp.ConnectAsync(IPEndPoint.Parse(new Uri(_host!.Address).Authority));
        await using var tls = new System.Net.Security.SslStream(tcp.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("127.0.0.1");
        return tls.RemoteCertificate!.GetSerialNumberString();
    }

    /// <summary>Claims an attempt; those before it are over as far as the store knows.</summary>
    public async Task ClaimAsync(int trial = 0, int number = 1)
    {
        if (number > 1) await Store.EndAttemptAsync(AttemptKey.InStore(SweepUid, $"s-{trial}", number - 1), AttemptOutcome.Disrupted);
        await Store.AddAttemptAsync(new NewAttempt(SweepUid, $"s-{trial}", number, AttemptKey.InStore(SweepUid, $"s-{trial}", number)));
    }

    /// <summary>Makes a pod of an attempt, and its token; the operator sees it from then on.</summary>
    public async Task<TestPod> AddPodAsync(int trial = 0, int number = 1, bool seen = true, int tokenSeconds = 600)
    {
        var made = await _plane.Api.PostAsync($"/api/v1/namespaces/{Namespace}/pods", new JsonObject
        {
            ["metadata"] = new JsonObject { ["generateName"] = $"s-{trial}-{number}-" },
            ["spec"] = new JsonObject
            {
                ["serviceAccountName"] = "default",
                ["containers"] = new JsonArray { new JsonObject { ["name"] = "trainer", ["image"] = "trainer" } },
            },
        });
        var pod = new TestPod(
            (string)made["metadata"]!["name"]!, new(SweepUid, $"s-{trial}", (string)made["metadata"]!["uid"]!, number), Folder);
        await File.WriteAllTextAsync(pod.TokenFile, await TokenAsync(pod, seconds: tokenSeconds));
        if (seen) Pods.Add(pod.Attempt);
        return pod;
    }

    public async Task<string> TokenAsync(TestPod pod, string audience = "hem-progress", int seconds = 600) =>
        (await Client.CreateTokenAsync(Namespace, "default", new V1TokenRequestSpec
        {
            Audiences = [audience],
            ExpirationSeconds = seconds,
            BoundObjectRef = new V1ObjectReference { ApiVersion = "v1", Kind = "Pod", Name = pod.Name, Uid = pod.Attempt.AttemptId },
        })).Token!;

    public Task DeletePodAsync(TestPod pod) => _plane.Api.DeleteAsync(
        $"/api/v1/namespaces/{Namespace}/pods/{pod.Name}", new JsonObject { ["gracePeriodSeconds"] = 0 });

    public ProgressClientOptions Options(TestPod pod) => new()
    {
        Address = _host!.Address,
        Trial = pod.Attempt.Trial,
        Attempt = pod.Attempt.AttemptId,
        TokenFile = pod.TokenFile,
        CaFile = CaFile,
        LongestBackoff = TimeSpan.FromMilliseconds(100),
        Log = pod.Log.Enqueue,
    };

    public ProgressClient Connect(TestPod pod) => Connect(Options(pod));

    public ProgressClient Connect(ProgressClientOptions options)
    {
        var client = ProgressClient.Start(options);
        _clients.Add(client);
        return client;
    }

    public IReadOnlyList<long> StoredIterations(int trial = 0) => [.. Store.ReadPoints(SweepUid, $"s-{trial}").Select(p => p.Iteration)];

    public static Evaluated Point(long iteration) => new()
    {
        Iteration = (ulong)iteration,
        SuccessRate = iteration % 100 / 100.0,
        Loss = double.NaN,
        WallSeconds = iteration,
    };

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) await client.DisposeAsync();
        await StopServerAsync();
        _authority.Dispose();
        Counts.Dispose();
        Metrics.Dispose();
        Client.Dispose();
        await Store.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>A pod that reports.</summary>
internal sealed record TestPod(string Name, AttemptIdentity Attempt, string Folder)
{
    public string TokenFile => Path.Combine(Folder, Name + ".token");

    public System.Collections.Concurrent.ConcurrentQueue<string> Log { get; } = [];
}
