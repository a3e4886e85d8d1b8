using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Hem.TestCluster;

/// <summary>
/// A real etcd and kube-apiserver, and kube-controller-manager and kube-scheduler where asked, as processes of this machine on free
/// loopback ports, with data and certificates in one folder. Everything ends with <see cref="DisposeAsync"/>, or
/// with this program if it is killed.
/// </summary>
public sealed class ControlPlane : IAsyncDisposable
{
    private const string FolderPrefix = "hem-cluster-", OwnerFile = "owner";
    private readonly ControlPlaneOptions _options;
    private readonly CertificateAuthority _ca = new("hem-test-cluster");
    private readonly string _programs;
    private readonly Dictionary<string, Daemon> _daemons = [];
    private readonly int _etcdPort = Machine.FreePort(IPAddress.Loopback), _etcdPeerPort = Machine.FreePort(IPAddress.Loopback);
    private readonly int _apiPort;
    private readonly ResourceServer? _resources;
    private int _users;

    private ControlPlane(ControlPlaneOptions options, string programs, string? resources, NodeNetwork? network)
    {
        (_options, _programs, Network) = (options, programs, network);
        Folder = options.Folder ?? Directory.CreateTempSubdirectory(FolderPrefix).FullName;
        Address = Network?.HostAddress ?? IPAddress.Loopback;
        _apiPort = Machine.FreePort(Address);
        Server = new Uri($"https://{Address}:{_apiPort}");
        Directory.CreateDirectory(LogFolder);
        Write(OwnerFile, $"{Environment.ProcessId}\n");
        CaFile = Write("ca.crt", _ca.Pem);
        var administrator = _ca.Client("administrator", "system:masters");
        Kubeconfig = TestCluster.Kubeconfig.Write(InFolder("admin.kubeconfig"), Server, _ca.Pem, administrator);
        Api = new ClusterApi(Server, _ca.Pem, administrator);
        if (resources is not null) _resources = new ResourceServer(this, _ca, resources, administrator);
    }

    /// <summary>Certificates, kubeconfigs, data.</summary>
    public string Folder { get; }

    /// <summary>One log a program.</summary>
    public string LogFolder => InFolder("logs");

    public Uri Server { get; }

    /// <summary>
    /// The address of this machine that the API server listens on, and that pods (where there is a node) reach this machine by.
    /// </summary>
    public IPAddress Address { get; }

    /// <summary>The certificate of the authority that signed the server's.</summary>
    public string CaFile { get; }

    /// <summary>The administrator's kubeconfig.</summary>
    public string Kubeconfig { get; }

    /// <summary>The API server as the administrator, for what a test arranges and checks.</summary>
    public ClusterApi Api { get; }

    /// <summary>
    /// The server of resource definitions and custom resources, as the administrator: the API server, unless
    /// <see cref="ControlPlaneOptions.CurrentResources"/> put another behind it.
    /// </summary>
    public ClusterApi Definitions => _resources?.Api ?? Api;

    /// <summary>The administrator's kubeconfig of that server.</summary>
    public string ResourcesKubeconfig => _resources?.Kubeconfig ?? Kubeconfig;

    internal NodeNetwork? Network { get; }

    /// <exception cref="CannotException">This machine cannot; the reason.</exception>
    public static async Task<ControlPlane> StartAsync(ControlPlaneOptions? options = null, CancellationToken cancel = default)
    {
        options ??= new ControlPlaneOptions();
        if (options.ForNode && !Environment.IsPrivilegedProcess) throw new CannotException("a node for pods is started by root alone");
        var programs = await Machine.KubernetesAsync();
        var resources = options.CurrentResources ? await Machine.CurrentResourcesAsync() : null;
        RemoveLeftOvers();
        var plane = new ControlPlane(options, programs, resources, options.ForNode ? await NodeNetwork.CreateAsync() : null);
        try
        {
            await plane.StartAsync(cancel);
            return plane;
        }
        catch (Exception)
        {
            await plane.DisposeAsync();
            throw;
        }
    }

    /// <summary>A kubeconfig of a user with a certificate (any names; what they may do is up to RBAC).</summary>
    public string CreateUserKubeconfig(string user, params IEnumerable<string> groups) =>
        TestCluster.Kubeconfig.Write(
            InFolder($"user-{Interlocked.Increment(ref _users)}.kubeconfig"), Server, _ca.Pem, _ca.Client(user, groups));

    /// <summary>A kubeconfig of a service account, which is made if it is not there; its token is bound and lasts for a day.</summary>
    public async Task<string> CreateServiceAccountKubeconfigAsync(string space, string name, CancellationToken cancel = default) =>
        TestCluster.Kubeconfig.WriteToken(
            InFolder($"user-{Interlocked.Increment(ref _users)}.kubeconfig"), Server, _ca.Pem,
            await CreateServiceAccountTokenAsync(space, name, cancel: cancel));

    /// <summary>A token of a service account, which is made if it is not there.</summary>
    public async Task<string> CreateServiceAccountTokenAsync(
        string space, string name, TimeSpan? lifetime = null, CancellationToken cancel = default)
    {
        var accounts = $"/api/v1/namespaces/{space}/serviceaccounts";
        if (await Api.GetAsync($"{accounts}/{name}", cancel) is null)
            await Api.PostAsync(accounts, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, cancel);
        var request = new JsonObject
        {
            ["spec"] = new JsonObject { ["expirationSeconds"] = (int)(lifetime ?? TimeSpan.FromDays(1)).TotalSeconds },
        };
        return (string)(await Api.PostAsync($"{accounts}/{name}/token", request, cancel))["status"]!["token"]!;
    }

    /// <summary>
    /// A namespace of a name not used before: each test works in its own. Where controllers run, its default service account is there.
    /// </summary>
    public async Task<string> CreateNamespaceAsync(string prefix = "test", CancellationToken cancel = default)
    {
        var made = await Api.PostAsync("/api/v1/namespaces",
            new JsonObject { ["metadata"] = new JsonObject { ["generateName"] = prefix + "-" } }, cancel);
        var name = (string)made["metadata"]!["name"]!;
        if (_options.ControllerManager)
            await Wait.UntilAsync(
                async () => await Api.GetAsync($"/api/v1/namespaces/{name}/serviceaccounts/default", cancel) is not null,
                $"the default service account of {name}", Timeouts.Normal, cancel);
        return name;
    }

    /// <summary>Kills the API server: every connection drops, and nobody answers until <see cref="StartApiServerAsync"/>.</summary>
    public Task StopApiServerAsync() => StopAsync("kube-apiserver");

    public async Task StartApiServerAsync(CancellationToken cancel = default)
    {
        await StartAsync("kube-apiserver", ApiServerArguments());
        await ReadyAsync("kube-apiserver", async () => await Api.GetTextAsync("/readyz", cancel) == "ok", cancel);
    }

    public async Task RestartApiServerAsync(CancellationToken cancel = default)
    {
        await StopApiServerAsync();
        await StartApiServerAsync(cancel);
    }

    /// <summary>SIGSTOP to the API server: connections stay open and nothing answers.</summary>
    public void PauseApiServer() => _daemons["kube-apiserver"].Signal(19);

    public void ResumeApiServer() => _daemons["kube-apiserver"].Signal(18);

    /// <summary>The state of this moment, for <see cref="RestoreAsync"/>. etcd stands still while its files are copied.</summary>
    /// <returns>The folder of the copy.</returns>
    public async Task<string> SnapshotAsync()
    {
        var copy = InFolder($"snapshot-{Guid.NewGuid():N}");
        _daemons["etcd"].Signal(19);
        try { await CopyAsync(InFolder("etcd"), copy); }
        finally { _daemons["etcd"].Signal(18); }
        return copy;
    }

    /// <summary>Puts the whole cluster's state back: what happened since is forgotten, and resource versions are given out again.</summary>
    public async Task RestoreAsync(string snapshot, CancellationToken cancel = default)
    {
        foreach (var name in _daemons.Keys.Reverse().ToList()) await StopAsync(name);
        Directory.Delete(InFolder("etcd"), true);
        await CopyAsync(snapshot, InFolder("etcd"));
        await StartAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in _daemons.Values.Reverse()) await daemon.DisposeAsync();
        _daemons.Clear();
        if (Network is not null) await Network.RemoveAsync();
        Api.Dispose();
        _resources?.Api.Dispose();
        if (_options.Folder is null) Directory.Delete(Folder, true);
    }

    internal async Task StartDaemonAsync(string name, string program, IEnumerable<string> arguments) =>
        _daemons[name] = await Daemon.StartAsync(name, LogFolder, program, arguments);

    internal Task StopAsync(string name) => _daemons.Remove(name, out var daemon) ? daemon.DisposeAsync().AsTask() : Task.CompletedTask;

    internal int Pid(string name) => _daemons[name].Pid;

    internal string InFolder(params string[] path) => Path.Combine([Folder, .. path]);

    internal string Write(string name, string text)
    {
        File.WriteAllText(InFolder(name), text);
        return InFolder(name);
    }

    internal string ComponentKubeconfig(string name, string user, params string[] groups) =>
        TestCluster.Kubeconfig.Write(InFolder(name + ".kubeconfig"), Server, _ca.Pem, _ca.Client(user, groups));

    internal (string Certificate, string Key) WriteServer(string name, IEnumerable<string> hosts, IEnumerable<IPAddress> addresses)
    {
        var pair = _ca.Server(name, hosts, addresses);
        return (Write(name + ".crt", pair.Certificate), Write(name + ".key", pair.Key));
    }

    internal string Program(string name) => Path.Combine(_programs, name);

    internal async Task ReadyAsync(string name, Func<Task<bool>> ready, CancellationToken cancel)
    {
        var daemon = _daemons[name];
        try
        {
            await Wait.UntilAsync(async () => daemon.HasExited || await ready(), $"{name} is ready", Timeouts.Normal, cancel);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{daemon.Tail}");
        }
        if (daemon.HasExited) throw new InvalidOperationException($"{name} ended:\n{daemon.Tail}");
    }

    private async Task StartAsync(CancellationToken cancel)
    {
        await StartAsync("etcd",
        [
            "--data-dir", InFolder("etcd"), "--unsafe-no-fsync", "--log-level=warn", "--quota-backend-bytes=4294967296",
            $"--listen-client-urls=http://127.0.0.1:{_etcdPort}", $"--advertise-client-urls=http://127.0.0.1:{_etcdPort}",
            $"--listen-peer-urls=http://127.0.0.1:{_etcdPeerPort}", $"--initial-advertise-peer-urls=http://127.0.0.1:{_etcdPeerPort}",
            $"--initial-cluster=default=http://127.0.0.1:{_etcdPeerPort}",
        ]);
        await StartApiServerAsync(cancel);
        if (_resources is not null) await _resources.StartAsync(_etcdPort, cancel);
        if (_options.ControllerManager)
            await StartAsync("kube-controller-manager", ControllerManagerArguments());
        if (_options.Scheduler)
            await StartAsync("kube-scheduler",
            [
                $"--kubeconfig={ComponentKubeconfig("kube-scheduler", "system:kube-scheduler")}", "--leader-elect=false", "--port=0",
                $"--secure-port={Machine.FreePort(IPAddress.Loopback)}", "--bind-address=127.0.0.1",
                $"--kube-api-qps={_options.ControllerQps}", $"--kube-api-burst={_options.ControllerQps}",
            ]);
    }

    private IEnumerable<string> ApiServerArguments()
    {
        var addresses = new[] { IPAddress.Loopback, Address, IPAddress.Parse(Services.FirstAddress) };
        var (certificate, key) = WriteServer("apiserver", ["localhost", "kubernetes", "kubernetes.default.svc"], addresses);
        var kubelet = _ca.Client("kube-apiserver-kubelet-client", "system:masters");
        var accounts = InFolder("service-accounts.key");
        using var key256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (!File.Exists(accounts)) Write("service-accounts.key", key256.ExportECPrivateKeyPem() + "\n");
        return
        [
            $"--etcd-servers=http://127.0.0.1:{_etcdPort}", $"--secure-port={_apiPort}", $"--bind-address={Address}",
            $"--advertise-address={(Network is null ? "198.51.100.1" : Address)}",
            $"--tls-cert-file={certificate}", $"--tls-private-key-file={key}", $"--client-ca-file={CaFile}",
            $"--service-account-key-file={accounts}", $"--service-account-signing-key-file={accounts}",
            "--service-account-issuer=https://kubernetes.default.svc", "--api-audiences=https://kubernetes.default.svc",
            $"--service-cluster-ip-range={Services.Range}", "--authorization-mode=Node,RBAC", "--allow-privileged=true",
            $"--kubelet-client-certificate={Write("kubelet-client.crt", kubelet.Certificate)}",
            $"--kubelet-client-key={Write("kubelet-client.key", kubelet.Key)}", $"--kubelet-certificate-authority={CaFile}",
            "--kubelet-preferred-address-types=InternalIP", .. _resources?.ApiServerArguments ?? [], .. _options.ApiServerArguments,
        ];
    }

    private IEnumerable<string> ControllerManagerArguments() =>
    [
        $"--kubeconfig={ComponentKubeconfig("kube-controller-manager", "system:kube-controller-manager")}",
        $"--service-account-private-key-file={InFolder("service-accounts.key")}", $"--root-ca-file={CaFile}",
        "--use-service-account-credentials", "--leader-elect=false", "--port=0", "--bind-address=127.0.0.1",
        $"--secure-port={Machine.FreePort(IPAddress.Loopback)}", $"--flex-volume-plugin-dir={InFolder("volume-plugins")}",
        // Without a node, pods are on one that a test makes up. Every 20 s, podgc would delete those of a node that is not known.
        .. Network is null
            ? (string[])["--controllers=*,-podgc"]
            : ["--allocate-node-cidrs", $"--cluster-cidr={Network.PodRange}", "--node-cidr-mask-size=24"],
        $"--kube-api-qps={_options.ControllerQps}", $"--kube-api-burst={_options.ControllerQps}", .. _options.ControllerManagerArguments,
    ];

    private ServiceRange Services => Network?.Services ?? new ServiceRange("10.233.255.0/24", "10.233.255.1");

    private async Task StartAsync(string name, IEnumerable<string> arguments) =>
        await StartDaemonAsync(name, name == "etcd" ? "etcd" : Program(name), arguments);

    /// <summary>What those who were killed left.</summary>
    internal static void RemoveLeftOvers()
    {
        ControlGroups.RemoveLeftOvers();
        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), FolderPrefix + "*"))
        {
            try
            {
                var owner = File.ReadAllText(Path.Combine(folder, OwnerFile)).Trim();
                if (owner.Length > 0 && !Directory.Exists($"/proc/{owner}")) Directory.Delete(folder, true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Being made, being removed, or somebody else's.
            }
        }
    }

    private static Task CopyAsync(string from, string to) => Machine.RunAsync("cp", "-a", from, to); // File.Copy respects etcd's locks

}

internal sealed record ServiceRange(string Range, string FirstAddress);
