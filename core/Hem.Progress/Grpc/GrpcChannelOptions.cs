using System.Net.Http;
using System.Security.Cryptography.X509Certificates;

namespace Hem.Progress.Grpc;

/// <summary>How a channel connects, and its limits.</summary>
public sealed class GrpcChannelOptions
{
    /// <summary>
    /// Carries the calls instead of the channel's own handler; the settings below that concern connections are then its business. The
    /// channel does not dispose of it.
    /// </summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    /// <summary>For https: the authorities to trust, and no others. Null = those of the machine.</summary>
    public X509Certificate2Collection? RootCertificates { get; set; }

    /// <summary>Largest message taken, bytes (RESOURCE_EXHAUSTED beyond).</summary>
    public int MaxReceiveMessageSize { get; set; } = 4 * 1024 * 1024;

    /// <summary>Largest message sent, bytes (RESOURCE_EXHAUSTED beyond). Null = the server decides.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>
    /// While calls are open, a server that has been silent for this long is pinged. (Stock gRPC servers take pings more often than every
    /// five minutes for abuse unless told otherwise: <c>grpc.http2.min_ping_interval_without_data_ms</c>.)
    /// </summary>
    public TimeSpan KeepAlivePingDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A pinged server that stays silent for this long is lost (UNAVAILABLE).</summary>
    public TimeSpan KeepAlivePingTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long one attempt to connect may take (UNAVAILABLE beyond).</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Runs the deadlines.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
