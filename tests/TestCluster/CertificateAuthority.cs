using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hem.TestCluster;

/// <summary>A certificate authority of one cluster's own, and what it signs. Keys and certificates are PEM texts.</summary>
internal sealed class CertificateAuthority
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public CertificateAuthority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        const X509KeyUsageFlags uses = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature;
        request.CertificateExtensions.Add(new X509KeyUsageExtension(uses, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddYears(1));
    }

    public string Pem => _certificate.ExportCertificatePem() + "\n";

    /// <summary>For a client: the common name is the user, the organisations are the groups.</summary>
    public PemPair Client(string user, params IEnumerable<string> groups)
    {
        var name = new X500DistinguishedNameBuilder();
        foreach (var group in groups) name.AddOrganizationName(group);
        name.AddCommonName(user);
        return Sign(name.Build(), new Oid("1.3.6.1.5.5.7.3.2"), null);
    }

    public PemPair Server(string name, IEnumerable<string> hosts, IEnumerable<IPAddress> addresses)
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts) names.AddDnsName(host);
        foreach (var address in addresses.Distinct()) names.AddIpAddress(address);
        return Sign(new X500DistinguishedName($"CN={name}"), new Oid("1.3.6.1.5.5.7.3.1"), names.Build());
    }

    private PemPair Sign(X500DistinguishedName subject, Oid usage, X509Extension? names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([usage], false));
        if (names is not null) request.CertificateExtensions.Add(names);
        using var signed = request.Create(
            _certificate, _certificate.NotBefore, _certificate.NotAfter, RandomNumberGenerator.GetBytes(16));
        return new PemPair(signed.ExportCertificatePem() + "\n", key.ExportECPrivateKeyPem() + "\n");
    }
}

internal sealed record PemPair(string Certificate, string Key);
