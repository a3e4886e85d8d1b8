using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Hem.Kubernetes;

public sealed record InformerOptions<T>
{
    public string? FieldSelector { get; init; }
    public int ChunkSize { get; init; } = 500;

    /// <summary>Takes away of each object what nobody reads, before it is kept.</summary>
    public Func<T, T>? Transform { get; init; }

    /// <summary>The longest time between two tries while the server cannot be reached.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// Keeps a copy of all objects of a kind (in a namespace, with a label), and tells what changes in it.
/// <para>
/// It tells what is, not all that was: an object that changed twice while the connection was broken is told of once, and one that was made
/// and deleted meanwhile not at all. What the server does not list any more after such a break is told of as deleted. When the server was
/// away, everything is listed anew and never resumed: it may have come back with an older state, in which any resourceVersion may stand for
/// something else. So an object's resourceVersion may go backwards, and a deleted one come back.
/// </para>
/// </summary>
public sealed class Informer<T> : IAsyncDisposable
    where T : class, IKubernetesObject
{
    private static readonly TimeSpan _firstDelay = TimeSpan.FromMilliseconds(100);

    // A server cannot be restarted and restored in so short a time; one that can be reached again this soon was there all along.
    private static readonly TimeSpan _surelyThere = TimeSpan.FromSeconds(1);

    private readonly KubernetesClient _client;
    private readonly ResourceKind<T> _kind;
    private readonly string? _namespace;
    private readonly string? _labelSelector;
    private readonly InformerOptions<T> _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LastingTrouble _trouble;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private Task? _running;
    private string? _resourceVersion;

    public Informer(KubernetesClient client, ResourceKind<T> kind, string? ns = null, string? labelSelector = null,
        InformerOptions<T>? options = null)
    {
        (_client, _kind, _namespace, _labelSelector, _options) = (client, kind, ns, labelSelector, options ?? new());
        (_time, _logger) = (client.Options.Time, client.Options.Logger);
        _trouble = new LastingTrouble(_time);
    }

    /// <summary>
    /// One object was added (null, new), modified (old, new) or deleted (last known, what the server told at its end or null if only its
    /// absence was seen). Called by one thread, in order, after the index has changed: hand the key to a queue and return. Who
    /// is added after <see cref="StartAsync"/> is not told of what was there before.
    /// </summary>
    public event Action<WatchEventType, T?, T?>? Changed;

    /// <summary>All that was there at the start is in the index and told of.</summary>
    public bool HasSynced => _synced.Task.IsCompletedSuccessfully;

    /// <summary>The state of the server that the index shows at least; for diagnosis.</summary>
    public string? ResourceVersion => _resourceVersion;

    /// <summary>How often everything was listed.</summary>
    public int Lists { get; private set; }

    public Indexer<T> Indexer { get; } = new();

    /// <summary>Starts; returns once <see cref="HasSynced"/>. Goes on until disposed of, also when the wait is cancelled.</summary>
    public Task StartAsync(CancellationToken cancel = default)
    {
        lock (_lock) _running ??= Task.Run(RunAsync, CancellationToken.None);
        return _synced.Task.WaitAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync();
        Task? running;
        lock (_lock) running = _running ??= Task.CompletedTask;
        await running;
        _synced.TrySetCanceled();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            var opened = false;
            var from = _resourceVersion;
            var began = _time.GetTimestamp();
            TimeSpan delay;
            try
            {
                if (_resourceVersion is null) await ListAsync();
                await WatchAsync(() => opened = true);
                // The server ended it, as it does every few minutes. One that does so at once is not asked again in a tight loop.
                failures = _time.GetElapsedTime(began) > _surelyThere || from != _resourceVersion ? 0 : failures + 1;
                delay = failures == 0 ? TimeSpan.Zero : Delay(failures);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                failures = opened && from != _resourceVersion ? 1 : failures + 1;
                delay = AfterFailure(exception, opened, failures);
            }
            if (delay <= TimeSpan.Zero) continue;
            try
            {
                await Task.Delay(delay, _time, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Decides whether to go on from where it broke off or to list anew, and how soon.</summary>
    private TimeSpan AfterFailure(Exception exception, bool opened, int failures)
    {
        var delay = Delay(failures);
        if (exception is KubernetesException { StatusCode: HttpStatusCode.TooManyRequests, RetryAfter: { } after })
            delay = after > delay ? after : delay;
        var reason = exception switch
        {
            HistoryException => exception.Message,
            KubernetesException { IsGone: true } => "the server has forgotten what was after the last change that was told",
            KubernetesException { StatusCode: HttpStatusCode.TooManyRequests } => null,
            HttpRequestException or KubernetesException when opened && delay < _surelyThere && exception is HttpRequestException => null,
            HttpRequestException => "the server was away",
            _ => "the watch failed",
        };
        // A relist that is due anyway begins at once, the first time.
        if (exception is HistoryException or KubernetesException { IsGone: true } && failures <= 1) delay = TimeSpan.Zero;
        if (reason is null)
        {
            Log.WatchBroke(_logger, _kind.ToString(), _resourceVersion ?? "", exception.Message);
            return delay;
        }
        if (exception is not (HistoryException or KubernetesException { IsGone: true }))
        {
            var fault = exception is HttpRequestException or KubernetesException ? exception.Message : exception.ToString();
            if (_trouble.IsNews(LastingTrouble.KindOf(exception))) Log.InformerFailed(_logger, _kind.ToString(), delay, fault);
        }
        if (_resourceVersion is not null) Log.Relisting(_logger, _kind.ToString(), reason);
        _resourceVersion = null;
        return delay;
    }

    private TimeSpan Delay(int failures)
    {
        var longest = Math.Min(_options.MaxDelay.TotalSeconds, _firstDelay.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 20)));
        // Half of it by chance, lest many informers come at the same moment to a server that has just come back.
        return TimeSpan.FromSeconds(longest * (0.5 + 0.5 * Random.Shared.NextDouble()));
    }

    private async Task ListAsync()
    {
        var options = new ListOptions
        {
            LabelSelector = _labelSelector,
            FieldSelector = _options.FieldSelector,
            ChunkSize = _options.ChunkSize,
        };
        var list = await _client.ListAsync(_kind, _namespace, options, _stop.Token);
        Lists++;
        Log.Listed(_logger, _kind.ToString(), list.Items.Count, list.ResourceVersion);
        var items = new Dictionary<ObjectKey, T>(list.Items.Count);
        foreach (var item in list.Items) items[item.Key()] = _options.Transform?.Invoke(item) ?? item;
        var old = Indexer.Replace(items);
        _resourceVersion = list.ResourceVersion;
        foreach (var (key, item) in items)
        {
            if (!old.Remove(key, out var before)) Tell(WatchEventType.Added, null, item, key);
            else if (IsAnother(before, item))
            {
                // Deleted and made anew while nobody looked.
                Tell(WatchEventType.Deleted, before, null, key);
                Tell(WatchEventType.Added, null, item, key);
            }
            else if (before.Metadata.ResourceVersion != item.Metadata.ResourceVersion) Tell(WatchEventType.Modified, before, item, key);
        }
        foreach (var (key, before) in old) Tell(WatchEventType.Deleted, before, null, key);
        _synced.TrySetResult();
    }

    private async Task WatchAsync(Action opened)
    {
        var options = new WatchOptions
        {
            LabelSelector = _labelSelector,
            FieldSelector = _options.FieldSelector,
            ResourceVersion = _resourceVersion,
        };
        await foreach (var (type, item) in _client.WatchAsync(_kind, _namespace, options, opened, _stop.Token))
        {
            var version = item.Metadata.ResourceVersion ?? throw new HistoryException("an event came without a resourceVersion");
            var order = Compare(version, _resourceVersion);
            if (order < 0)
                throw new HistoryException($"resourceVersion {version} came after {_resourceVersion}: this is another, older state");
            // An equal one was told already; but where versions are no numbers, who knows.
            if (type != WatchEventType.Bookmark && order != 0) Take(type, item);
            _resourceVersion = version;
        }
    }

    private void Take(WatchEventType type, T item)
    {
        var key = item.Key();
        if (type == WatchEventType.Deleted)
        {
            if (Indexer.Remove(key) is { } last) Tell(WatchEventType.Deleted, last, item, key);
            return;
        }
        if (_options.Transform is { } transform) item = transform(item);
        var old = Indexer.Set(key, item);
        if (old is null)
        {
            Tell(WatchEventType.Added, null, item, key);
        }
        else if (IsAnother(old, item))
        {
            Tell(WatchEventType.Deleted, old, null, key);
            Tell(WatchEventType.Added, null, item, key);
        }
        else
        {
            Tell(WatchEventType.Modified, old, item, key);
        }
    }

    private void Tell(WatchEventType type, T? old, T? item, ObjectKey key)
    {
        foreach (var handler in Delegate.EnumerateInvocationList(Changed))
        {
            try
            {
                handler(type, old, item);
            }
            catch (Exception exception)
            {
                Log.HandlerFailed(_logger, exception, _kind.ToString(), key);
            }
        }
    }

    private static bool IsAnother(T old, T item) => old.Metadata.Uid != item.Metadata.Uid;

    /// <summary>Kubernetes says that versions are numbers that grow. Null where one is not.</summary>
    private static int? Compare(string version, string? other) =>
        ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var a)
        && ulong.TryParse(other, NumberStyles.None, CultureInfo.InvariantCulture, out var b)
            ? a.CompareTo(b)
            : null;

    /// <summary>The server's history is not the one that we know the beginning of.</summary>
    private sealed class HistoryException(string message) : Exception(message);
}
