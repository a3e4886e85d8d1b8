using System.Threading.Channels;

namespace Hem.Kubernetes;

public sealed record WorkQueueOptions
{
    /// <summary>Names the queue in metrics: as its controller (<see cref="Reconciler"/>).</summary>
    public string Name { get; init; } = "hem";

    /// <summary>How long a key waits after its first failure; twice as long after each further one.</summary>
    public TimeSpan BaseDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>No key waits longer than this after a failure: nothing is ever given up.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMinutes(5);
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>
/// Keys of objects that somebody should look at. A key that waits already is not added twice; one that is added while it is being worked
/// on comes once more when that is <see cref="Done"/>, and never to two workers at a time; none is ever dropped. First come, first served.
/// Thread-safe.
/// </summary>
public sealed class WorkQueue<TKey> : IDisposable
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly WorkQueueOptions _options;
    private readonly TimeProvider _time;

    // client-go's queue, dirty and processing. A key in _dirty is in _waiting too, unless it is in _working: then it waits for its Done.
    private readonly Channel<TKey> _waiting = Channel.CreateUnbounded<TKey>();
    private readonly Dictionary<TKey, long> _dirty = [];
    private readonly Dictionary<TKey, long> _working = [];
    private readonly Dictionary<TKey, int> _failures = [];
    private readonly DelayedKeys<TKey> _later;

    public WorkQueue(WorkQueueOptions? options = null)
    {
        _options = options ?? new();
        _time = _options.Time;
        _later = new(_time, Add);
        KubernetesMetrics.Observe(this, _options.Name, State);
    }

    internal TimeProvider Time => _time;

    /// <summary>How many keys wait for a worker.</summary>
    public int Count => _waiting.Reader.Count;

    /// <summary>How many keys wait for their time (<see cref="AddAfter"/>).</summary>
    public int DelayedCount => _later.Count;

    public void Add(TKey key)
    {
        lock (_lock)
        {
            if (!_dirty.TryAdd(key, _time.GetTimestamp())) return;
            KubernetesMetrics.Added(_options.Name);
            if (!_working.ContainsKey(key)) _waiting.Writer.TryWrite(key);
        }
    }

    /// <summary>Adds the key when the time is over. Of two times for one key the earlier counts.</summary>
    public void AddAfter(TKey key, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero) Add(key);
        else _later.Add(key, delay);
    }

    /// <summary>Adds the key after a time that grows with each call, until <see cref="Forget"/>.</summary>
    /// <returns>The time.</returns>
    public TimeSpan AddRateLimited(TKey key)
    {
        int failures;
        lock (_lock)
        {
            failures = _failures.GetValueOrDefault(key);
            _failures[key] = failures + 1;
        }
        KubernetesMetrics.Retried(_options.Name);
        var delay = Math.Min(_options.MaxDelay.TotalSeconds, _options.BaseDelay.TotalSeconds * Math.Pow(2, Math.Min(failures, 60)));
        AddAfter(key, TimeSpan.FromSeconds(delay));
        return TimeSpan.FromSeconds(delay);
    }

    /// <summary>The key is well: its next failure waits as short as the first. Call it also for keys that will not come again.</summary>
    public void Forget(TKey key)
    {
        lock (_lock) _failures.Remove(key);
    }

    /// <summary>How often the key was <see cref="AddRateLimited"/> since it was last well.</summary>
    public int Failures(TKey key)
    {
        lock (_lock) return _failures.GetValueOrDefault(key);
    }

    /// <summary>The next key, as soon as there is one. Whoever takes a key must say <see cref="Done"/>, whatever happens.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the queue was disposed of.</exception>
    public async ValueTask<TKey> GetAsync(CancellationToken cancel = default)
    {
        TKey key;
        try
        {
            key = await _waiting.Reader.ReadAsync(cancel);
        }
        catch (ChannelClosedException exception)
        {
            throw new OperationCanceledException($"The work queue {_options.Name} is closed.", exception);
        }
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            if (_dirty.Remove(key, out var added)) KubernetesMetrics.Waited(_options.Name, _time.GetElapsedTime(added, now));
            _working.Add(key, now);
        }
        return key;
    }

    /// <summary>The work on a key that <see cref="GetAsync"/> gave is over.</summary>
    public void Done(TKey key)
    {
        lock (_lock)
        {
            if (!_working.Remove(key, out var began)) throw new InvalidOperationException($"Nobody works on {key}.");
            KubernetesMetrics.Worked(_options.Name, _time.GetElapsedTime(began));
            if (_dirty.ContainsKey(key)) _waiting.Writer.TryWrite(key);
        }
    }

    /// <summary>
    /// Wakes whoever waits in <see cref="GetAsync"/>, once what waits is taken; what is added from now on is not given out.
    /// </summary>
    public void Dispose()
    {
        _waiting.Writer.TryComplete();
        _later.Dispose();
        KubernetesMetrics.Forget(this);
    }

    private KubernetesMetrics.QueueState State()
    {
        lock (_lock)
        {
            var (sum, longest) = (0.0, 0.0);
            var now = _time.GetTimestamp();
            foreach (var began in _working.Values)
            {
                var seconds = _time.GetElapsedTime(began, now).TotalSeconds;
                sum += seconds;
                longest = Math.Max(longest, seconds);
            }
            return new(Count, sum, longest);
        }
    }
}
