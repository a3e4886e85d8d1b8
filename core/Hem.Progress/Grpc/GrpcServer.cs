using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hem.Progress.Grpc;

/// <summary>What the calls of one server share, and the way in for each.</summary>
internal sealed class GrpcServer
{
    /// <summary>Timers take no more than 2^32 - 2 ms; a deadline beyond is as good as none.</summary>
    public static readonly TimeSpan LongestTimer = TimeSpan.FromDays(49);

    private readonly CancellationTokenSource _stopped;
    private readonly PeerStreams _peers;

    public GrpcServer(GrpcServiceOptions options, ILoggerFactory loggers, IHostApplicationLifetime lifetime)
    {
        Options = options;
        _peers = new PeerStreams(options.MaxStreamsPerPeer, options.PeerPatience);
        Logger = loggers.CreateLogger("Hem.Progress.Grpc");
        _stopped = new CancellationTokenSource(Timeout.InfiniteTimeSpan, options.TimeProvider);
        lifetime.ApplicationStopping.Register(() => _stopped.CancelAfter(options.ShutdownGrace));
    }

    public GrpcServiceOptions Options { get; }
    public ILogger Logger { get; }

    /// <summary>Cancelled when the grace that a stopping server gives its calls is over.</summary>
    public CancellationToken Stopped => _stopped.Token;

    public bool FallbackMapped { get; set; }

    /// <param name="method">null = nobody knows this method</param>
    public async Task HandleAsync(HttpContext http, ServerMethod? method)
    {
        if (!HttpProtocol.IsHttp2(http.Request.Protocol))
        {
            http.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            http.Response.Headers.Upgrade = "h2c";
            return;
        }
        if (!GrpcProtocol.IsGrpcContentType(http.Request.ContentType))
        {
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }
        if (method is null)
        {
            Refuse(http, StatusCode.Unimplemented, $"Method {http.Request.Path} is unknown.");
            return;
        }
        TimeSpan? timeout = null;
        if (http.Request.Headers.TryGetValue(GrpcProtocol.TimeoutHeader, out var text))
        {
            if (!GrpcProtocol.TryDecodeTimeout(text.ToString(), out var decoded))
            {
                Refuse(http, StatusCode.Internal, $"grpc-timeout '{text}' is malformed.");
                return;
            }
            timeout = decoded;
        }
        var peer = Options.PeerOf(http);
        if (peer is not null && !await _peers.TryEnterAsync(peer, http.RequestAborted).ConfigureAwait(false))
        {
            Refuse(http, StatusCode.ResourceExhausted, $"This peer has {Options.MaxStreamsPerPeer} calls open already.");
            return;
        }
        try
        {
            await new ServerCall(this, http).RunAsync(method, timeout).ConfigureAwait(false);
        }
        finally
        {
            if (peer is not null)
                _peers.Leave(peer);
        }
    }

    public static void BeginResponse(HttpResponse response)
    {
        response.ContentType = GrpcProtocol.ContentType;
        response.Headers[GrpcProtocol.AcceptEncodingHeader] = GrpcProtocol.Identity;
    }

    /// <summary>The status and the trailers: as trailers, or where nothing has been written, as the only headers.</summary>
    public static void End(HttpResponse response, Status status, Metadata trailers, bool bodyWritten)
    {
        var headers = bodyWritten
            ? response.HttpContext.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers
            : response.Headers;
        Append(headers, trailers);
        headers[GrpcProtocol.StatusHeader] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        if (status.Detail.Length > 0)
            headers[GrpcProtocol.MessageHeader] = GrpcProtocol.PercentEncode(status.Detail);
    }

    public static void Append(IHeaderDictionary headers, Metadata metadata)
    {
        foreach (var entry in metadata)
        {
            if (!GrpcProtocol.IsReserved(entry.Key))
                headers.Append(entry.Key, entry.IsBinary ? GrpcProtocol.EncodeBinary(entry.ValueBytes) : entry.Value);
        }
    }

    private static void Refuse(HttpContext http, StatusCode code, string detail)
    {
        BeginResponse(http.Response);
        End(http.Response, new Status(code, detail), Metadata.Empty, bodyWritten: false);
    }
}

internal static partial class GrpcLog
{
    [LoggerMessage(1, LogLevel.Error, "The handler of {Method} failed.")]
    public static partial void HandlerFailed(ILogger logger, Exception exception, string method);

    [LoggerMessage(2, LogLevel.Warning, "Cut off {Method} of {Peer}: {Detail}")]
    public static partial void CutOff(ILogger logger, string method, string peer, string detail);
}
