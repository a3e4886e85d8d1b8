using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Hem.Progress.Grpc;

/// <summary>
/// The way to one server. Connects when a call needs it, shares one connection between calls, and connects anew after a loss; calls
/// beyond what the server allows a connection wait for their turn. Thread-safe. Disposing cancels the open calls.
/// </summary>
public sealed class GrpcChannel : IDisposable
{
    private readonly CancellationTokenSource _disposed = new();
    private readonly bool _ownsHandler;

    private GrpcChannel(string target, Uri address, HttpMessageHandler handler, GrpcChannelOptions options)
    {
        Target = target;
        Address = address;
        Options = options;
        _ownsHandler = options.HttpHandler is null;
        Invoker = new HttpMessageInvoker(handler, _ownsHandler);
    }

    /// <summary>The address as it was given.</summary>
    public string Target { get; }

    internal Uri Address { get; }
    internal GrpcChannelOptions Options { get; }
    internal HttpMessageInvoker Invoker { get; }
    internal CancellationToken Disposed => _disposed.Token;

    /// <param name="address">
    /// <c>http://host:port</c> (HTTP/2 with prior knowledge), <c>https://host:port</c>, or a unix socket: <c>unix:/path</c>,
    /// <c>unix:///path</c>, <c>unix:relative/path</c>
    /// </param>
    /// <exception cref="ArgumentException">the address is none of these</exception>
    public static GrpcChannel ForAddress(string address, GrpcChannelOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(address);
        options ??= new GrpcChannelOptions();
        if (address.StartsWith("unix:", StringComparison.Ordinal))
        {
            var path = address["unix:".Length..];
            if (path.StartsWith("///", StringComparison.Ordinal))
                path = path[2..];
            if (path.Length == 0 || path.StartsWith("//", StringComparison.Ordinal))
                throw new ArgumentException($"'{address}' is no address: write unix:/path/of/socket.", nameof(address));
            var endpoint = new UnixDomainSocketEndPoint(path);
            return new GrpcChannel(address, new Uri("http://localhost"), options.HttpHandler ?? Handler(options, endpoint), options);
        }
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new ArgumentException(
                $"'{address}' is no address: write http://host:port, https://host:port or unix:/path.", nameof(address));
        }
        return new GrpcChannel(address, uri, options.HttpHandler ?? Handler(options, null), options);
    }

    public CallInvoker CreateCallInvoker() => new(this);

    public void Dispose()
    {
        _disposed.Cancel();
        Invoker.Dispose();
    }

    private static SocketsHttpHandler Handler(GrpcChannelOptions options, UnixDomainSocketEndPoint? unix)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = options.KeepAlivePingDelay,
            KeepAlivePingTimeout = options.KeepAlivePingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        if (options.RootCertificates is { } roots)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.AddRange(roots);
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        }
        if (unix is not null)
            handler.ConnectCallback = (_, cancellationToken) => ConnectAsync(unix, cancellationToken);
        return handler;
    }

    private static async ValueTask<Stream> ConnectAsync(UnixDomainSocketEndPoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(endpoint, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
