using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Metrics;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Sweeps;

/// <summary>
/// Writes statuses, seldom: of each object only the newest one that was offered, a sweep's at most once in
/// <see cref="OperatorOptions.SweepStatusInterval"/>, all together at most <see cref="OperatorOptions.StatusWritesPerSecond"/>, in the
/// order of <see cref="StatusQueue"/>. A status that says what the object says already is not written. Nothing waits for it: it is a view,
/// and the truth is elsewhere.
/// </summary>
internal sealed class StatusPublisher : IAsyncDisposable
{
    /// <summary>
    /// Writes about a trial's way, for each of its attempts, before the one about its end; then not before half of the interval has gone
    /// by since the one before: a trial that takes long says how far it is every <see cref="OperatorOptions.TrialStatusInterval"/>.
    /// </summary>
    private const int TrialWritesOnTheWay = 2;

    /// <summary>Writes under way at once: one that the API server is slow with holds up no other.</summary>
    private const int AtOnce = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PendingDelay = TimeSpan.FromSeconds(1), StartingDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WatchDelay = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, StatusEntry> _entries = new(StringComparer.Ordinal);
    private readonly StatusQueue _waiting = new();
    private readonly KubernetesClient _client;
    private readonly OperatorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LastingTrouble _trouble;
    private readonly OperatorMetrics _metrics;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly SemaphoreSlim _free = new(AtOnce);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public StatusPublisher(
        KubernetesClient client, OperatorOptions options, TimeProvider time, ILogger logger, OperatorMetrics metrics)
    {
        (_client, _options, _time, _logger, _metrics) = (client, options, time, logger, metrics);
        _trouble = new LastingTrouble(time);
        _running = Task.Run(RunAsync);
    }

    /// <summary>What the sweep's status should be. <paramref name="sweep"/> is the object as seen last.</summary>
    public void Offer(HemSweepResource sweep, HemSweepStatus status, bool isFinal) => Offer(
        sweep, sweep.Metadata.Uid!, StatusJson.Node(status, HemJson.Default.HemSweepStatus),
        StatusJson.Node(sweep.Status, HemJson.Default.HemSweepStatus),
        isFinal ? StatusRank.FinalSweep : StatusRank.Sweep, 0);

    /// <summary>What the trial's status should be. <paramref name="trial"/> is the object as seen last.</summary>
    public void Offer(HemTrialResource trial, HemTrialStatus status, bool isFinal) => Offer(
        trial, trial.Spec.SweepUid, StatusJson.Node(status, HemJson.Default.HemTrialStatus),
        StatusJson.Node(trial.Status, HemJson.Default.HemTrialStatus),
        isFinal ? StatusRank.FinalTrial : StatusRank.Trial, status.Attempts ?? 0);

    /// <summary>What the sweep says now, as a watch tells.</summary>
    public void See(HemSweepResource sweep) => See(sweep, StatusJson.Node(sweep.Status, HemJson.Default.HemSweepStatus));

    /// <summary>What the trial says now, as a watch tells.</summary>
    public void See(HemTrialResource trial) => See(trial, StatusJson.Node(trial.Status, HemJson.Default.HemTrialStatus));

    /// <summary>Objects with a status that is waited with, or may have to be written again.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>The object is gone.</summary>
    public void Forget(string uid)
    {
        lock (_lock)
            if (_entries.Remove(uid, out StatusEntry? entry)) _waiting.Remove(entry);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        for (int i = 0; i < AtOnce; i++) await _free.WaitAsync();
        _free.Dispose();
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
            if (!_entries.TryGetValue(about.Metadata.Uid!, out StatusEntry? entry) || entry.Wanted is null || entry.IsUnderWay) return;
            if (_time.GetUtcNow() < entry.WrittenAt + WatchDelay || JsonNode.DeepEquals(status, entry.Written)) return;
            (entry.Written, entry.ResourceVersion) = (status, about.Metadata.ResourceVersion);
            if (JsonNode.DeepEquals(entry.Wanted, status)) return;
            _waiting.Add(entry, entry.Rank);
        }

        Wake();
    }

    private void Offer(IKubernetesObject about, string sweep, JsonNode? wanted, JsonNode? published, StatusRank rank, int attempts)
    {
        lock (_lock)
        {
            string uid = about.Metadata.Uid!;
            if (!_entries.TryGetValue(uid, out StatusEntry? entry))
                _entries.Add(uid, entry = new StatusEntry
                {
                    Uid = uid,
                    IsSweep = uid == sweep,
                    Sweep = sweep,
                    Namespace = about.Metadata.Namespace!,
                    Name = about.Metadata.Name!,
                    ResourceVersion = about.Metadata.ResourceVersion,
                    Written = published,
                    Rank = rank,
                });
            string? version = about.Metadata.ResourceVersion;
            if (!entry.IsUnderWay && StatusJson.IsNewer(version, entry.ResourceVersion)) entry.ResourceVersion = version;
            if (attempts > entry.Attempts) (entry.Attempts, entry.WritesOnTheWay) = (attempts, 0);
            entry.Wanted = wanted;
            SetTime(entry, rank);
            Await(entry, rank);
        }

        Wake();
    }

    /// <summary>
    /// Most trials are on their way to a node, and that they run is the next news: only what waits longer says so, and why.
    /// </summary>
    private void SetTime(StatusEntry entry, StatusRank rank)
    {
        if (entry.IsSweep) return;
        if (!IsPending(entry, rank))
        {
            entry.NotBefore = DateTimeOffset.MinValue;
            return;
        }

        // And that it starts is no news at all: why it does not may be known in a moment.
        bool isStarting = (string?)entry.Wanted?["reason"] == StatusMapper.Starting;
        DateTimeOffset at = _time.GetUtcNow() + (isStarting ? StartingDelay : PendingDelay);
        if (!entry.Waits || at < entry.NotBefore) entry.NotBefore = at;
    }

    /// <summary>Lets the entry wait for its turn, or forgets what is not worth a write.</summary>
    private void Await(StatusEntry entry, StatusRank rank)
    {
        if (rank == StatusRank.Progress) rank = StatusRank.Trial;
        if (entry.IsUnderWay)
        {
            // Whoever writes it looks at it again.
            entry.Rank = rank;
            return;
        }

        if (JsonNode.DeepEquals(entry.Wanted, entry.Written)
            || (rank == StatusRank.Trial && entry.WritesOnTheWay >= (IsPending(entry, rank) ? 1 : TrialWritesOnTheWay)
                && _time.GetUtcNow() < entry.WrittenAt + _options.TrialStatusInterval / 2))
        {
            _waiting.Remove(entry);
            entry.Rank = rank;
            // A trial's last status on its way is enough; the one at its end will be offered.
            if (rank == StatusRank.FinalTrial) _entries.Remove(entry.Uid);
            return;
        }

        _waiting.Add(entry, rank == StatusRank.Trial && entry.WritesOnTheWay >= TrialWritesOnTheWay ? StatusRank.Progress : rank);
    }

    private static bool IsPending(StatusEntry entry, StatusRank rank) =>
        rank == StatusRank.Trial && (string?)entry.Wanted?["phase"] == nameof(HemTrialPhase.Pending);

    private void Wake()
    {
        if (_wake.CurrentCount == 0) _wake.Release();
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
                if (tokens < 1)
                {
                    await WaitAsync(
                        TimeSpan.FromSeconds((1 - tokens) / _options.StatusWritesPerSecond) + TimeSpan.FromMilliseconds(1));
                    continue;
                }

                await _free.WaitAsync(_stop.Token);
                (StatusEntry? entry, TimeSpan? wait) = Take();
                if (entry is null)
                {
                    _free.Release();
                    await WaitAsync(wait);
                    continue;
                }

                tokens--;
                _ = WriteAndFreeAsync(entry);
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

    private (StatusEntry? Next, TimeSpan? Wait) Take()
    {
        lock (_lock)
        {
            (StatusEntry? entry, TimeSpan? wait) = _waiting.Take(_time.GetUtcNow());
            if (entry is not null) entry.IsUnderWay = true;
            return (entry, wait);
        }
    }

    private async Task WriteAndFreeAsync(StatusEntry entry)
    {
        try
        {
            await WriteAsync(entry);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Whoever leads next offers it.
        }
        catch (Exception e)
        {
            // Whatever it is: one status that cannot be written must not be the end of all others.
            Later(entry, e);
        }
        finally
        {
            lock (_lock)
            {
                entry.IsUnderWay = false;
                if (_entries.ContainsKey(entry.Uid)) Await(entry, entry.Rank);
            }

            _free.Release();
            Wake();
        }
    }

    private async Task WriteAsync(StatusEntry entry)
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
    }

    private void Wrote(StatusEntry entry, JsonNode wanted)
    {
        Counted(entry, "written");
        lock (_lock)
        {
            (entry.Written, entry.WrittenAt) = (wanted, _time.GetUtcNow());
            if (entry.IsSweep) entry.NotBefore = _time.GetUtcNow() + _options.SweepStatusInterval;
            else if (entry.Rank is StatusRank.Trial or StatusRank.Progress) entry.WritesOnTheWay++;
            // What has ended is not offered again, or if it is, begins anew.
            else if (ReferenceEquals(entry.Wanted, wanted)) _entries.Remove(entry.Uid);
        }
    }

    /// <summary>Somebody else changed it, or it is another one of that name by now.</summary>
    private async Task ReadAgainAsync(StatusEntry entry, KubernetesException fault)
    {
        (IKubernetesObject? now, JsonNode? status) = entry.IsSweep
            ? Seen(await _client.GetAsync(HemResources.Sweeps, entry.Namespace, entry.Name, _stop.Token))
            : Seen(await _client.GetAsync(HemResources.Trials, entry.Namespace, entry.Name, _stop.Token));
        if (now?.Metadata.Uid != entry.Uid)
        {
            Forget(entry.Uid);
            return;
        }

        Counted(entry, "conflict");
        bool isNew = now!.Metadata.ResourceVersion != entry.ResourceVersion;
        (entry.ResourceVersion, entry.Written) = (now.Metadata.ResourceVersion, status);
        // One that is refused for itself is not right the next moment either.
        if (!isNew) Later(entry, fault);
    }

    private void Later(StatusEntry entry, Exception e)
    {
        Counted(entry, "failed");
        if (_trouble.IsNews(LastingTrouble.KindOf(e)))
            OperatorLog.StatusTrouble(_logger, KindOf(entry), entry.Namespace, entry.Name, e.Message);
        lock (_lock) entry.NotBefore = _time.GetUtcNow() + Pause;
    }

    private void Counted(StatusEntry entry, string result) => _metrics.StatusWritten(KindOf(entry), result);

    private static string KindOf(StatusEntry entry) => entry.IsSweep ? HemResources.SweepKind : HemResources.TrialKind;

    private static (IKubernetesObject?, JsonNode?) Seen(HemSweepResource? sweep) =>
        (sweep, StatusJson.Node(sweep?.Status, HemJson.Default.HemSweepStatus));

    private static (IKubernetesObject?, JsonNode?) Seen(HemTrialResource? trial) =>
        (trial, StatusJson.Node(trial?.Status, HemJson.Default.HemTrialStatus));
}
