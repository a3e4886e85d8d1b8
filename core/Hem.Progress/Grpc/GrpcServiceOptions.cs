using Microsoft.AspNetCore.Http;

namespace Hem.Progress.Grpc;

/// <summary>The limits of a server.</summary>
public sealed class GrpcServiceOptions
{
    /// <summary>
    /// Largest message taken, bytes. A larger one is refused by its length alone (RESOURCE_EXHAUSTED), before it is read.
    /// </summary>
    public int MaxReceiveMessageSize { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Messages of one stream that may wait for a client that does not read; then the call is cut off (RESOURCE_EXHAUSTED). Only
    /// writes that the handler does not await can gather.
    /// </summary>
    public int MaxQueuedMessages { get; set; } = 1000;

    /// <summary>
    /// Calls that one peer may have open at once, however many connections it makes; one more waits for a place, and is refused
    /// (RESOURCE_EXHAUSTED) where none comes free within <see cref="PeerPatience"/>. HTTP/2 limits each connection to as many on its own:
    /// see <see cref="GrpcServerExtensions.ConfigureForGrpc"/>.
    /// </summary>
    public int MaxStreamsPerPeer { get; set; } = 64;

    /// <summary>A client may begin a call as soon as it has given up another, whose handler has yet to notice.</summary>
    public TimeSpan PeerPatience { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Who is one peer: calls with equal answers share <see cref="MaxStreamsPerPeer"/>; null = this call is not counted. By default the
    /// bearer of one token, else (without one) the remote address, else (unix socket) the connection. A caller that makes up tokens
    /// evades this count, but its calls last only until the handler refuses them.
    /// </summary>
    public Func<HttpContext, string?> PeerOf { get; set; } = PeerStreams.DefaultPeerOf;

    /// <summary>
    /// After the host begins to stop, calls may go on for this long; then their tokens are cancelled and they end with UNAVAILABLE. For
    /// connections whose clients do not hear that (stopped, stalled), the host waits up to its own <c>HostOptions.ShutdownTimeout</c>.
    /// </summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs the deadlines.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
