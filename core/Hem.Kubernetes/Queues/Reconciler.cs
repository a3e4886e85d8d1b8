using Microsoft.Extensions.Logging;

namespace Hem.Kubernetes;

/// <summary>
/// What came of looking at a key. Default: all is as it should be, until something changes. With a time: look again then.
/// An exception instead means that it went wrong: the key comes again with back-off, however often.
/// </summary>
public readonly record struct ReconcileResult(TimeSpan? RequeueAfter = null)
{
    /// <summary>It went wrong, wholly or in part, and says by itself when to look again: counted as an error, no more.</summary>
    public bool IsError { get; init; }
}

public static class Reconciler
{
    /// <summary>
    /// Works on the queue's keys until cancelled, so many at a time, and never twice at a time on one. Returns when all workers have ended
    /// what they were at, for which <paramref name="reconcile"/> gets the cancellation too.
    /// </summary>
    public static async Task RunAsync<TKey>(WorkQueue<TKey> queue, int workers,
        Func<TKey, CancellationToken, Task<ReconcileResult>> reconcile, string name, ILogger logger, CancellationToken cancel)
        where TKey : notnull
    {
        using var _ = KubernetesMetrics.Work(name, workers);
        await Task.WhenAll(Enumerable.Range(0, workers)
            .Select(_ => Task.Run(() => WorkAsync(queue, reconcile, name, logger, cancel), CancellationToken.None)));
    }

    private static async Task WorkAsync<TKey>(WorkQueue<TKey> queue, Func<TKey, CancellationToken, Task<ReconcileResult>> reconcile,
        string name, ILogger logger, CancellationToken cancel)
        where TKey : notnull
    {
        while (!cancel.IsCancellationRequested)
        {
            TKey key;
            try
            {
                key = await queue.GetAsync(cancel);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            using var active = KubernetesMetrics.Active(name);
            var began = queue.Time.GetTimestamp();
            try
            {
                var result = await reconcile(key, cancel);
                queue.Forget(key);
                if (result.RequeueAfter is { } after) queue.AddAfter(key, after);
                KubernetesMetrics.Reconciled(name,
                    result.IsError ? "error" : result.RequeueAfter is null ? "success" : "requeue_after",
                    queue.Time.GetElapsedTime(began));
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                KubernetesMetrics.Reconciled(name, "error", queue.Time.GetElapsedTime(began));
                // Of what is only the server's or the network's, where it came from tells nothing.
                bool isExpected = exception is KubernetesException or HttpRequestException;
                Log.ReconcileFailed(logger, isExpected ? null : exception, name, key, queue.AddRateLimited(key), exception.Message);
            }
            finally
            {
                queue.Done(key);
            }
        }
    }
}
