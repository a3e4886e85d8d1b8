namespace Hem.Kubernetes;

/// <summary>Keys that wait for their time, with one timer for all of them.</summary>
internal sealed class DelayedKeys<TKey> : IDisposable
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Action<TKey> _due;
    private readonly ITimer _timer;
    private readonly long _origin;

    // A key's earliest time is in _times; entries of _order that say otherwise are left over and skipped.
    private readonly Dictionary<TKey, TimeSpan> _times = [];
    private readonly PriorityQueue<TKey, TimeSpan> _order = new();
    private TimeSpan _armed = TimeSpan.MaxValue;

    public DelayedKeys(TimeProvider time, Action<TKey> due)
    {
        (_time, _due, _origin) = (time, due, time.GetTimestamp());
        _timer = time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Count
    {
        get
        {
            lock (_lock) return _times.Count;
        }
    }

    public void Add(TKey key, TimeSpan delay)
    {
        lock (_lock)
        {
            var now = _time.GetElapsedTime(_origin);
            var at = now + delay;
            if (_times.TryGetValue(key, out var earlier) && earlier <= at) return;
            _times[key] = at;
            _order.Enqueue(key, at);
            if (at < _armed) Arm(at, now);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        List<TKey> due = [];
        lock (_lock)
        {
            var now = _time.GetElapsedTime(_origin);
            while (_order.TryPeek(out var key, out var at) && (at <= now || !IsCurrent(key, at)))
            {
                _order.Dequeue();
                if (!IsCurrent(key, at)) continue;
                _times.Remove(key);
                due.Add(key);
            }
            if (_order.TryPeek(out _, out var next)) Arm(next, now);
            else _armed = TimeSpan.MaxValue;
        }
        foreach (var key in due) _due(key);
    }

    private bool IsCurrent(TKey key, TimeSpan at) => _times.TryGetValue(key, out var current) && current == at;

    private void Arm(TimeSpan at, TimeSpan now)
    {
        _armed = at;
        // Rounded up to what timers can tell apart, lest it ring early and again; 49 days is all that they take.
        var delay = Math.Ceiling((at - now).TotalMilliseconds);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(delay, 1, uint.MaxValue - 1.0)), Timeout.InfiniteTimeSpan);
    }
}
