using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hem.Operator.Progress;

/// <summary>
/// The authority as it stands in its Secret: the pair that signs now, the one that will, and the one that did. <see cref="Step"/> says what
/// time has made of it. Immutable.
/// </summary>
/// <param name="NextPublished">Since when everybody has been told of <see cref="Next"/>; null: not yet.</param>
internal sealed record CaCertificates(CaPair Current, CaPair? Next, DateTimeOffset? NextPublished, X509Certificate2? Previous)
{
    /// <summary>The certificates to trust: PEM.</summary>
    public string Bundle => string.Concat(
        new[] { Previous, Current.Certificate, Next?.Certificate }.OfType<X509Certificate2>().Select(c => c.ExportCertificatePem() + "\n"));

    public static CaCertificates Create(DateTimeOffset now, CertificateOptions options) =>
        new(CaPair.Create(now, options), null, null, null);

    /// <summary>
    /// At two thirds of its life the current pair gets a successor, which signs from <see cref="CertificateOptions.PublishBeforeUse"/>
    /// after everybody was told of it. The old one is trusted until its end. Returns this where nothing is to be done.
    /// </summary>
    public CaCertificates Step(DateTimeOffset now, CertificateOptions options)
    {
        // The operator was away for long: nobody trusts the old one any more, so there is nothing to wait for.
        if (HasExpired(now))
            return Next is { } next && now < next.Certificate.NotAfter
                ? new CaCertificates(next, null, null, null)
                : Create(now, options);
        if (Previous is not null && now > Previous.NotAfter) return this with { Previous = null };
        if (Next is null)
            return now >= Current.Certificate.NotAfter - (options.AuthorityLifetime / 3)
                ? this with { Next = CaPair.Create(now, options), NextPublished = null }
                : this;
        return NextPublished is { } published && now >= published + options.PublishBeforeUse
            ? new CaCertificates(Next, null, null, Current.Certificate)
            : this;
    }

    /// <summary>What <see cref="Current"/> signs is worth nothing any more.</summary>
    public bool HasExpired(DateTimeOffset now) => now >= Current.Certificate.NotAfter;

    public Dictionary<string, byte[]> ToSecret()
    {
        var data = new Dictionary<string, byte[]> { ["ca.crt"] = Pem(Current.Certificate), ["ca.key"] = Pem(Current.Key) };
        if (Next is { } next) (data["next.crt"], data["next.key"]) = (Pem(next.Certificate), Pem(next.Key));
        if (NextPublished is { } at) data["next.published"] = Encoding.ASCII.GetBytes(at.ToString("O", CultureInfo.InvariantCulture));
        if (Previous is { } previous) data["previous.crt"] = Pem(previous);
        return data;
    }

    /// <summary>Null where this is no authority of ours.</summary>
    public static CaCertificates? FromSecret(IReadOnlyDictionary<string, byte[]>? data)
    {
        try
        {
            if (data is null || Pair("ca") is not { } current) return null;
            DateTimeOffset? published = Text("next.published") is { } at
                ? DateTimeOffset.Parse(at, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind)
                : null;
            return new CaCertificates(current, Pair("next"), published,
                Text("previous.crt") is { } previous ? X509Certificate2.CreateFromPem(previous) : null);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or FormatException)
        {
            return null;
        }

        string? Text(string key) => data.TryGetValue(key, out var bytes) ? Encoding.ASCII.GetString(bytes) : null;

        CaPair? Pair(string name)
        {
            if (Text(name + ".crt") is not { } certificate || Text(name + ".key") is not { } pem) return null;
            var key = ECDsa.Create();
            key.ImportFromPem(pem);
            var pair = new CaPair(X509Certificate2.CreateFromPem(certificate), key);
            using var own = pair.Certificate.GetECDsaPublicKey();
            return own is not null && own.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()) ? pair
                : throw new CryptographicException($"{name}.key is not the key of {name}.crt.");
        }
    }

    private static byte[] Pem(X509Certificate2 certificate) => Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n");

    private static byte[] Pem(ECDsa key) => Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n");
}

/// <summary>An authority's certificate and its key.</summary>
internal sealed record CaPair(X509Certificate2 Certificate, ECDsa Key)
{
    public static CaPair Create(DateTimeOffset now, CertificateOptions options)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // A name of its own: during a rotation a client has several, and looks for a signer by name first.
        var name = $"CN=hem-progress-ca-{now.ToUnixTimeSeconds()}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}";
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return new CaPair(request.CreateSelfSigned(now - options.Skew, now + options.AuthorityLifetime), key);
    }

    /// <summary>A server's certificate with its key, for the names and addresses of <paramref name="options"/>.</summary>
    public X509Certificate2 Sign(DateTimeOffset now, CertificateOptions options)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=hem-progress", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in options.DnsNames) names.AddDnsName(name);
        foreach (var address in options.Addresses) names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        var (from, to) = (now - options.Skew, now + options.ServingLifetime);
        if (from < Certificate.NotBefore) from = Certificate.NotBefore;
        if (to > Certificate.NotAfter) to = Certificate.NotAfter;
        var signer = X509SignatureGenerator.CreateForECDsa(Key);
        using var signed = request.Create(Certificate.SubjectName, signer, from, to, RandomNumberGenerator.GetBytes(16));
        return signed.CopyWithPrivateKey(key);
    }
}
