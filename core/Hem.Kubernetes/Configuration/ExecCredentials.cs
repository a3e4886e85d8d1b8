using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hem.Kubernetes;

/// <summary>
/// The exec plugin of a kubeconfig: a program that prints an ExecCredential with a token or a certificate. It is run once at a time, when
/// what it printed last is over, and when the server refused that.
/// </summary>
internal sealed class ExecCredentials(ExecConfiguration exec, KubernetesClientConfiguration config, TimeProvider time) : Credentials
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _one = new(1, 1);
    private volatile Credential? _current;

    private sealed record Credential(string? Token, X509Certificate2? Certificate, DateTimeOffset? Expires);

    public override X509Certificate2? Certificate => _current?.Certificate;

    public override async ValueTask<string?> TokenAsync(Refusal? refused, CancellationToken cancel)
    {
        if (IsGood(_current, refused)) return _current!.Token;
        await _one.WaitAsync(cancel);
        try
        {
            // Somebody else may have renewed it while we waited.
            if (!IsGood(_current, refused)) _current = await RunAsync(cancel);
            return _current!.Token;
        }
        finally
        {
            _one.Release();
        }
    }

    private bool IsGood(Credential? credential, Refusal? refused) =>
        credential is not null && (refused is null || refused.Token != credential.Token)
        && (credential.Expires is not { } expires || time.GetUtcNow() < expires - TimeSpan.FromSeconds(10));

    private async Task<Credential> RunAsync(CancellationToken cancel)
    {
        var start = new ProcessStartInfo(exec.Command) { RedirectStandardOutput = true, RedirectStandardInput = true };
        foreach (var argument in exec.Arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in exec.Environment) start.Environment[name] = value;
        start.Environment["KUBERNETES_EXEC_INFO"] = Info();
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            var hint = exec.InstallHint is null ? "" : $"\n{exec.InstallHint}";
            throw Fault($"cannot be started: {exception.Message}{hint}", exception);
        }
        using (process)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(_timeout);
            try
            {
                process.StandardInput.Close();
                var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
                await process.WaitForExitAsync(limit.Token);
                if (process.ExitCode != 0)
                {
                    throw Fault($"failed with exit code {process.ExitCode}; what it wrote to stderr says why.");
                }
                return Parse(output);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                throw Fault($"did not end within {_timeout.TotalSeconds:0} s.");
            }
            finally
            {
                if (!process.HasExited) process.Kill(entireProcessTree: true);
            }
        }
    }

    private string Info()
    {
        var spec = new JsonObject { ["interactive"] = false };
        if (exec.ProvideClusterInfo)
        {
            var cluster = new JsonObject { ["server"] = config.Server.ToString().TrimEnd('/') };
            var ca = config.CaPem ?? (config.CaFile is { } file ? File.ReadAllText(file) : null);
            if (ca is not null) cluster["certificate-authority-data"] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(ca));
            if (config.TlsServerName is not null) cluster["tls-server-name"] = config.TlsServerName;
            if (config.SkipTlsVerify) cluster["insecure-skip-tls-verify"] = true;
            if (config.Proxy is not null) cluster["proxy-url"] = config.Proxy.ToString();
            spec["cluster"] = cluster;
        }
        return new JsonObject { ["apiVersion"] = exec.ApiVersion, ["kind"] = "ExecCredential", ["spec"] = spec }.ToJsonString();
    }

    private Credential Parse(string output)
    {
        ExecCredential? credential;
        try
        {
            credential = JsonSerializer.Deserialize(output, InternalJson.Default.ExecCredential);
        }
        catch (JsonException exception)
        {
            throw Fault($"printed no ExecCredential: {exception.Message}", exception);
        }
        if (credential?.ApiVersion != exec.ApiVersion)
        {
            throw Fault($"answered in {credential?.ApiVersion ?? "no apiVersion"}; the kubeconfig says {exec.ApiVersion}.");
        }
        var status = credential.Status;
        var certificate = status is { ClientCertificateData: { } pem, ClientKeyData: { } key }
            ? ReadCertificate(pem, key, $"What the credential plugin {exec.Command} printed")
            : null;
        if (string.IsNullOrEmpty(status?.Token) && certificate is null)
            throw Fault("printed neither a token nor a certificate with its key.");
        return new(status!.Token, certificate, status.ExpirationTimestamp);
    }

    public override void Dispose() => _one.Dispose();

    private KubernetesConfigurationException Fault(string what, Exception? inner = null) =>
        new($"The credential plugin {exec.Command} {what}", inner);
}

/// <summary>What an exec plugin prints.</summary>
internal sealed record ExecCredential
{
    public string? ApiVersion { get; set; }
    public ExecCredentialStatus? Status { get; set; }
}

internal sealed record ExecCredentialStatus
{
    public string? Token { get; set; }
    public string? ClientCertificateData { get; set; }
    public string? ClientKeyData { get; set; }
    public DateTimeOffset? ExpirationTimestamp { get; set; }
}
