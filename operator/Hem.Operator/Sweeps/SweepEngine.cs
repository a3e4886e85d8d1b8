using Hem.Kubernetes;
using Hem.Operator.Metrics;
using Hem.Operator.Progress;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Results;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Sweeps;

/// <summary>Everything that runs sweeps while this process leads, put together.</summary>
internal sealed class SweepEngine : IAsyncDisposable
{
    private readonly EventRecorder _events;
    private readonly StatusPublisher _statuses;
    private readonly Aftermath _aftermath;
    private readonly SweepController _controller;

    /// <param name="client">Its writes must be refused when this process leads no more (<see
    /// cref="KubernetesClientOptions.MayWrite"/>).</param>
    /// <param name="pods">The same that <paramref name="progress"/>' authority looks pods up in.</param>
    public SweepEngine(
        KubernetesClient client, ResultStore store, ProgressService progress, ITrust trust, PodLookup pods, OperatorOptions options,
        TimeProvider time, ILogger logger, FileCheckpointStore? checkpoints = null, OperatorMetrics? metrics = null)
    {
        metrics ??= new OperatorMetrics(time);
        _events = new EventRecorder(client, "hem-operator", options.Identity);
        _statuses = new StatusPublisher(client, options, time, logger, metrics);
        _aftermath = new Aftermath(client, _events, time, logger);
        _controller = new SweepController(
            new SweepServices(client, store, progress, options, time, logger, trust, pods, _statuses, _aftermath, _events, checkpoints,
                metrics));
    }

    /// <summary>Objects with a status that waits to be written, or may have to be written again.</summary>
    internal int Statuses => _statuses.Count;

    /// <summary>
    /// Those of a sweep that was deleted. What cannot be deleted goes when somebody leads next, and is nobody's trouble now.
    /// </summary>
    public static void DeleteCheckpoints(FileCheckpointStore? checkpoints, string sweepUid, ILogger logger)
    {
        try
        {
            checkpoints?.DeleteSweep(sweepUid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            OperatorLog.CheckpointsStay(logger, sweepUid, e.Message);
        }
    }

    /// <summary>Runs until cancelled.</summary>
    /// <param name="synced">Called once it knows what there is, and begins to work.</param>
    public Task RunAsync(CancellationToken cancel, Action? synced = null) => _controller.RunAsync(synced, cancel);

    public async ValueTask DisposeAsync()
    {
        await _controller.DisposeAsync();
        await _aftermath.DisposeAsync();
        await _statuses.DisposeAsync();
        await _events.DisposeAsync();
    }
}
