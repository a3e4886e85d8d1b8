using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Progress.Tests.Grpc;

/// <summary>HTTP/2 frames put together and taken apart by hand (RFC 9113), with header blocks that use no compression (RFC 7541).</summary>
internal static class RawHttp2
{
    public const byte Data = 0, Headers = 1, ResetStream = 3, Settings = 4, Ping = 6, GoAway = 7;
    public const byte EndStream = 1, EndHeaders = 4, Ack = 1;

    public static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    public static byte[] Frame(byte type, byte flags, int stream, params ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    public static byte[] HeaderBlock(params IEnumerable<(string Name, string Value)> headers) =>
        [.. headers.SelectMany(header => (byte[])[0, .. Literal(header.Name), .. Literal(header.Value)])];

    private static byte[] Literal(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    public static byte[] Error(byte type, int stream, int lastStream, int code) => type == GoAway
        ? Frame(type, 0, 0, [0, 0, 0, (byte)lastStream, 0, 0, 0, (byte)code])
        : Frame(type, 0, stream, [0, 0, 0, (byte)code]);

    /// <summary>A whole request for a duplex echo.</summary>
    public static byte[] Request(byte[] body) =>
    [
        .. Preface,
        .. Frame(Settings, 0, 0),
        .. Frame(Headers, EndHeaders, 1, HeaderBlock(
            (":method", "POST"), (":scheme", "http"), (":path", "/hem.test.Echo/Duplex"), (":authority", "localhost"),
            ("content-type", "application/grpc"), ("te", "trailers"))),
        .. Frame(Data, EndStream, 1, body),
    ];

    public static async Task<(byte Type, byte Flags, int Stream, byte[] Payload)?> ReadFrameAsync(Stream stream)
    {
        var head = new byte[9];
        if (await stream.ReadAtLeastAsync(head, 9, throwOnEndOfStream: false) < 9)
            return null;
        var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8 & 0xffffff];
        await stream.ReadExactlyAsync(payload);
        return (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
    }
}

/// <summary>A server of which a test writes every byte: it shakes hands, waits for a request, and hands over.</summary>
internal sealed class RawHttp2Server : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<int, NetworkStream, Task> _answer;
    private readonly Task _serving;

    /// <param name="answer">given which connection this is, from 1, and the connection; it is closed afterwards</param>
    public RawHttp2Server(Func<int, NetworkStream, Task> answer)
    {
        _answer = answer;
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Address => $"http://{_listener.LocalEndpoint}";
    public int Connections { get; private set; }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                return;
            }
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            try
            {
                await stream.ReadExactlyAsync(new byte[RawHttp2.Preface.Length]);
                await stream.WriteAsync(RawHttp2.Frame(RawHttp2.Settings, 0, 0));
                while (await RawHttp2.ReadFrameAsync(stream) is { Type: not RawHttp2.Headers })
                {
                }
                await _answer(++Connections, stream);
            }
            catch (IOException)
            {
                // The client gave up first.
            }
        }
    }
}
