using System.Collections.Concurrent;
using System.Threading.Channels;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Sweeps;

/// <summary>An attempt whose end is in the record.</summary>
/// <param name="Trial">The HemTrial, for events; null where it is gone.</param>
/// <param name="LastWords">The end of its log, where the pod's status had it.</param>
internal sealed record EndedAttempt(
    string Namespace, string? Sweep, string Name, HemTrialResource? Trial, int Number, V1Job? Job, V1Pod? Pod, AttemptOutcome Outcome,
    string? LastWords);

/// <summary>
/// What is left to do once an attempt's end is in the record, and that nobody has to wait for: telling of failures and disruptions, with
/// the last lines of the log, and then deleting the Job. What is lost here with a process is found again: a Job of an attempt that has
/// ended is deleted by whoever sees it.
/// </summary>
internal sealed class Aftermath : IAsyncDisposable
{
    private const int LogLines = 10;
    private const int Workers = 16;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LogLimit = TimeSpan.FromSeconds(5);

    private readonly KubernetesClient _client;
    private readonly EventRecorder _events;
    private readonly ILogger _logger;
    private readonly Channel<EndedAttempt> _ended = Channel.CreateUnbounded<EndedAttempt>();
    private readonly WorkQueue<(string Namespace, string Name, string Uid)> _jobs;
    private readonly ConcurrentDictionary<string, byte> _deleting = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public Aftermath(KubernetesClient client, EventRecorder events, TimeProvider time, ILogger logger)
    {
        (_client, _events, _logger) = (client, events, logger);
        _jobs = new(new WorkQueueOptions { Name = "jobs", Time = time, BaseDelay = TimeSpan.FromMilliseconds(100) });
        _running = Task.WhenAll(
            Reconciler.RunAsync(_jobs, Workers, DeleteAsync, "jobs", logger, _stop.Token), Task.Run(TellAsync));
    }

    public void See(EndedAttempt ended) => _ended.Writer.TryWrite(ended);

    /// <summary>Whether the API server still has the Job of that namespace, name and UID, as far as is seen here.</summary>
    public Func<string, string, string, bool> Exists { get; set; } = (_, _, _) => true;

    /// <summary>
    /// Deletes a Job (that very one) that is seen though its attempt has ended, however long it takes. Most often it is deleted already and
    /// a watch is late: that is waited for.
    /// </summary>
    public void DeleteJob(V1Job job)
    {
        if (_deleting.TryAdd(job.Metadata.Uid!, 0)) _jobs.AddAfter(KeyOf(job), Settling);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _ended.Writer.TryComplete();
        await _running;
        _jobs.Dispose();
        _stop.Dispose();
    }

    private async Task<ReconcileResult> DeleteAsync((string Namespace, string Name, string Uid) job, CancellationToken cancel)
    {
        _deleting.TryRemove(job.Uid, out _);
        if (!Exists(job.Namespace, job.Name, job.Uid)) return default;
        try
        {
            await _client.DeleteAsync(Resources.Jobs, job.Namespace, job.Name, new DeleteOptions
            {
                Uid = job.Uid,
                PropagationPolicy = PropagationPolicy.Background,
            }, cancel);
        }
        catch (KubernetesException e) when (e.IsConflict)
        {
            // Another one of that name, and this one is gone; or it was changed at that very moment, and is deleted at the next try.
            if ((await _client.GetAsync(Resources.Jobs, job.Namespace, job.Name, cancel))?.Metadata.Uid == job.Uid) throw;
        }

        return default;
    }

    private static (string Namespace, string Name, string Uid) KeyOf(V1Job job) =>
        (job.Metadata.Namespace!, job.Metadata.Name!, job.Metadata.Uid!);

    private async Task TellAsync()
    {
        try
        {
            await Parallel.ForEachAsync(
                _ended.Reader.ReadAllAsync(_stop.Token),
                new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = _stop.Token },
                async (ended, cancel) =>
                {
                    try
                    {
                        await TellAsync(ended, cancel);
                    }
                    catch (Exception e) when (!cancel.IsCancellationRequested)
                    {
                        // The others' Jobs are deleted all the same.
                        OperatorLog.AftermathFailed(
                            _logger, e, ended.Namespace, ended.Sweep, ended.Name, ended.Number);
                    }
                });
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Whoever leads next sees what is left.
        }
    }

    private async Task TellAsync(EndedAttempt ended, CancellationToken cancel)
    {
        (AttemptResult result, string reason, _) = ended.Outcome;
        if (result == AttemptResult.Failed)
            OperatorLog.AttemptFailed(_logger, ended.Namespace, ended.Sweep, ended.Name, ended.Number, reason);
        else OperatorLog.AttemptEnded(_logger, ended.Namespace, ended.Sweep, ended.Name, ended.Number, result.ToString(), reason);
        if (ended.Trial is { } trial && result is AttemptResult.Failed or AttemptResult.Disrupted)
        {
            string words = result == AttemptResult.Failed ? await LastWordsAsync(ended, cancel) : "";
            string message = $"attempt {ended.Number}: {reason}" + (words.Length == 0 || reason.Contains(words, StringComparison.Ordinal)
                ? ""
                : $"\n{words}");
            _events.Warning(trial, result == AttemptResult.Failed ? "AttemptFailed" : "AttemptDisrupted", message);
        }

        if (ended.Job is { Metadata.DeletionTimestamp: null } job) _jobs.Add(KeyOf(job));
    }

    private async Task<string> LastWordsAsync(EndedAttempt ended, CancellationToken cancel)
    {
        if (ended.LastWords is { } words) return words;
        if (ended.Pod is not { Spec.NodeName: not null } pod) return "";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(LogLimit);
        try
        {
            return (await _client.ReadPodLogAsync(
                ended.Namespace, pod.Metadata.Name!, JobBuilder.Container, LogLines, cancel: limit.Token)).TrimEnd();
        }
        catch (Exception e) when (
            e is KubernetesException or HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return "";
        }
    }
}
