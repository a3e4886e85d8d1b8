using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;

namespace Hem.Progress.Grpc;

/// <summary>A client's side of HTTP headers: those that begin a call, and what the server's mean.</summary>
internal static class CallHead
{
    private static readonly string s_userAgent =
        $"grpc-dotnet-hem/{typeof(CallHead).Assembly.GetName().Version?.ToString(3)} (.NET {Environment.Version})";

    public static HttpRequestMessage Request(
        GrpcChannel channel, string method, string? host, Metadata? metadata, TimeSpan? timeout, HttpContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(channel.Address, method))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        var headers = request.Headers;
        headers.Host = host;
        headers.TryAddWithoutValidation("TE", "trailers");
        headers.TryAddWithoutValidation("User-Agent", metadata?.GetValue("user-agent") is { } own ? $"{own} {s_userAgent}" : s_userAgent);
        headers.TryAddWithoutValidation(GrpcProtocol.AcceptEncodingHeader, GrpcProtocol.Identity);
        if (timeout is { } left)
            headers.TryAddWithoutValidation(GrpcProtocol.TimeoutHeader, GrpcProtocol.EncodeTimeout(left));
        foreach (var entry in metadata ?? Grpc.Metadata.Empty)
        {
            if (!GrpcProtocol.IsReserved(entry.Key) && entry.Key != "user-agent")
                headers.TryAddWithoutValidation(entry.Key, entry.IsBinary ? GrpcProtocol.EncodeBinary(entry.ValueBytes) : entry.Value);
        }
        return request;
    }

    /// <summary>What the server's trailers (or, where they come alone, headers) say of the call.</summary>
    public static Status Status(HttpHeadersNonValidated headers)
    {
        if (!headers.TryGetValues(GrpcProtocol.StatusHeader, out var code))
            return new Status(StatusCode.Unknown, "The server ended the call without a grpc-status.");
        if (!int.TryParse(code.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return new Status(StatusCode.Unknown, $"The server ended the call with grpc-status '{code}', which is no number.");
        headers.TryGetValues(GrpcProtocol.MessageHeader, out var detail);
        return new Status((StatusCode)number, GrpcProtocol.PercentDecode(detail.ToString()));
    }

    public static Metadata Metadata(HttpHeadersNonValidated headers)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in headers)
        {
            foreach (var value in values)
                GrpcProtocol.AddReceived(metadata, name, value);
        }
        return metadata;
    }
}
