using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hem.TestCluster;

/// <summary>
/// The cluster's DNS, as far as pods need it: the addresses of services, by NAME.NAMESPACE.svc.cluster.local. Everything else does not
/// exist.
/// </summary>
internal sealed class ClusterDns : IAsyncDisposable
{
    public const string Domain = "cluster.local";
    private const int HeaderLength = 12, NameError = 3;
    private const ushort TypeA = 1;
    private readonly ClusterApi _api;
    private readonly Socket _socket;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _serving;

    public ClusterDns(ClusterApi api, IPAddress address)
    {
        _api = api;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        _socket.Bind(new IPEndPoint(address, 53));
        _serving = Task.Run(ServeAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _serving;
        _socket.Dispose();
        _ended.Dispose();
    }

    private async Task ServeAsync()
    {
        var question = new byte[512];
        while (!_ended.IsCancellationRequested)
        {
            try
            {
                var from = await _socket.ReceiveFromAsync(question, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _ended.Token);
                if (await AnswerAsync(question.AsMemory(0, from.ReceivedBytes)) is { } answer)
                    await _socket.SendToAsync(answer, SocketFlags.None, from.RemoteEndPoint, _ended.Token);
            }
            catch (Exception e) when (e is SocketException or HttpRequestException or ClusterApiException or OperationCanceledException)
            {
                // Unanswered: the asker asks again.
            }
        }
    }

    /// <returns>null: no question that can be read.</returns>
    private async Task<byte[]?> AnswerAsync(ReadOnlyMemory<byte> question)
    {
        if (!TryReadName(question.Span, out var name, out var end)) return null;
        var address = await AddressAsync(name);
        var type = BinaryPrimitives.ReadUInt16BigEndian(question.Span[end..]);
        var hasAnswer = address is not null && type == TypeA;
        var answer = new byte[end + 4 + (hasAnswer ? 16 : 0)];
        question[..(end + 4)].CopyTo(answer);
        var header = answer.AsSpan(0, HeaderLength);
        header[2] = (byte)(0x84 | (header[2] & 1)); // a response, authoritative
        header[3] = (byte)(address is null ? NameError : 0);
        BinaryPrimitives.WriteUInt64BigEndian(header[4..], hasAnswer ? 0x0001_0001_0000_0000UL : 0x0001_0000_0000_0000UL);
        if (hasAnswer)
        {
            // The name by a pointer to the question, type A, class IN, 5 s to live, 4 bytes.
            Convert.FromHexString("C00C00010001000000050004").CopyTo(answer.AsSpan(end + 4));
            address!.TryWriteBytes(answer.AsSpan(end + 16), out _);
        }
        return answer;
    }

    private async Task<IPAddress?> AddressAsync(string name)
    {
        if (name.Split('.') is not [var service, var space, "svc", "cluster", "local"]) return null;
        var found = await _api.GetAsync($"/api/v1/namespaces/{space}/services/{service}", _ended.Token);
        return IPAddress.TryParse((string?)found?["spec"]?["clusterIP"], out var address) ? address : null;
    }

    private static bool TryReadName(ReadOnlySpan<byte> question, out string name, out int end)
    {
        var labels = new List<string>();
        (name, end) = ("", HeaderLength);
        while (end < question.Length && question[end] is > 0 and < 64 && end + 1 + question[end] < question.Length)
        {
            labels.Add(Encoding.ASCII.GetString(question.Slice(end + 1, question[end])).ToLowerInvariant());
            end += 1 + question[end];
        }
        if (end + 5 > question.Length || question[end] != 0) return false;
        end++;
        name = string.Join('.', labels);
        return true;
    }
}
