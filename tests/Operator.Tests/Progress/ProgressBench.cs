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
/// The operator's progress service on a real API server: pods with real tokens, TLS. Which pods run which attempts is what the test says.
/// </summary>
internal sealed class ProgressBench : TrialsBench
{
    private readonly ControlPlane _plane;
    private readonly PodTokenAuthority _authority;
    private ProgressHost? _host;

    private ProgressBench(
        ControlPlane plane, string space, TimeProvider? time, long checkpointCap, CertificateOptions? certificates)
        : base(time)
    {
        (_plane, Namespace) = (plane, space);
        Client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(plane.Kubeconfig));
        Checkpoints = new FileCheckpointStore(Path.Combine(Folder, "checkpoints"), limitInAll: checkpointCap);
        Certificates = new CertificateAuthority(Client, space, certificates ?? CertificateOptions.For(space, "127.0.0.1:0"),
            NullLogger<CertificateAuthority>.Instance, time: Time);
        Metrics = new OperatorMetrics();
        Counts = new MetricCounts(Metrics);
        _authority = new PodTokenAuthority(Pods, Store, new TokenReviewer(Client), Metrics, Time);
    }

    public string Namespace { get; }

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
        var bench = new ProgressBench(plane, space, time, checkpointCap, certificates);
        await bench.AddTrialsAsync(space, trials);
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

    public Task ClaimAsync(int trial = 0, int number = 1) =>
        ClaimAsync(trial, number, n => AttemptKey.InStore(SweepUid, $"s-{trial}", n));

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
            BoundObjectRef = new() { ApiVersion = "v1", Kind = "Pod", Name = pod.Name, Uid = pod.Attempt.AttemptId },
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
        Log = pod.Log.Enqueue,
    };

    public ProgressClient Connect(TestPod pod) => Connect(Options(pod));

    protected override async ValueTask DisposeServerAsync()
    {
        await StopServerAsync();
        _authority.Dispose();
        Counts.Dispose();
        Metrics.Dispose();
        Client.Dispose();
    }
}

/// <summary>A pod that reports.</summary>
internal sealed record TestPod(string Name, AttemptIdentity Attempt, string Folder)
{
    public string TokenFile => Path.Combine(Folder, Name + ".token");

    public System.Collections.Concurrent.ConcurrentQueue<string> Log { get; } = [];
}
