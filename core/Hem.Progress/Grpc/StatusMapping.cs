using System.Net;
using System.Net.Http;

namespace Hem.Progress.Grpc;

/// <summary>What a failure below gRPC means for a call (the specification's http-grpc-status-mapping.md and PROTOCOL-HTTP2.md).</summary>
internal static class StatusMapping
{
    // HTTP/2 error codes, RFC 9113 section 7.
    internal const int ProtocolErrorCode = 0x1;
    internal const int RefusedStream = 0x7;
    internal const int Cancel = 0x8;
    internal const int EnhanceYourCalm = 0xb;
    internal const int InadequateSecurity = 0xc;

    public static StatusCode FromHttpStatus(HttpStatusCode status) => (int)status switch
    {
        400 => StatusCode.Internal,
        401 => StatusCode.Unauthenticated,
        403 => StatusCode.PermissionDenied,
        404 => StatusCode.Unimplemented,
        429 or 502 or 503 or 504 => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    public static StatusCode FromHttp2Error(long errorCode) => errorCode switch
    {
        RefusedStream => StatusCode.Unavailable,
        Cancel => StatusCode.Cancelled,
        EnhanceYourCalm => StatusCode.ResourceExhausted,
        InadequateSecurity => StatusCode.PermissionDenied,
        >= 0x0 and <= 0xa => StatusCode.Internal,
        _ => StatusCode.Unknown,
    };

    /// <summary>
    /// Of what HttpClient threw. A lost, refused or closed connection is UNAVAILABLE; a reset stream is what its code says.
    /// </summary>
    public static Status FromException(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case RpcException rpc:
                    return rpc.Status;
                case HttpProtocolException { ErrorCode: var code } reset when !IsConnectionError(reset):
                    return new Status(FromHttp2Error(code), $"The server reset the stream (HTTP/2 error 0x{code:x}).", exception);
            }
        }
        var root = exception.GetBaseException();
        return exception is HttpRequestException or IOException or System.Net.Sockets.SocketException or ObjectDisposedException
            ? new Status(StatusCode.Unavailable, $"The connection failed: {root.Message}", exception)
            : new Status(StatusCode.Internal, $"The call failed: {root.GetType().Name}: {root.Message}", exception);
    }

    // HttpClient tells a reset stream and a closed connection apart only by its words.
    private static bool IsConnectionError(HttpProtocolException e) => !e.Message.Contains("stream", StringComparison.OrdinalIgnoreCase);
}
