using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Hem.Progress.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hem.Progress;

/// <summary>Where a <see cref="ProgressServer"/> listens.</summary>
public sealed record ProgressServerOptions
{
    /// <summary>Path of a unix socket (at most 100 bytes), or null. Only its owner may connect.</summary>
    public string? UnixSocket { get; init; }

    /// <summary>Address and port (0: any free one), or null.</summary>
    public IPEndPoint? Tcp { get; init; }

    /// <summary>Certificate for <see cref="Tcp"/>; null (and no <see cref="CertificateSelector"/>): no TLS.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>
    /// Asked at each connection for the certificate to show, in place of <see cref="Certificate"/>: a renewed one takes effect at once.
    /// </summary>
    public Func<SslStreamCertificateContext>? CertificateSelector { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Gets warnings and errors of the server; null: nobody does.</summary>
    public ILoggerProvider? Logging { get; init; }
}

/// <summary>Serves a <see cref="ProgressService"/> on Kestrel until disposed.</summary>
public sealed class ProgressServer : IAsyncDisposable
{
    /// <summary>A unix socket's path has room for 107 bytes; this leaves some for the name that it is made under.</summary>
    public const int LongestSocketPath = 100;

    private readonly WebApplication _application;
    private readonly string? _socket;

    private ProgressServer(WebApplication application, string? socket) => (_application, _socket) = (application, socket);

    /// <summary>What a trainer's HEM_PROGRESS_ADDRESS says: the unix socket where there is one, else the TCP address.</summary>
    public string Address => UnixAddress ?? TcpAddress!;

    /// <summary><c>unix:/path</c>, or null.</summary>
    public string? UnixAddress => _socket is null ? null : "unix:" + _socket;

    /// <summary><c>http://host:port</c> or <c>https://host:port</c> with the port in use, or null.</summary>
    public string? TcpAddress { get; private init; }

    /// <exception cref="IOException">The address is in use by a server that answers, or cannot be listened on.</exception>
    public static async Task<ProgressServer> StartAsync(
        ProgressService service, ProgressServerOptions options, CancellationToken cancellationToken = default)
    {
        if (options.UnixSocket is null && options.Tcp is null)
            throw new ArgumentException("A unix socket, a TCP address or both are needed.", nameof(options));
        var socket = options.UnixSocket is { } path ? Path.GetFullPath(path) : null;
        if (socket is not null) await CheckSocketAsync(socket, cancellationToken).ConfigureAwait(false);

        var builder = BareServer.CreateBuilder(shutdown: TimeSpan.FromSeconds(2));
        builder.Services.AddGrpc(grpc => grpc.TimeProvider = options.Time);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        if (options.Logging is { } logging) builder.Logging.AddProvider(logging);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ConfigureForGrpc();
            // Made under another name, so that nobody can connect before its mode is set and a stale file is replaced at once.
            if (socket is not null) kestrel.ListenUnixSocket(socket + "~");
            if (options.Tcp is { } tcp)
                kestrel.Listen(tcp, listen =>
                {
                    if (options.CertificateSelector is { } select) listen.UseHttps(Tls(select));
                    else if (options.Certificate is { } certificate) listen.UseHttps(certificate);
                });
        });
        if (options.Certificate is not null || options.CertificateSelector is not null) builder.WebHost.UseKestrelHttpsConfiguration();
        var application = builder.Build();
        application.UseRouting();
        application.MapGrpcService(service.Definition);
        try
        {
            if (socket is not null) File.Delete(socket + "~");
            await application.StartAsync(cancellationToken).ConfigureAwait(false);
            if (socket is not null)
            {
                if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(socket + "~", UnixFileMode.UserRead | UnixFileMode.UserWrite);
                File.Move(socket + "~", socket, overwrite: true);
            }
        }
        catch
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        var tcpAddress = addresses.FirstOrDefault(address => !address.Contains("unix:", StringComparison.Ordinal));
        return new ProgressServer(application, socket) { TcpAddress = tcpAddress };
    }

    /// <summary>Ends the open streams with UNAVAILABLE (trainers keep what is not acknowledged) and stops listening.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_socket is not null) File.Delete(_socket);
        await _application.StopAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
    }

    private static TlsHandshakeCallbackOptions Tls(Func<SslStreamCertificateContext> select) => new()
    {
        OnConnection = _ => new(new SslServerAuthenticationOptions { ServerCertificateContext = select() }),
    };

    private static async Task CheckSocketAsync(string path, CancellationToken cancellationToken)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(path) > LongestSocketPath)
            throw new IOException($"{path}: is too long for a unix socket; {LongestSocketPath} bytes are the limit.");
        if (!File.Exists(path)) return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await probe.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            return;
        }

        throw new IOException($"{path}: another server is listening there.");
    }
}
