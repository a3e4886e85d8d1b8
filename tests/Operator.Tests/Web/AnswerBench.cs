using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Metrics;
using Hem.Operator.Progress;
using Hem.Operator.Web;
using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using Microsoft.Extensions.Logging.Abstractions;
using Operator.Tests.Progress;
using Authority = Hem.Operator.Progress.CertificateAuthority;

namespace Operator.Tests.Web;

/// <summary>
/// The operator's answers, as Service `hem` of a namespace on a real API server: <see cref="Space"/>, which has the sweeps too.
/// </summary>
internal sealed class AnswerBench : IAsyncDisposable
{
    private readonly ControlPlane _plane;
    private readonly Authority _certificates;
    private readonly KubernetesClient _client;
    private readonly OperatorMetrics _metrics = new();
    private readonly AnswerCache _cache;
    private readonly List<HttpClient> _https = [];
    private AnswerHost _host = null!;

    private AnswerBench(ControlPlane plane, string space, string kubeconfig)
    {
        (_plane, Space) = (plane, space);
        Folder = Directory.CreateTempSubdirectory("hem-answers-").FullName;
        Store = ResultStore.Open(Path.Combine(Folder, "store"));
        _client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(kubeconfig));
        _certificates = new Authority(_client, space, CertificateOptions.For(space), NullLogger<Authority>.Instance);
        _cache = new AnswerCache(Store, Path.Combine(Folder, "answers"), Time);
        Counts = new MetricCounts(_metrics);
    }

    public string Space { get; }

    public string Folder { get; }

    public ResultStore Store { get; }

    public ManualTime Time { get; } = new();

    public MetricCounts Counts { get; }

    public static async Task<AnswerBench> StartAsync(ControlPlaneFixture fixture)
    {
        var plane = fixture.ControlPlane;
        var space = await plane.CreateNamespaceAsync("answers");
        var bench = new AnswerBench(plane, space, await HemCluster.OperatorKubeconfigAsync(plane, space));
        await bench._certificates.LoadAsync();
        var endpoints = new AnswerEndpoints(
            bench._cache, new AccessReviewer(bench._client, bench._metrics, bench.Time), new NamespaceAges(bench._client), bench._metrics,
            NullLogger.Instance);
        bench._host = await AnswerHost.StartAsync(
            new IPEndPoint(IPAddress.Any, 0), endpoints, bench._certificates, NullLoggerFactory.Instance);
        await bench.PublishAsync();
        return bench;
    }

    /// <summary>A sweep with one trial that is complete and one that runs, two points each.</summary>
    public async Task AddSweepAsync(string name, string? @namespace = null, double success = 0.5, DateTimeOffset? created = null)
    {
        var uid = $"{@namespace ?? Space}-{name}";
        await Store.UpsertSweepAsync(new ClusterSweep(uid, @namespace ?? Space, name, "", created ?? DateTimeOffset.UtcNow));
        await Store.AddTrialsAsync(uid,
            Enumerable.Range(0, 2).Select(i => new NewTrial($"{name}-{i}", $"{i}", i, $"c{i}", $$"""{"N":{{i}}}""")));
        for (var i = 0; i < 2; i++)
        {
            await Store.AddAttemptAsync(new NewAttempt(uid, $"{name}-{i}", 1, $"{uid}-{i}"));
            await Store.StoreAsync(Attempt(name, i, @namespace), [Report(1, success), Report(2, success)]);
        }

        await FinishAsync(name, 0, @namespace);
    }

    public Task FinishAsync(string name, int trial, string? @namespace = null) => Store.StoreAsync(
        Attempt(name, trial, @namespace), [new TrainerMessage { Sequence = 3, Finished = new Finished { Iteration = 2 } }]);

    /// <summary>A service account, and its token.</summary>
    public async Task<string> AddUserAsync(string user, bool mayGetSweeps)
    {
        var token = await _plane.CreateServiceAccountTokenAsync(Space, user);
        if (mayGetSweeps) await GrantAsync(user);
        return token;
    }

    /// <summary>Takes away something of operator/rbac.yaml.</summary>
    public Task WithoutAsync(string path) => _plane.Api.DeleteAsync(path.Replace("NAMESPACE", Space));

    public Task<string> TokenAsync(string user) => _plane.CreateServiceAccountTokenAsync(Space, user);

    public Task<string> KubeconfigAsync(string user) => _plane.CreateServiceAccountKubeconfigAsync(Space, user);

    /// <summary>Asks the server itself, over TLS that the operator's authority vouches for.</summary>
    public async Task<HttpResponseMessage> GetAsync(
        string sweep, string file, string? token, string? tag = null, string? @namespace = null, string header = "Authorization")
    {
        var port = new Uri(_host.Address.Replace("0.0.0.0", "127.0.0.1")).Port;
        var trusted = new X509Certificate2Collection();
        trusted.ImportFromPem(_certificates.Bundle);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(trusted);
        var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new() { CertificateChainPolicy = policy, TargetHost = $"hem.{Space}.svc" },
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, port, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        _https.Add(http);
        using var request = new HttpRequestMessage(
            HttpMethod.Get, $"https://hem.{Space}.svc/v1/namespaces/{@namespace ?? Space}/sweeps/{sweep}/{file}");
        if (token is not null) request.Headers.Add(header, $"Bearer {token}");
        if (tag is not null) request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Parse(tag));
        return await http.SendAsync(request);
    }

    /// <summary>Runs `hem report`, the real program, by way of the API server.</summary>
    public async Task<(int ExitCode, string Output, string Error)> ReportAsync(string kubeconfig, string sweep, params string[] arguments)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var hem = Path.Combine(here.Parent!.Parent!.FullName, "Hem.Cli", here.Name, "hem");
        using var process = Process.Start(new ProcessStartInfo(hem,
            ["report", sweep, "-n", Space, "--kubeconfig", kubeconfig, "--operator-namespace", Space, .. arguments])
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Timeouts.Normal);
        return (process.ExitCode, await output, await error);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var http in _https) http.Dispose();
        await _host.DisposeAsync();
        _cache.Dispose();
        Counts.Dispose();
        _metrics.Dispose();
        _client.Dispose();
        await Store.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    // The operator's pod is this machine, by an address that is not loopback: the API server's proxy goes to pods alone.
    private async Task PublishAsync()
    {
        var address = NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a));
        Assert.SkipWhen(address is null, "this machine has no address but loopback");
        var port = new Uri(_host.Address.Replace("0.0.0.0", "127.0.0.1")).Port;
        var pods = $"/api/v1/namespaces/{Space}/pods";
        var pod = await _plane.Api.PostAsync(pods, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "hem-operator" },
            ["spec"] = new JsonObject { ["containers"] = new JsonArray { new JsonObject { ["name"] = "hem", ["image"] = "hem" } } },
        });
        await _plane.Api.MergePatchAsync($"{pods}/hem-operator/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["phase"] = "Running",
                ["podIP"] = address!.ToString(),
                ["podIPs"] = new JsonArray { new JsonObject { ["ip"] = address.ToString() } },
            },
        });
        var target = new JsonObject
        {
            ["kind"] = "Pod",
            ["name"] = "hem-operator",
            ["namespace"] = Space,
            ["uid"] = (string)pod["metadata"]!["uid"]!,
        };
        var ports = new JsonArray { new JsonObject { ["name"] = "web", ["port"] = port } };
        await _plane.Api.PostAsync($"/api/v1/namespaces/{Space}/services", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "hem" },
            ["spec"] = new JsonObject
            {
                ["ports"] = new JsonArray { new JsonObject { ["name"] = "web", ["port"] = 443, ["targetPort"] = port } },
            },
        });
        await _plane.Api.PostAsync($"/api/v1/namespaces/{Space}/endpoints", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "hem" },
            ["subsets"] = new JsonArray
            {
                new JsonObject
                {
                    ["addresses"] = new JsonArray { new JsonObject { ["ip"] = address.ToString(), ["targetRef"] = target } },
                    ["ports"] = ports,
                },
            },
        });
    }

    // As an administrator of the namespace gives it to people.
    private Task GrantAsync(string user) => _plane.Api.PostAsync(
        $"/apis/rbac.authorization.k8s.io/v1/namespaces/{Space}/rolebindings", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = user },
            ["roleRef"] = new JsonObject { ["apiGroup"] = "rbac.authorization.k8s.io", ["kind"] = "ClusterRole", ["name"] = "hem-view" },
            ["subjects"] = new JsonArray { new JsonObject { ["kind"] = "ServiceAccount", ["name"] = user, ["namespace"] = Space } },
        });

    private AttemptIdentity Attempt(string name, int trial, string? @namespace)
    {
        var uid = $"{@namespace ?? Space}-{name}";
        return new AttemptIdentity(uid, $"{name}-{trial}", $"{uid}-{trial}", 1);
    }

    private static TrainerMessage Report(ulong sequence, double success) => new()
    {
        Sequence = sequence,
        Evaluated = new Evaluated { Iteration = sequence, Trajectories = sequence * 10, SuccessRate = success, Loss = double.NaN },
    };
}
