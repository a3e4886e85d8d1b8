using System.Net;
using System.Text.Json.Nodes;

namespace Hem.TestCluster;

/// <summary>
/// The server of definitions and custom resources out of a current Kubernetes, behind an older API server: that one knows who asks, decides
/// what they may do, has the namespaces, and passes on what is asked of hem.dev.
/// </summary>
internal sealed class ResourceServer
{
    private const string Name = "kubernetes-resources";
    private readonly ControlPlane _plane;
    private readonly string _programs;
    private readonly int _port = Machine.FreePort(IPAddress.Loopback);
    private readonly (string Certificate, string Key) _proxy;

    public ResourceServer(ControlPlane plane, CertificateAuthority ca, string programs, PemPair administrator)
    {
        (_plane, _programs) = (plane, programs);
        var server = new Uri($"https://127.0.0.1:{_port}");
        Kubeconfig = TestCluster.Kubeconfig.Write(plane.InFolder("resources.kubeconfig"), server, ca.Pem, administrator);
        Api = new ClusterApi(server, ca.Pem, administrator);
        var proxy = ca.Client("front-proxy");
        _proxy = (plane.Write("front-proxy.crt", proxy.Certificate), plane.Write("front-proxy.key", proxy.Key));
    }

    public ClusterApi Api { get; }

    public string Kubeconfig { get; }

    /// <summary>With these the API server tells on whose behalf it asks.</summary>
    public IEnumerable<string> ApiServerArguments =>
        [$"--proxy-client-cert-file={_proxy.Certificate}", $"--proxy-client-key-file={_proxy.Key}", .. RequestHeaders];

    private IEnumerable<string> RequestHeaders =>
    [
        $"--requestheader-client-ca-file={_plane.CaFile}", "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    ];

    public async Task StartAsync(int etcdPort, CancellationToken cancel)
    {
        var (certificate, key) = _plane.WriteServer("resources", ["localhost"], [IPAddress.Loopback]);
        await _plane.StartDaemonAsync(Name, Path.Combine(_programs, Name),
        [
            $"--etcd-servers=http://127.0.0.1:{etcdPort}", $"--secure-port={_port}", "--bind-address=127.0.0.1",
            $"--tls-cert-file={certificate}", $"--tls-private-key-file={key}", $"--client-ca-file={_plane.CaFile}", .. RequestHeaders,
            $"--kubeconfig={_plane.Kubeconfig}", $"--authentication-kubeconfig={_plane.Kubeconfig}",
            $"--authorization-kubeconfig={_plane.Kubeconfig}", "--enable-priority-and-fairness=false",
            // A right that a test has just given holds at once.
            "--authorization-webhook-cache-unauthorized-ttl=0s",
            // These watch kinds that the API server behind which it stands does not have.
            "--disable-admission-plugins=MutatingAdmissionPolicy,MutatingAdmissionWebhook,ValidatingAdmissionPolicy,"
                + "ValidatingAdmissionWebhook",
        ]);
        await _plane.ReadyAsync(Name, async () => await Api.GetTextAsync("/readyz", cancel) == "ok", cancel);
        // A service of this type is one that the API server asks by its name, without kube-proxy.
        await CreateAsync("/api/v1/namespaces/kube-system/services", Name, new()
        {
            ["type"] = "ExternalName",
            ["externalName"] = "localhost",
            ["ports"] = new JsonArray(new JsonObject { ["port"] = _port, ["protocol"] = "TCP" }),
        }, cancel);
        await CreateAsync("/apis/apiregistration.k8s.io/v1/apiservices", "v1alpha1.hem.dev", new()
        {
            ["group"] = "hem.dev",
            ["version"] = "v1alpha1",
            ["groupPriorityMinimum"] = 1000,
            ["versionPriority"] = 15,
            ["insecureSkipTLSVerify"] = true,
            ["service"] = new JsonObject { ["name"] = Name, ["namespace"] = "kube-system", ["port"] = _port },
        }, cancel);
    }

    private async Task CreateAsync(string path, string name, JsonObject spec, CancellationToken cancel)
    {
        if (await _plane.Api.GetAsync($"{path}/{name}", cancel) is not null) return;
        await _plane.Api.PostAsync(path, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = spec }, cancel);
    }
}
