using Microsoft.AspNetCore.Http;

namespace Hem.Progress.Grpc;

/// <summary>What a handler knows of its call.</summary>
public sealed class ServerCallContext
{
    private readonly ServerCall _call;

    internal ServerCallContext(ServerCall call, Metadata requestHeaders, DateTime deadline)
    {
        _call = call;
        Method = call.Http.Request.Path.Value!;
        Host = call.Http.Request.Host.Value ?? "";
        Peer = call.Peer;
        RequestHeaders = requestHeaders;
        Deadline = deadline;
    }

    /// <summary><c>/hem.v1.Progress/Report</c></summary>
    public string Method { get; }

    /// <summary>The authority that the client asked for.</summary>
    public string Host { get; }

    /// <summary><c>ipv4:127.0.0.1:50000</c>, <c>ipv6:[::1]:50000</c>, or <c>unix:</c></summary>
    public string Peer { get; }

    /// <summary>UTC; <see cref="DateTime.MaxValue"/> where the client set none.</summary>
    public DateTime Deadline { get; }

    /// <summary>The client's metadata, <c>authorization</c> among it.</summary>
    public Metadata RequestHeaders { get; }

    /// <summary>
    /// Cancelled when nobody waits for the answer any more: the client cancelled or has gone, the deadline has passed, the call was cut
    /// off, or the server is stopping.
    /// </summary>
    public CancellationToken CancellationToken => _call.CancellationToken;

    /// <summary>Sent after the last message, with the status.</summary>
    public Metadata ResponseTrailers { get; } = [];

    /// <summary>How the call ends if the handler returns.</summary>
    public Status Status { get; set; } = Status.DefaultSuccess;

    /// <summary>For what handlers of one call want to share.</summary>
    public IDictionary<object, object> UserState { get; } = new Dictionary<object, object>();

    /// <summary>Sends the response headers now, before the first message. At most once.</summary>
    /// <exception cref="InvalidOperationException">they are sent already</exception>
    public Task WriteResponseHeadersAsync(Metadata responseHeaders) => _call.WriteResponseHeadersAsync(responseHeaders);

    /// <summary>Only while the handler runs.</summary>
    public HttpContext GetHttpContext() => _call.Http;
}
