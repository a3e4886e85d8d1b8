using System.Net;

namespace Hem.Operator.Progress;

/// <summary>Names, addresses and lifetimes of the operator's certificates.</summary>
internal sealed record CertificateOptions
{
    /// <summary>Secret of the operator's namespace that holds the authority.</summary>
    public const string SecretName = "hem-progress-ca";

    /// <summary>ConfigMap of every namespace with sweeps that holds the certificates to trust.</summary>
    public const string ConfigMapName = "hem-progress-ca";

    /// <summary>Its key: PEM, one certificate or several.</summary>
    public const string ConfigMapKey = "ca.crt";

    /// <summary>Names that servers are reached by.</summary>
    public IReadOnlyList<string> DnsNames { get; init; } = [];

    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];

    public TimeSpan AuthorityLifetime { get; init; } = TimeSpan.FromDays(2 * 365);

    public TimeSpan ServingLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long the next authority is published before it signs anything: kubelets take a minute or two to bring a ConfigMap into a pod.
    /// </summary>
    public TimeSpan PublishBeforeUse { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How long the next authority waits for namespaces that cannot be told of it: half of what the current one has left.
    /// </summary>
    public TimeSpan WaitForAll => AuthorityLifetime / 6;

    /// <summary>How far clocks may differ.</summary>
    public TimeSpan Skew { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often it is seen to that all is as it should be.</summary>
    public TimeSpan CheckEvery { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The names of the operator's Services in its namespace, and the host of the address that trainers are given.</summary>
    /// <param name="operatorNamespace">The operator's own namespace.</param>
    /// <param name="hosts">Hosts with or without a port, names or addresses, that servers are reached by besides.</param>
    public static CertificateOptions For(string operatorNamespace, params IEnumerable<string> hosts)
    {
        List<string> names = [];
        List<IPAddress> addresses = [];
        foreach (var service in new[] { "hem-progress", "hem" })
        {
            var full = $"{service}.{operatorNamespace}";
            names.AddRange([service, full, $"{full}.svc", $"{full}.svc.cluster.local"]);
        }

        foreach (var host in hosts)
        {
            if (IPEndPoint.TryParse(host, out var endpoint)) addresses.Add(endpoint.Address);
            else names.Add(host.LastIndexOf(':') is >= 0 and var colon ? host[..colon] : host);
        }

        return new CertificateOptions { DnsNames = [.. names.Distinct()], Addresses = [.. addresses.Distinct()] };
    }
}
