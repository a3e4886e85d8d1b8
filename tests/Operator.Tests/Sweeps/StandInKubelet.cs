using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Results;
using Hem.TestCluster;
using Microsoft.Extensions.Logging.Abstractions;

namespace Operator.Tests.Sweeps;

/// <summary>What a trainer does, as far as a cluster sees it.</summary>
internal sealed record Training
{
    /// <summary>Runs, and finishes with exit code 0.</summary>
    public static Training Finishes { get; } = new();

    /// <summary>Runs until something else is said.</summary>
    public static Training Runs { get; } = new() { Ends = false };

    /// <summary>Never gets a node.</summary>
    public static Training Unschedulable(string message) => new() { Scheduling = message };

    /// <summary>The image is not to be had.</summary>
    public static Training Waits(string reason, string message) => new() { Waiting = (reason, message) };

    public static Training Fails(int exitCode, string words = "", string reason = "Error") =>
        new() { IsFinished = false, ExitCode = exitCode, Words = words, Reason = reason };

    public bool Ends { get; init; } = true;

    /// <summary>Its Finished is stored before it exits.</summary>
    public bool IsFinished { get; init; } = true;
    public int ExitCode { get; init; }
    public string Words { get; init; } = "";
    public string Reason { get; init; } = "Completed";
    public double SuccessRate { get; init; } = 0.5;
    public string? Scheduling { get; init; }
    public (string Reason, string Message)? Waiting { get; init; }

    /// <summary>The pod's own reason and message, as an eviction sets them.</summary>
    public (string Reason, string Message)? PodReason { get; init; }

    /// <summary>What it exits with when it is asked to leave; null: it does not leave.</summary>
    public int? LeavesWith { get; init; } = 143;
}

/// <summary>
/// Plays node and trainers for the pods of one namespace: binds a pod to a node that is a name only, flips its status as a kubelet would,
/// and lets its trainer's reports reach the store.
/// </summary>
internal sealed class StandInKubelet : IAsyncDisposable
{
    private readonly KubernetesClient _client;
    private readonly ClusterApi _api;
    private readonly Func<ResultStore?> _store;
    private readonly Informer<V1Pod> _pods;
    private readonly WorkQueue<ObjectKey> _queue = new(
        new WorkQueueOptions { Name = "kubelet", BaseDelay = TimeSpan.FromMilliseconds(20) });
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, int> _running = new();
    private Task _work = Task.CompletedTask;
    private string? _first;
    private Func<V1Pod, Training> _training = _ => Training.Finishes;

    public StandInKubelet(ControlPlane plane, KubernetesClient client, string ns, Func<ResultStore?> store)
    {
        (_client, _api, _store) = (client, plane.Api, store);
        _pods = new Informer<V1Pod>(client, Resources.Pods, ns);
        _pods.Changed += (type, old, pod) =>
        {
            // In the order of the API server: who is seen to begin after another's end is not counted beside him.
            if (type == WatchEventType.Deleted || pod!.Status?.Phase is "Succeeded" or "Failed")
                _running.TryRemove((pod ?? old)!.Metadata.Uid!, out _);
            if (type != WatchEventType.Deleted) _queue.Add(pod!.Key());
        };
    }

    /// <summary>What pods do from now on, those that run already included.</summary>
    public Func<V1Pod, Training> Train
    {
        get => _training;
        set
        {
            _training = value;
            foreach (V1Pod pod in _pods.Indexer.List()) _queue.Add(pod.Key());
        }
    }

    /// <summary>Whether it is the first pod that was asked about.</summary>
    public bool IsFirst(V1Pod pod) =>
        Interlocked.CompareExchange(ref _first, pod.Metadata.Uid, null) is not { } uid || uid == pod.Metadata.Uid;

    /// <summary>Pods whose trainer runs.</summary>
    public int Running => _running.Count;

    /// <summary>The most attempts of one trial, and trainers of all together, that ever ran at once.</summary>
    public int MostOfOneTrial { get; private set; }
    public int MostAtOnce { get; private set; }

    public V1Pod[] Pods => _pods.Indexer.List();

    public async Task StartAsync(int workers = 8)
    {
        await _pods.StartAsync(_stop.Token);
        _work = Reconciler.RunAsync(_queue, workers, WorkAsync, "kubelet", NullLogger.Instance, _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _pods.DisposeAsync();
        await _work;
        _queue.Dispose();
    }

    private async Task<ReconcileResult> WorkAsync(ObjectKey key, CancellationToken cancel)
    {
        if (_pods.Indexer.Get(key) is not { } pod) return default;
        try
        {
            await StepAsync(pod, Train(pod), cancel);
        }
        catch (KubernetesException e) when (e.IsNotFound || e.IsConflict)
        {
            // It is another pod by now, or none; an event tells.
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException)
        {
            // Its operator is away: the trainer waits for it.
            return new ReconcileResult(TimeSpan.FromMilliseconds(20));
        }

        return default;
    }

    private async Task StepAsync(V1Pod pod, Training training, CancellationToken cancel)
    {
        string phase = pod.Status?.Phase ?? "Pending";
        if (phase is "Succeeded" or "Failed")
        {
            if (pod.Metadata.DeletionTimestamp is not null) await RemoveAsync(pod, cancel);
        }
        else if (pod.Metadata.DeletionTimestamp is not null)
        {
            if (training.LeavesWith is not { } code) return;
            if (phase == "Running")
                await EndAsync(pod, new Training { IsFinished = false, ExitCode = code, Reason = "Error" }, cancel);
            else await RemoveAsync(pod, cancel);
        }
        else if (training.Scheduling is { } why)
        {
            if (pod.Spec?.NodeName is null && pod.Status?.Conditions?.Exists(one => one.Message == why) != true)
                await PatchAsync(pod, new JsonObject
                {
                    ["conditions"] = new JsonArray(Condition("PodScheduled", "False", "Unschedulable", why)),
                }, cancel);
        }
        else if (pod.Spec?.NodeName is null) await BindAsync(pod, cancel);
        else if (training.Waiting is { } waiting)
        {
            if (pod.Status?.ContainerStatuses?.Exists(one => one.State?.Waiting?.Reason == waiting.Reason) != true)
                await PatchAsync(pod, Container(new JsonObject
                {
                    ["waiting"] = new JsonObject { ["reason"] = waiting.Reason, ["message"] = waiting.Message },
                }), cancel);
        }
        else if (phase == "Pending") await RunAsync(pod, cancel);
        else if (training.Ends) await EndAsync(pod, training, cancel);
    }

    private Task BindAsync(V1Pod pod, CancellationToken cancel) => _api.PostAsync(
        $"/api/v1/namespaces/{pod.Metadata.Namespace}/pods/{pod.Metadata.Name}/binding", new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Binding",
            ["metadata"] = new JsonObject { ["name"] = pod.Metadata.Name },
            ["target"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["name"] = "stand-in" },
        }, cancel);

    private async Task RunAsync(V1Pod pod, CancellationToken cancel)
    {
        _running[pod.Metadata.Uid!] = 1;
        string? trial = pod.Label(HemLabels.Trial);
        lock (_running)
        {
            MostAtOnce = Math.Max(MostAtOnce, _running.Count);
            // Of one attempt, an old Job controller may start a second pod beside one that leaves: that one waits for the grant.
            int ofTrial = _pods.Indexer.List()
                .Where(other => other.Label(HemLabels.Trial) == trial && _running.ContainsKey(other.Metadata.Uid!))
                .Select(other => other.Label(HemLabels.Attempt)).Distinct().Count();
            MostOfOneTrial = Math.Max(MostOfOneTrial, ofTrial);
        }

        JsonObject status = Container(new JsonObject { ["running"] = new JsonObject { ["startedAt"] = Now() } });
        status["phase"] = "Running";
        status["startTime"] = Now();
        await PatchAsync(pod, status, cancel);
    }

    private async Task EndAsync(V1Pod pod, Training training, CancellationToken cancel)
    {
        if (training.IsFinished) await ReportAsync(pod, training, cancel);
        JsonObject status = Container(new JsonObject
        {
            ["terminated"] = new JsonObject
            {
                ["exitCode"] = training.ExitCode,
                ["reason"] = training.Reason,
                ["message"] = training.Words,
                ["finishedAt"] = Now(),
            },
        });
        status["phase"] = training.ExitCode == 0 ? "Succeeded" : "Failed";
        if (training.PodReason is { } own) (status["reason"], status["message"]) = (own.Reason, own.Message);
        await PatchAsync(pod, status, cancel);
    }

    /// <summary>The trainer's curve and its Finished, as the progress service would store them.</summary>
    private async Task ReportAsync(V1Pod pod, Training training, CancellationToken cancel)
    {
        AttemptIdentity identity = PodLookup.IdentityOf(pod)!;
        ResultStore store = _store() ?? throw new ObjectDisposedException("store");
        var bound = new NewPod(identity.SweepUid, identity.Trial, identity.AttemptNumber, identity.AttemptId, pod.Metadata.Name!);
        if (await store.BindPodAsync(bound, cancel) is null) return;
        TrainerMessage[] reports =
        [
            .. Enumerable.Range(1, 4).Select(i => new TrainerMessage
            {
                Sequence = (ulong)i,
                Evaluated = new Evaluated { Iteration = (ulong)i, SuccessRate = training.SuccessRate, Loss = 1, WallSeconds = i },
            }),
            new TrainerMessage { Sequence = 5, Finished = new Finished { Iteration = 4, WallSeconds = 4 } },
        ];
        await store.StoreAsync(identity, reports, cancel);
    }

    private Task RemoveAsync(V1Pod pod, CancellationToken cancel) => _client.DeleteAsync(
        Resources.Pods, pod.Metadata.Namespace, pod.Metadata.Name!,
        new DeleteOptions { Uid = pod.Metadata.Uid, GracePeriodSeconds = 0 }, cancel);

    private Task PatchAsync(V1Pod pod, JsonObject status, CancellationToken cancel) => _client.MergePatchAsync(
        Resources.Pods, pod.Metadata.Namespace, pod.Metadata.Name!,
        new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Metadata.Uid }, ["status"] = status }, "status", cancel: cancel);

    private static JsonObject Container(JsonObject state) => new()
    {
        ["containerStatuses"] = new JsonArray(new JsonObject
        {
            ["name"] = JobBuilder.Container,
            ["image"] = "",
            ["imageID"] = "",
            ["ready"] = false,
            ["restartCount"] = 0,
            ["state"] = state,
        }),
    };

    private static JsonObject Condition(string type, string status, string reason, string message) => new()
    {
        ["type"] = type,
        ["status"] = status,
        ["reason"] = reason,
        ["message"] = message,
        ["lastTransitionTime"] = Now(),
    };

    private static string Now() => DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
}
