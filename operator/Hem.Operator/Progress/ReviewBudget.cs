using Hem.Operator.Metrics;

namespace Hem.Operator.Progress;

/// <summary>
/// How many bad tokens somebody may show in a time: each costs the API server a review, and anybody can make tokens up. Good ones are not
/// counted, but whoever comes from an address that has used its share up waits with the others there. Thread-safe.
/// </summary>
internal sealed class ReviewBudget(int burst, double perSecond, TimeProvider time, OperatorMetrics metrics)
{
    /// <summary>Addresses that are remembered; beyond, those that have their whole share again are forgotten, or else all.</summary>
    private const int MostPeers = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (double Left, long At)> _peers = new(StringComparer.Ordinal);

    /// <summary>Whether this peer may have another token reviewed now.</summary>
    public bool MayAsk(string peer)
    {
        lock (_lock)
        {
            if (Left(peer) >= 1) return true;
        }

        metrics.TokenReviewed("limited");
        return false;
    }

    /// <summary>A token of this peer's was bad.</summary>
    public void Spend(string peer)
    {
        lock (_lock)
        {
            double left = Left(peer);
            if (!_peers.ContainsKey(peer) && _peers.Count >= MostPeers) Forget();
            _peers[peer] = (left - 1, time.GetTimestamp());
        }
    }

    private double Left(string peer) => _peers.TryGetValue(peer, out var known)
        ? Math.Min(burst, known.Left + (time.GetElapsedTime(known.At).TotalSeconds * perSecond))
        : burst;

    private void Forget()
    {
        foreach (string peer in _peers.Keys.Where(peer => Left(peer) >= burst).ToArray()) _peers.Remove(peer);
        if (_peers.Count >= MostPeers) _peers.Clear();
    }
}

/// <summary>Too many bad tokens have come from there lately.</summary>
internal sealed class TooManyTokensException() : Exception("too many bad tokens came from this address; try again in a few seconds");
