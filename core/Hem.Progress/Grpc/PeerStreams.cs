using Microsoft.AspNetCore.Http;

namespace Hem.Progress.Grpc;

/// <summary>Counts the open calls of each peer.</summary>
internal sealed class PeerStreams(int limit, TimeSpan patience)
{
    private readonly Dictionary<string, Share> _peers = new(StringComparer.Ordinal);

    /// <returns>false: the peer's share stayed used up</returns>
    public async ValueTask<bool> TryEnterAsync(string peer, CancellationToken cancellationToken)
    {
        Share share;
        lock (_peers)
        {
            if (!_peers.TryGetValue(peer, out share!))
                _peers.Add(peer, share = new Share(new SemaphoreSlim(limit)));
            share.Users++;
        }
        var entered = false;
        try
        {
            return entered = await share.Open.WaitAsync(patience, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!entered)
                Forget(peer, share);
        }
    }

    public void Leave(string peer)
    {
        Share share;
        lock (_peers)
            share = _peers[peer];
        share.Open.Release();
        Forget(peer, share);
    }

    public static string DefaultPeerOf(HttpContext http) =>
        http.Request.Headers.Authorization is [{ } token, ..] ? "token " + token
        : http.Connection.RemoteIpAddress is { } address ? "address " + address
        : "connection " + http.Connection.Id;

    private void Forget(string peer, Share share)
    {
        lock (_peers)
        {
            if (--share.Users == 0)
                _peers.Remove(peer);
        }
    }

    private sealed record Share(SemaphoreSlim Open)
    {
        public int Users { get; set; }
    }
}
