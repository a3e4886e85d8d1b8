using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hem.Kubernetes;

/// <summary>Who we are to the API server, now: tokens and certificates change while a client runs.</summary>
internal abstract class Credentials : IDisposable
{
    /// <summary>The certificate to begin the next connection with, after <see cref="TokenAsync"/> was called.</summary>
    public virtual X509Certificate2? Certificate => null;

    /// <summary>The bearer token for the next request, or null for none.</summary>
    /// <param name="refused">What the server refused: do not answer so from memory. Null where it refused nothing.</param>
    /// <param name="cancel">Ends the wait.</param>
    public abstract ValueTask<string?> TokenAsync(Refusal? refused, CancellationToken cancel);

    public virtual void Dispose()
    {
    }

    public static Credentials From(KubernetesClientConfiguration config, TimeProvider time) =>
        config.Exec is { } exec && config.Token is null && config.TokenFile is null
            ? new ExecCredentials(exec, config, time)
            : new FileCredentials(config, time);

    /// <summary>A 401, and the token (null: a certificate alone) that it was for.</summary>
    internal sealed record Refusal(string? Token);

    internal static X509Certificate2 ReadCertificate(string certificatePem, string keyPem, string what)
    {
        try
        {
            return X509Certificate2.CreateFromPem(certificatePem, keyPem);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new KubernetesConfigurationException($"{what} is no certificate with its key: {exception.Message}", exception);
        }
    }
}

/// <summary>Tokens and certificates that are given or lie in files; files are read again every <see cref="Reread"/>.</summary>
internal sealed class FileCredentials(KubernetesClientConfiguration config, TimeProvider time) : Credentials
{
    /// <summary>Kubelets renew tokens when 80% of their life is over, so half a minute is early enough.</summary>
    public static readonly TimeSpan Reread = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly RereadFile? _token = config.TokenFile is { } token ? new(token, time) : null;
    private readonly RereadFile? _certificateFile = config.ClientCertificateFile is { } certificate ? new(certificate, time) : null;
    private readonly RereadFile? _keyFile = config.ClientKeyFile is { } key ? new(key, time) : null;
    private (string Certificate, string Key) _read;
    private X509Certificate2? _certificate;

    public override X509Certificate2? Certificate
    {
        get
        {
            lock (_lock)
            {
                var certificate = config.ClientCertificatePem ?? _certificateFile?.Read(false);
                var key = config.ClientKeyPem ?? _keyFile?.Read(false);
                if (certificate is null || key is null) return null;
                if (_certificate is not null && _read == (certificate, key)) return _certificate;
                try
                {
                    _certificate = ReadCertificate(certificate, key, config.ClientCertificateFile ?? "The client certificate");
                }
                catch (KubernetesConfigurationException) when (_certificate is not null)
                {
                    // Between the rotation of one file and of the other; the old pair serves until both are there.
                    return _certificate;
                }
                _read = (certificate, key);
                return _certificate;
            }
        }
    }

    public override ValueTask<string?> TokenAsync(Refusal? refused, CancellationToken cancel) =>
        new(config.Token ?? _token?.Read(now: refused is not null).Trim());

    /// <summary>A file's text, at most so old; while it cannot be read, as it was.</summary>
    internal sealed class RereadFile(string path, TimeProvider time)
    {
        private volatile Content? _content;

        private sealed record Content(string Text, long ReadAt);

        public string Read(bool now)
        {
            if (!now && _content is { } content && time.GetElapsedTime(content.ReadAt) < Reread) return content.Text;
            try
            {
                var at = time.GetTimestamp();
                var text = File.ReadAllText(path);
                // An empty file is one that is being written.
                if (text.Length > 0 || _content is null) _content = new(text, at);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                if (_content is null) throw new KubernetesConfigurationException($"{path} cannot be read: {exception.Message}", exception);
            }
            return _content!.Text;
        }
    }
}
