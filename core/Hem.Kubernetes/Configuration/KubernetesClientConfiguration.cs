namespace Hem.Kubernetes;

/// <summary>
/// Where the API server is and who we are there. Files are read when they are needed and again as they change, so a token or a certificate
/// may be rotated under a running client.
/// </summary>
public sealed record KubernetesClientConfiguration
{
    internal const string ServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    public required Uri Server { get; init; }

    /// <summary>The namespace of the context, or of this process' pod.</summary>
    public string? Namespace { get; init; }

    /// <summary>Authorities that may have signed the server's certificate; without these the system's.</summary>
    public string? CaFile { get; init; }
    public string? CaPem { get; init; }
    public bool SkipTlsVerify { get; init; }

    /// <summary>The name that the server's certificate must have, where it is not that of the address.</summary>
    public string? TlsServerName { get; init; }
    public Uri? Proxy { get; init; }

    public string? Token { get; init; }
    public string? TokenFile { get; init; }
    public string? ClientCertificateFile { get; init; }
    public string? ClientCertificatePem { get; init; }
    public string? ClientKeyFile { get; init; }
    public string? ClientKeyPem { get; init; }

    /// <summary>A program that prints a token or a certificate.</summary>
    public ExecConfiguration? Exec { get; init; }

    /// <summary>Act as this user (who we are must be allowed to).</summary>
    public string? ImpersonateUser { get; init; }

    public static bool IsInCluster =>
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST"))
            && File.Exists($"{ServiceAccountFolder}/token");

    /// <summary>As a pod of the cluster, by its service account.</summary>
    /// <exception cref="KubernetesConfigurationException">This process is in no pod, or in one without a service account's
    /// token.</exception>
    public static KubernetesClientConfiguration InClusterConfig() =>
        InClusterConfig(Environment.GetEnvironmentVariable, ServiceAccountFolder);

    /// <summary>
    /// As kubectl would: the file, or those named in KUBECONFIG, or ~/.kube/config; its current context unless another is named.
    /// </summary>
    /// <exception cref="KubernetesConfigurationException">There is no such file or context, or it makes no sense; the message says
    /// which.</exception>
    public static KubernetesClientConfiguration FromKubeconfig(string? path = null, string? context = null) =>
        Kubeconfig.Load(path is null ? Kubeconfig.DefaultPaths() : [path]).Build(context);

    /// <summary>The kubeconfig where KUBECONFIG names one, else the cluster of this pod, else ~/.kube/config.</summary>
    public static KubernetesClientConfiguration BuildDefaultConfig() =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("KUBECONFIG")) && IsInCluster ? InClusterConfig() : FromKubeconfig();

    internal static KubernetesClientConfiguration InClusterConfig(Func<string, string?> environment, string folder)
    {
        var host = environment("KUBERNETES_SERVICE_HOST");
        var port = environment("KUBERNETES_SERVICE_PORT");
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port))
        {
            throw new KubernetesConfigurationException(
                "This process runs in no pod: KUBERNETES_SERVICE_HOST and _PORT are not set. Name a kubeconfig.");
        }
        if (!File.Exists($"{folder}/token"))
        {
            throw new KubernetesConfigurationException(
                $"{folder}/token is not there: the pod needs a service account with automountServiceAccountToken.");
        }
        if (host.Contains(':') && !host.StartsWith('[')) host = $"[{host}]";
        return new()
        {
            Server = new($"https://{host}:{port}/"),
            Namespace = File.Exists($"{folder}/namespace") ? File.ReadAllText($"{folder}/namespace").Trim() : null,
            CaFile = $"{folder}/ca.crt",
            TokenFile = $"{folder}/token",
        };
    }

    /// <summary>Says nothing of tokens and keys.</summary>
    public override string ToString() => $"{Server} (namespace {Namespace ?? "default"})";
}

/// <summary>The exec plugin of a kubeconfig's user.</summary>
public sealed record ExecConfiguration
{
    public required string ApiVersion { get; init; }
    public required string Command { get; init; }
    public IReadOnlyList<string> Arguments { get; init; } = [];
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
    public bool ProvideClusterInfo { get; init; }

    /// <summary>What to tell a user who lacks the command.</summary>
    public string? InstallHint { get; init; }
}

/// <summary>A kubeconfig, or what it names, is missing or wrong.</summary>
public sealed class KubernetesConfigurationException(string message, Exception? inner = null) : Exception(message, inner);
