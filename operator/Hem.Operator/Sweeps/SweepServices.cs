using Hem.Kubernetes;
using Hem.Operator.Metrics;
using Hem.Operator.Progress;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Results;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Sweeps;

/// <summary>What all reconcilers share.</summary>
internal sealed class SweepServices(
    KubernetesClient client, ResultStore store, ProgressService progress, OperatorOptions options, TimeProvider time, ILogger logger,
    ITrust trust, PodLookup pods, StatusPublisher statuses, Aftermath aftermath, EventRecorder events,
    FileCheckpointStore? checkpoints, OperatorMetrics metrics)
{
    private readonly FairGate<string> _writes = new(options.ConcurrentWrites);

    public KubernetesClient Client { get; } = client;

    public ResultStore Store { get; } = store;

    public ProgressService Progress { get; } = progress;

    public OperatorOptions Options { get; } = options;

    public TimeProvider Time { get; } = time;

    public ILogger Logger { get; } = logger;

    public ITrust Trust { get; } = trust;

    public PodLookup Pods { get; } = pods;

    public StatusPublisher Statuses { get; } = statuses;

    public Aftermath Aftermath { get; } = aftermath;

    /// <summary>Where checkpoints go that are on no claim.</summary>
    public FileCheckpointStore? Checkpoints { get; } = checkpoints;

    public EventRecorder Events { get; } = events;

    public OperatorMetrics Metrics { get; } = metrics;

    /// <summary>
    /// Does some work for a sweep (uid) when fewer than <see cref="OperatorOptions.ConcurrentWrites"/> others are being done; sweeps take
    /// turns.
    /// </summary>
    public Task<T> LimitedAsync<T>(string sweep, Func<Task<T>> work, CancellationToken cancel) => _writes.RunAsync(sweep, work, cancel);
}
