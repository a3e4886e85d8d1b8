using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Hem.Kubernetes;

/// <summary>
/// What this library measures, under the names that client-go and controller-runtime gave them, so that their dashboards work.
/// </summary>
public static class KubernetesMetrics
{
    public const string MeterName = "Hem.Kubernetes";

    private static readonly Meter _meter = new(MeterName);
    private static readonly ConcurrentDictionary<object, Observed<QueueState>> _queues = new(ReferenceEqualityComparer.Instance);
    private static readonly ConcurrentDictionary<object, Observed<bool>> _electors = new(ReferenceEqualityComparer.Instance);

    private static readonly Counter<long> _requests = _meter.CreateCounter<long>(
        "rest_client_requests_total",
        description: "Requests to the API server by status code, method and host; <error> where no answer came.");

    private static readonly Histogram<double> _requestSeconds = _meter.CreateHistogram<double>(
        "rest_client_request_duration_seconds", "s", "Time to an answer of the API server, by verb and host.", null,
        new() { HistogramBucketBoundaries = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60] });

    private static readonly Counter<long> _adds = _meter.CreateCounter<long>(
        "workqueue_adds_total", description: "Keys that were added to the work queue, those that waited there already left out.");

    private static readonly Counter<long> _retries = _meter.CreateCounter<long>(
        "workqueue_retries_total", description: "Keys that were added again with back-off.");

    private static readonly Histogram<double> _queueSeconds = _meter.CreateHistogram<double>(
        "workqueue_queue_duration_seconds", "s", "How long a key waited in the work queue.", null,
        new() { HistogramBucketBoundaries = Buckets });

    private static readonly Histogram<double> _workSeconds = _meter.CreateHistogram<double>(
        "workqueue_work_duration_seconds", "s", "How long the work on a key took.", null, new() { HistogramBucketBoundaries = Buckets });

    private static double[] Buckets => [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000];

    private static readonly Counter<long> _reconciles = _meter.CreateCounter<long>(
        "controller_runtime_reconcile_total",
        description: "Keys that were worked on, by controller and result: success, requeue_after or error; requeue is there for dashboards "
            + "that know it, and stays 0.");

    // In their order in controller-runtime.
    private static readonly string[] _results = ["error", "requeue_after", "requeue", "success"];

    private static readonly UpDownCounter<long> _workers = _meter.CreateUpDownCounter<long>(
        "controller_runtime_max_concurrent_reconciles", description: "Keys that are worked on at once at most, by controller.");

    private static readonly UpDownCounter<long> _activeWorkers = _meter.CreateUpDownCounter<long>(
        "controller_runtime_active_workers", description: "Keys that are worked on now, by controller.");

    private static readonly Counter<long> _reconcileErrors = _meter.CreateCounter<long>(
        "controller_runtime_reconcile_errors_total", description: "Keys on which work failed, wholly or in part, by controller.");

    private static readonly Histogram<double> _reconcileSeconds = _meter.CreateHistogram<double>(
        "controller_runtime_reconcile_time_seconds", "s", "How long the work on a key took, by controller.", null,
        new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });

    private static readonly Counter<long> _droppedEvents = _meter.CreateCounter<long>(
        "event_recorder_dropped_events_total", description: "Events that were not written: too many, or the server could not be reached.");

    static KubernetesMetrics()
    {
        _meter.CreateObservableGauge("workqueue_depth", () => OfQueues(state => (double)state.Depth),
            description: "Keys that wait in the work queue.");
        _meter.CreateObservableGauge("workqueue_unfinished_work_seconds", () => OfQueues(state => state.UnfinishedSeconds), "s",
            "How long the keys that are worked on have been so, all together: a number that grows means stuck workers.");
        _meter.CreateObservableGauge("workqueue_longest_running_processor_seconds", () => OfQueues(state => state.LongestSeconds), "s",
            "How long the oldest key that is worked on has been so.");
        _meter.CreateObservableGauge("leader_election_master_status",
            () => _electors.Values.Select(elector => new Measurement<int>(elector.State() ? 1 : 0, Name(elector.Name))),
            description: "1 while this process holds the lease of that name, else 0.");
    }

    private readonly record struct Observed<T>(string Name, Func<T> State);

    internal readonly record struct QueueState(int Depth, double UnfinishedSeconds, double LongestSeconds);

    internal static void Request(HttpMethod method, string host, string code, TimeSpan duration)
    {
        var verb = new KeyValuePair<string, object?>("method", method.Method);
        var server = new KeyValuePair<string, object?>("host", host);
        _requests.Add(1, new("code", code), verb, server);
        _requestSeconds.Record(duration.TotalSeconds, new("verb", method.Method), server);
    }

    internal static void Added(string queue) => _adds.Add(1, Name(queue), Controller(queue));

    internal static void Retried(string queue) => _retries.Add(1, Name(queue), Controller(queue));

    internal static void Waited(string queue, TimeSpan time) =>
        _queueSeconds.Record(time.TotalSeconds, Name(queue), Controller(queue));

    internal static void Worked(string queue, TimeSpan time) =>
        _workSeconds.Record(time.TotalSeconds, Name(queue), Controller(queue));

    /// <summary>So many workers of a controller begin; until the end of what is returned.</summary>
    internal static IDisposable Work(string controller, int workers)
    {
        var name = Controller(controller);
        // The first error must be seen as a rise: rate() knows nothing of what a series was before it was there.
        foreach (var result in _results) _reconciles.Add(0, name, new("result", result));
        _reconcileErrors.Add(0, name);
        _activeWorkers.Add(0, name);
        _workers.Add(workers, name);
        return new Ending(() => _workers.Add(-workers, name));
    }

    /// <summary>A worker of the controller is at a key; until the end of what is returned.</summary>
    internal static IDisposable Active(string controller)
    {
        var name = Controller(controller);
        _activeWorkers.Add(1, name);
        return new Ending(() => _activeWorkers.Add(-1, name));
    }

    internal static void Reconciled(string controller, string result, TimeSpan time)
    {
        var name = Controller(controller);
        _reconciles.Add(1, name, new("result", result));
        if (result == "error") _reconcileErrors.Add(1, name);
        _reconcileSeconds.Record(time.TotalSeconds, name);
    }

    internal static void EventDropped(string component) => _droppedEvents.Add(1, new KeyValuePair<string, object?>("component", component));

    internal static void Observe(object queue, string name, Func<QueueState> state) => _queues[queue] = new(name, state);

    internal static void Observe(object elector, string name, Func<bool> isLeader) => _electors[elector] = new(name, isLeader);

    internal static void Forget(object observed)
    {
        _queues.TryRemove(observed, out _);
        _electors.TryRemove(observed, out _);
    }

    private static IEnumerable<Measurement<double>> OfQueues(Func<QueueState, double> value) =>
        _queues.Values.Select(queue => new Measurement<double>(value(queue.State()), Name(queue.Name), Controller(queue.Name)));

    private static KeyValuePair<string, object?> Name(string queue) => new("name", queue);

    // A queue is named after the controller that works on it, and newer versions say so twice.
    private static KeyValuePair<string, object?> Controller(string name) => new("controller", name);

    private sealed class Ending(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
