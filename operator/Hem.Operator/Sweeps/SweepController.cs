using System.Collections.Concurrent;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Results;

namespace Hem.Operator.Sweeps;

/// <summary>
/// Runs the sweeps of a cluster (or a namespace): informers of HemSweeps, HemTrials, Jobs and pods post what they see to the reconciler of
/// the sweep that it belongs to, by UID, and a work queue sees to it that each is reconciled by one worker at a time.
/// </summary>
internal sealed class SweepController : IAsyncDisposable
{
    /// <summary>
    /// Sweeps that are seen to at once. Each mostly waits for the API server, whose requests are limited for all together, and in turns.
    /// </summary>
    private const int Workers = 32;

    /// <summary>In metrics.</summary>
    private const string Controller = "sweep";

    private readonly SweepServices _services;

    /// <summary>By namespace and UID: what claims in one namespace to be of a sweep in another is nothing to that sweep.</summary>
    private readonly ConcurrentDictionary<(string Namespace, string Uid), SweepReconciler> _sweeps = new();

    /// <summary>The namespaces of the sweeps that were seen, by UID.</summary>
    private readonly ConcurrentDictionary<string, string> _namespaces = new(StringComparer.Ordinal);

    /// <summary>
    /// UIDs of the sweeps by namespace and name, the last seen of each: for objects that are in the way of a sweep not their own.
    /// </summary>
    private readonly ConcurrentDictionary<(string Namespace, string Name), string> _byName = new();
    private readonly WorkQueue<(string Namespace, string Uid)> _queue;
    private readonly Informer<HemSweepResource> _sweepInformer;
    private readonly Informer<HemTrialResource> _trialInformer;
    private readonly Informer<V1Job> _jobInformer;
    private readonly Informer<V1Pod> _podInformer;

    public SweepController(SweepServices services)
    {
        _services = services;
        _queue = new(new WorkQueueOptions { Name = Controller, Time = services.Time, BaseDelay = TimeSpan.FromMilliseconds(100) });
        string? ns = services.Options.WatchNamespace;
        _sweepInformer = new(services.Client, HemResources.Sweeps, ns);
        _trialInformer = new(services.Client, HemResources.Trials, ns, options: new() { Transform = Slim });
        _jobInformer = new(services.Client, Resources.Jobs, ns, HemLabels.SweepUid, new() { Transform = Slim });
        _podInformer = new(services.Client, Resources.Pods, ns, HemLabels.SweepUid, new() { Transform = Slim });
        _sweepInformer.Changed += OnSweep;
        _trialInformer.Changed += OnTrial;
        _jobInformer.Changed += OnJob;
        _podInformer.Changed += OnPod;
        services.Progress.Stored += OnReports;
        services.Aftermath.Exists = (space, name, uid) => _jobInformer.Indexer.Get(space, name)?.Metadata.Uid == uid;
    }

    /// <summary>Runs until cancelled. What is under way then is given up; whoever leads next finds it as it is.</summary>
    /// <param name="synced">Called once it knows what there is, and begins to work.</param>
    public async Task RunAsync(Action? synced, CancellationToken cancel)
    {
        // Pods before Jobs before trials before sweeps: what belongs to a thing is there when the thing is seen.
        await _podInformer.StartAsync(cancel);
        await _jobInformer.StartAsync(cancel);
        await _trialInformer.StartAsync(cancel);
        await _sweepInformer.StartAsync(cancel);
        FindMissing();
        OperatorLog.Started(_services.Logger, _services.Options.WatchNamespace ?? "all namespaces");
        synced?.Invoke();
        await Reconciler.RunAsync(_queue, Workers, ReconcileAsync, Controller, _services.Logger, cancel);
    }

    public async ValueTask DisposeAsync()
    {
        _services.Progress.Stored -= OnReports;
        await _sweepInformer.DisposeAsync();
        await _trialInformer.DisposeAsync();
        await _jobInformer.DisposeAsync();
        await _podInformer.DisposeAsync();
        _queue.Dispose();
    }

    private async Task<ReconcileResult> ReconcileAsync((string Namespace, string Uid) key, CancellationToken cancel)
    {
        if (!_sweeps.TryGetValue(key, out SweepReconciler? sweep)) return default;
        DateTimeOffset? wake = await sweep.ReconcileAsync(cancel);
        if (sweep.IsOver && _sweeps.TryRemove(new(key, sweep)))
        {
            _namespaces.TryRemove(key.Uid, out _);
            _services.Metrics.Sweeps.Forget(key.Uid);
            // What came in between its last look and its removal.
            if (!sweep.IsOver && _sweeps.TryAdd(key, sweep)) _queue.Add(key);
        }

        return new ReconcileResult(wake is { } at ? Later(at - _services.Time.GetUtcNow()) : null) { IsError = sweep.HadTrouble };
    }

    private static TimeSpan Later(TimeSpan delay) => delay > TimeSpan.FromMilliseconds(1) ? delay : TimeSpan.FromMilliseconds(1);

    /// <summary>Sweeps that the record has and the API server has not: they were deleted while nobody looked.</summary>
    private void FindMissing()
    {
        foreach (SweepRecord record in _services.Store.ReadSweeps())
        {
            if (record.Namespace.Length == 0 || (_services.Options.WatchNamespace is { } own && own != record.Namespace)) continue;
            Post(record.Namespace, record.Uid, sweep => sweep.OnMissing(record.Name));
        }

        foreach (AttemptRecord attempt in _services.Store.ReadLiveAttempts())
            if (_services.Store.FindSweepByUid(attempt.SweepUid) is { Namespace.Length: > 0, Deleted: not null } deleted)
                Post(deleted.Namespace, deleted.Uid, sweep => sweep.OnMissing(deleted.Name));
    }

    private void OnSweep(WatchEventType type, HemSweepResource? old, HemSweepResource? item)
    {
        HemSweepResource sweep = (item ?? old)!;
        string uid = sweep.Metadata.Uid!;
        if (type != WatchEventType.Deleted) _byName[(sweep.Metadata.Namespace!, sweep.Metadata.Name!)] = uid;
        _namespaces[uid] = sweep.Metadata.Namespace!;
        Post(sweep.Metadata.Namespace!, uid, reconciler => reconciler.OnSweep(sweep, type == WatchEventType.Deleted));
    }

    private void OnTrial(WatchEventType type, HemTrialResource? old, HemTrialResource? item)
    {
        HemTrialResource trial = (item ?? old)!;
        (string ns, string name) = (trial.Metadata.Namespace!, trial.Metadata.Name!);
        string? owner = trial.Label(HemLabels.SweepUid);
        if (owner is not null) Post(ns, owner, sweep => sweep.OnTrial(trial, type == WatchEventType.Deleted));
        // <sweep>-<16 hex>: it may be in the way of a sweep that it does not belong to.
        int dash = name.LastIndexOf('-');
        if (dash > 0 && _byName.TryGetValue((ns, name[..dash]), out string? uid) && uid != owner)
            Post(ns, uid, sweep => sweep.OnForeignTrial(name));
    }

    private void OnJob(WatchEventType type, V1Job? old, V1Job? item)
    {
        V1Job job = (item ?? old)!;
        if (job.Label(HemLabels.SweepUid) is { } uid)
            Post(job.Metadata.Namespace!, uid, sweep => sweep.OnJob(job, type == WatchEventType.Deleted));
    }

    private void OnPod(WatchEventType type, V1Pod? old, V1Pod? item)
    {
        V1Pod pod = (item ?? old)!;
        _services.Pods.OnPod(pod, type == WatchEventType.Deleted);
        if (pod.Label(HemLabels.SweepUid) is { } uid)
            Post(pod.Metadata.Namespace!, uid, sweep => sweep.OnPod(pod, type == WatchEventType.Deleted));
    }

    private void OnReports(AttemptIdentity identity, IReadOnlyList<TrainerMessage> reports)
    {
        if (_namespaces.TryGetValue(identity.SweepUid, out string? ns))
            Post(ns, identity.SweepUid, sweep => sweep.OnReports(identity, reports));
    }

    private void Post(string ns, string uid, Action<SweepReconciler> happened)
    {
        SweepReconciler sweep = _sweeps.GetOrAdd(
            (ns, uid), static (key, services) => new SweepReconciler(key.Namespace, key.Uid, services), _services);
        sweep.Post(happened);
        _queue.Add((ns, uid));
    }

    /// <summary>Without its parameters, which are most of it: they are the sweep's, and the record's.</summary>
    internal static HemTrialResource Slim(HemTrialResource trial) => trial with { Spec = trial.Spec with { Parameters = default } };

    /// <summary>What nobody reads of a Job once it is made.</summary>
    private static V1Job Slim(V1Job job) => job with { Spec = job.Spec is { } spec ? new V1JobSpec { Suspend = spec.Suspend } : null };

    private static V1Pod Slim(V1Pod pod) => pod with
    {
        Spec = new V1PodSpec
        {
            NodeName = pod.Spec?.NodeName,
            Containers =
            [
                .. (pod.Spec?.Containers ?? []).Select(container =>
                    new V1Container { Name = container.Name, Image = container.Image, Resources = container.Resources }),
            ],
        },
    };
}
