using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Sweeps;

/// <summary>How urgent a status is; the lower first.</summary>
internal enum StatusRank
{
    FinalSweep,
    FinalTrial,
    Sweep,
    Trial,
}

/// <summary>
/// Writes statuses, seldom: of each object only the newest one that was offered, a sweep's at most once in
/// <see cref="OperatorOptions.SweepStatusInterval"/>, all together at most <see cref="OperatorOptions.StatusWritesPerSecond"/>, final ones
/// first. A status that says what the object says already is not written. Nothing waits for it: it is a view, and the truth is elsewhere.
/// </summary>
internal sealed class StatusPublisher : IAsyncDisposable
{
    /// <summary>Writes about a trial's way, for each of its attempts, before the one about its end.</summary>
    private const int TrialWritesOnTheWay = 2;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PendingDelay = TimeSpan.FromSeconds(1), StartingDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WatchDelay = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly SortedSet<Entry> _waiting = new(Comparer<Entry>.Create(Compare));
    private readonly KubernetesClient _client;
    private readonly OperatorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private long _order;

    public StatusPublisher(KubernetesClient client, OperatorOptions options, TimeProvider time, ILogger logger)
    {
        (_client, _options, _time, _logger) = (client, options, time, logger);
        _running = Task.Run(RunAsync);
    }

    private sealed class Entry
    {
        public required string Uid { get; init; }
        public required bool IsSweep { get; init; }
        public required string Namespace { get; init; }
        public required string Name { get; init; }
        public string? ResourceVersion { get; set; }
        public JsonNode? Wanted { get; set; }
        public JsonNode? Written { get; set; }
        public StatusRank Rank { get; set; }
        public long Order { get; set; }
        public int Attempts { get; set; }
        public int WritesOnTheWay { get; set; }
        public DateTimeOffset NotBefore { get; set; }
        public DateTimeOffset WrittenAt { get; set; } = DateTimeOffset.MinValue;
    }

    /// <summary>What the sweep's status should be. <paramref name="sweep"/> is the object as seen last.</summary>
    public void Offer(HemSweepResource sweep, HemSweepStatus status, bool isFinal) => Offer(
        sweep, isSweep: true, StatusJson.Node(status, HemJson.Default.HemSweepStatus),
        StatusJson.Node(sweep.Status, HemJson.Default.HemSweepStatus),
        isFinal ? StatusRank.FinalSweep : StatusRank.Sweep, 0);

    /// <summary>What the trial's status should be. <paramref name="trial"/> is the object as seen last.</summary>
    public void Offer(HemTrialResource trial, HemTrialStatus status, bool isFinal) => Offer(
        trial, isSweep: false, StatusJson.Node(status, HemJson.Default.HemTrialStatus),
        StatusJson.Node(trial.Status, HemJson.Default.HemTrialStatus),
        isFinal ? StatusRank.FinalTrial : StatusRank.Trial, status.Attempts ?? 0);

    /// <summary>What the sweep says now, as a watch tells.</summary>
    public void See(HemSweepResource sweep) => See(sweep, StatusJson.Node(sweep.Status, HemJson.Default.HemSweepStatus));

    /// <summary>What the trial says now, as a watch tells.</summary>
    public void See(HemTrialResource trial) => See(trial, StatusJson.Node(trial.Status, HemJson.Default.HemTrialStatus));

    /// <summary>The object is gone.</summary>
    public void Forget(string uid)
    {
        lock (_lock)
            if (_entries.Remove(uid, out Entry? entry)) _waiting.Remove(entry);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _wake.Dispose();
    }

    /// <summary>
    /// An API server that was put back to an older state says something else than was written. So does a watch that is late, but not
    /// for long.
    /// </summary>
    private void See(IKubernetesObject about, JsonNode? status)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(about.Metadata.Uid!, out Entry? entry) || entry.Wanted is null) return;
            if (_time.GetUtcNow() < entry.WrittenAt + WatchDelay || JsonNode.DeepEquals(status, entry.Written)) return;
            (entry.Written, entry.ResourceVersion) = (status, about.Metadata.ResourceVersion);
            if (JsonNode.DeepEquals(entry.Wanted, status)) return;
            _waiting.Add(entry);
        }

        _wake.Release();
    }

    private void Offer(IKubernetesObject about, bool isSweep, JsonNode? wanted, JsonNode? published, StatusRank rank, int attempts)
    {
        lock (_lock)
        {
            string uid = about.Metadata.Uid!;
            if (!_entries.TryGetValue(uid, out Entry? entry))
                _entries.Add(uid, entry = new Entry
                {
                    Uid = uid,
                    IsSweep = isSweep,
                    Namespace = about.Metadata.Namespace!,
                    Name = about.Metadata.Name!,
                    ResourceVersion = about.Metadata.ResourceVersion,
                    Written = published,
                });
            // Who waits already keeps his turn.
            bool waits = _waiting.Remove(entry) && entry.Rank == rank;
            string? version = about.Metadata.ResourceVersion;
            if (StatusJson.IsNewer(version, entry.ResourceVersion)) entry.ResourceVersion = version;
            if (attempts > entry.Attempts) (entry.Attempts, entry.WritesOnTheWay) = (attempts, 0);
            (entry.Wanted, entry.Rank) = (wanted, rank);
            bool isPending = rank == StatusRank.Trial && (string?)wanted?["phase"] == nameof(HemTrialPhase.Pending);
            // Most are on their way to a node, and that they run is the next news: only what waits longer says so, and why.
            if (isPending)
            {
                // And that it starts is no news at all: why it does not may be known in a moment.
                bool isStarting = (string?)wanted?["reason"] == StatusMapper.Starting;
                DateTimeOffset at = _time.GetUtcNow() + (isStarting ? StartingDelay : PendingDelay);
                if (!waits || at < entry.NotBefore) entry.NotBefore = at;
            }
            else if (!isPending && !isSweep) entry.NotBefore = DateTimeOffset.MinValue;
            if (JsonNode.DeepEquals(wanted, entry.Written)
                || (rank == StatusRank.Trial && entry.WritesOnTheWay >= (isPending ? 1 : TrialWritesOnTheWay)))
            {
                // A trial's last status on its way is enough; the one at its end will be offered.
                if (rank == StatusRank.FinalTrial) _entries.Remove(uid);
                return;
            }

            if (!waits) entry.Order = ++_order;
            _waiting.Add(entry);
        }

        _wake.Release();
    }

    private async Task RunAsync()
    {
        // As many at once as may be written in a second, and then one for each part of a second that goes by.
        double tokens = _options.StatusWritesPerSecond;
        DateTimeOffset filled = _time.GetUtcNow();
        try
        {
            while (true)
            {
                DateTimeOffset now = _time.GetUtcNow();
                tokens = Math.Min(
                    _options.StatusWritesPerSecond, tokens + (now - filled).TotalSeconds * _options.StatusWritesPerSecond);
                filled = now;
                (Entry? entry, TimeSpan? wait) = Take(now);
                if (entry is not null && tokens < 1)
                {
                    Put(entry);
                    wait = TimeSpan.FromSeconds((1 - tokens) / _options.StatusWritesPerSecond) + TimeSpan.FromMilliseconds(1);
                    entry = null;
                }

                if (entry is null)
                {
                    await WaitAsync(wait);
                    continue;
                }

                tokens--;
                await WriteAsync(entry);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Whoever leads next offers what is missing.
        }
    }

    private async Task WaitAsync(TimeSpan? limit)
    {
        if (limit is { } time)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            Task delay = Task.Delay(time, _time, either.Token);
            Task wake = _wake.WaitAsync(either.Token);
            await Task.WhenAny(delay, wake);
            await either.CancelAsync();
            _stop.Token.ThrowIfCancellationRequested();
            return;
        }

        await _wake.WaitAsync(_stop.Token);
    }

    /// <summary>The most urgent one that may be written now, or how long until there is one.</summary>
    private (Entry?, TimeSpan?) Take(DateTimeOffset now)
    {
        lock (_lock)
        {
            DateTimeOffset? next = null;
            foreach (Entry entry in _waiting)
            {
                if (entry.NotBefore <= now)
                {
                    _waiting.Remove(entry);
                    return (entry, null);
                }

                if (next is null || entry.NotBefore < next) next = entry.NotBefore;
            }

            return (null, next - now);
        }
    }

    private void Put(Entry entry)
    {
        lock (_lock)
            if (_entries.ContainsKey(entry.Uid)) _waiting.Add(entry);
    }

    private async Task WriteAsync(Entry entry)
    {
        JsonNode wanted = entry.Wanted!;
        if (JsonNode.DeepEquals(wanted, entry.Written)) return;
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = entry.Uid, ["resourceVersion"] = entry.ResourceVersion },
            ["status"] = StatusJson.Difference(entry.Written, wanted),
        };
        try
        {
            entry.ResourceVersion = entry.IsSweep
                ? (await _client.MergePatchAsync(HemResources.Sweeps, entry.Namespace, entry.Name, patch, "status", cancel: _stop.Token))
                    .Metadata.ResourceVersion
                : (await _client.MergePatchAsync(HemResources.Trials, entry.Namespace, entry.Name, patch, "status", cancel: _stop.Token))
                    .Metadata.ResourceVersion;
            Wrote(entry, wanted);
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            Forget(entry.Uid);
        }
        catch (KubernetesException e) when (e.IsConflict || e.IsInvalid)
        {
            await ReadAgainAsync(entry, e);
        }
        catch (Exception e) when (e is KubernetesException or HttpRequestException or WriteRefusedException)
        {
            Later(entry, e);
        }
    }

    private void Wrote(Entry entry, JsonNode wanted)
    {
        lock (_lock)
        {
            (entry.Written, entry.WrittenAt) = (wanted, _time.GetUtcNow());
            if (entry.IsSweep) entry.NotBefore = _time.GetUtcNow() + _options.SweepStatusInterval;
            else if (entry.Rank == StatusRank.Trial) entry.WritesOnTheWay++;
            // What has ended is not offered again, or if it is, begins anew.
            else if (ReferenceEquals(entry.Wanted, wanted)) _entries.Remove(entry.Uid);
        }
    }

    /// <summary>Somebody else changed it, or it is another one of that name by now.</summary>
    private async Task ReadAgainAsync(Entry entry, KubernetesException fault)
    {
        try
        {
            (IKubernetesObject? now, JsonNode? status) = entry.IsSweep
                ? Seen(await _client.GetAsync(HemResources.Sweeps, entry.Namespace, entry.Name, _stop.Token))
                : Seen(await _client.GetAsync(HemResources.Trials, entry.Namespace, entry.Name, _stop.Token));
            if (now?.Metadata.Uid != entry.Uid)
            {
                Forget(entry.Uid);
                return;
            }

            bool isNew = now!.Metadata.ResourceVersion != entry.ResourceVersion;
            (entry.ResourceVersion, entry.Written) = (now.Metadata.ResourceVersion, status);
            // One that is refused for itself is not right the next moment either.
            if (isNew) Put(entry);
            else Later(entry, fault);
        }
        catch (Exception e) when (e is KubernetesException or HttpRequestException)
        {
            Later(entry, e);
        }
    }

    private void Later(Entry entry, Exception e)
    {
        OperatorLog.StatusTrouble(
            _logger, entry.IsSweep ? HemResources.SweepKind : HemResources.TrialKind, entry.Namespace, entry.Name, e.Message);
        lock (_lock)
        {
            entry.NotBefore = _time.GetUtcNow() + Pause;
            if (_entries.ContainsKey(entry.Uid)) _waiting.Add(entry);
        }
    }

    private static (IKubernetesObject?, JsonNode?) Seen(HemSweepResource? sweep) =>
        (sweep, StatusJson.Node(sweep?.Status, HemJson.Default.HemSweepStatus));

    private static (IKubernetesObject?, JsonNode?) Seen(HemTrialResource? trial) =>
        (trial, StatusJson.Node(trial?.Status, HemJson.Default.HemTrialStatus));

    private static int Compare(Entry a, Entry b) =>
        a.Rank != b.Rank ? a.Rank.CompareTo(b.Rank) : a.Order != b.Order ? a.Order.CompareTo(b.Order) : string.CompareOrdinal(a.Uid, b.Uid);
}
