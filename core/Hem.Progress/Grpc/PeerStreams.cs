using Microsoft.AspNetCore.Http;

namespace Hem.Progress.Grpc;

/// <summary>Counts the open calls of each peer.</summary>
internal sealed class PeerStreams
{
    private readonly Dictionary<string, int> _open = new(StringComparer.Ordinal);

    public bool TryEnter(string peer, int limit)
    {
        lock (_open)
        {
            var open = _open.GetValueOrDefault(peer);
            if (open >= limit)
                return false;
            _open[peer] = open + 1;
            return true;
        }
    }

    public void Leave(string peer)
    {
        lock (_open)
        {
            if (--_open[peer] == 0)
                _open.Remove(peer);
        }
    }

    public static string DefaultPeerOf(HttpContext http) =>
        http.Request.Headers.Authorization is [{ } token, ..] ? "token " + token
        : http.Connection.RemoteIpAddress is { } address ? "address " + address
        : "connection " + http.Connection.Id;
}
