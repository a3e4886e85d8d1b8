using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Hem.Progress.Grpc;

namespace Progress.Tests.Grpc;

/// <summary>gRPC without the library under test: frames put together by hand, and what the specification says of broken ones.</summary>
internal sealed class RawGrpc(string address) : IDisposable
{
    private readonly HttpClient _http = new();

    public static byte[] Frame(byte[] message, byte flag = 0)
    {
        var frame = new byte[5 + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    public static byte[] Frames(params IEnumerable<string> messages) =>
        [.. messages.SelectMany(message => Frame(EchoService.Message(message).ToByteArray()))];

    /// <summary>What a body of BytesValue messages must end with, and how many messages come before.</summary>
    public static (StatusCode Code, int Messages) Verdict(ReadOnlySpan<byte> body)
    {
        for (var messages = 0; ; messages++)
        {
            if (body.IsEmpty)
                return (StatusCode.OK, messages);
            if (body.Length < 5 || body[0] != 0)
                return (StatusCode.Internal, messages);
            var length = BinaryPrimitives.ReadUInt32BigEndian(body[1..]);
            if (length > 4 * 1024 * 1024)
                return (StatusCode.ResourceExhausted, messages);
            if (body.Length - 5 < length)
                return (StatusCode.Internal, messages);
            try
            {
                BytesValue.Parser.ParseFrom(body.Slice(5, (int)length));
            }
            catch (InvalidProtocolBufferException)
            {
                return (StatusCode.Internal, messages);
            }
            body = body[(5 + (int)length)..];
        }
    }

    /// <summary>Breaks good frames in one of the ways that bytes break. Deterministic in <paramref name="random"/>.</summary>
    public static byte[] Mutate(byte[] good, Random random)
    {
        byte[] bytes = [.. good];
        switch (random.Next(6))
        {
            case 0:
                return bytes[..random.Next(1, bytes.Length)];
            case 1:
                for (var flips = random.Next(1, 8); flips > 0; flips--)
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2:
                // A length that lies.
                BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), (uint)random.NextInt64(uint.MaxValue));
                return bytes;
            case 3:
                bytes[0] = (byte)random.Next(1, 256);
                return bytes;
            case 4:
                var at = random.Next(bytes.Length);
                return [.. bytes[..at], .. bytes[random.Next(at, bytes.Length)..], (byte)random.Next(256)];
            default:
                random.NextBytes(bytes);
                return bytes;
        }
    }

    public async Task<(StatusCode? Code, string Detail, int Messages, HttpResponseMessage Http)> PostAsync(
        string path, byte[] body, string contentType = "application/grpc", Action<HttpRequestHeaders>? headers = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        headers?.Invoke(request.Headers);
        using var timeout = new CancellationTokenSource(Wait.Limit);
        var response = await _http.SendAsync(request, timeout.Token);
        var answer = await response.Content.ReadAsByteArrayAsync(timeout.Token);
        var ending = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        if (!ending.TryGetValues("grpc-status", out var status))
            return (null, "", 0, response);
        var (code, messages) = Verdict(answer);
        code.ShouldBe(StatusCode.OK, "the server's own frames are whole");
        return (
            (StatusCode)int.Parse(status.Single(), CultureInfo.InvariantCulture),
            ending.TryGetValues("grpc-message", out var detail) ? Uri.UnescapeDataString(detail.Single()) : "", messages, response);
    }

    public void Dispose() => _http.Dispose();
}
