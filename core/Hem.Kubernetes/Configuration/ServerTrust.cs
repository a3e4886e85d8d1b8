using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hem.Kubernetes;

/// <summary>Whether a server's certificate is signed by the cluster's authority, whose file is read again as it is rotated.</summary>
internal sealed class ServerTrust(KubernetesClientConfiguration config, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly FileCredentials.RereadFile? _file = config.CaFile is { } file ? new(file, time) : null;
    private string? _read;
    private X509Certificate2Collection _authorities = [];

    /// <summary>Null where the system's authorities decide.</summary>
    public RemoteCertificateValidationCallback? Callback =>
        config.SkipTlsVerify ? static (_, _, _, _) => true : config.CaPem is null && config.CaFile is null ? null : IsTrusted;

    private bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        // The name must be right whoever signed; the chain is judged anew, against the cluster's authorities alone.
        if (certificate is not X509Certificate2 server || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new("1.3.6.1.5.5.7.3.1")); // server authentication
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities());
        if (presented is not null) chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        return chain.Build(server);
    }

    private X509Certificate2Collection Authorities()
    {
        lock (_lock)
        {
            var pem = config.CaPem ?? _file!.Read(false);
            if (pem == _read) return _authorities;
            var authorities = new X509Certificate2Collection();
            try
            {
                authorities.ImportFromPem(pem);
            }
            catch (CryptographicException exception)
            {
                throw new KubernetesConfigurationException(
                    $"{config.CaFile ?? "The certificate authority"} holds no certificates: {exception.Message}", exception);
            }
            (_read, _authorities) = (pem, authorities);
            return authorities;
        }
    }
}
