using Hem.Results;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Sweeps;

/// <summary>Deletes the results of sweeps that were deleted long ago, while this process leads.</summary>
internal static class Retention
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Goes on until cancelled.</summary>
    public static async Task KeepAsync(
        ResultStore store, OperatorOptions options, ILogger logger, TimeProvider time, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                await DeleteAsync(store, options.RetainResults, logger, time, cancel);
            }
            catch (StoreException e)
            {
                OperatorLog.RetentionTrouble(logger, e.Message);
            }

            await Task.Delay(Interval, time, cancel);
        }
    }

    /// <summary>Deletes what is due now. A sweep whose trainers have not all left yet is not.</summary>
    public static async Task DeleteAsync(
        ResultStore store, TimeSpan retain, ILogger logger, TimeProvider time, CancellationToken cancel = default)
    {
        IReadOnlyList<SweepRecord> due = store.ReadDeletedSweeps(time.GetUtcNow() - retain);
        if (due.Count == 0) return;
        HashSet<string> alive = [.. store.ReadLiveAttempts().Select(attempt => attempt.SweepUid)];
        foreach (SweepRecord sweep in due.Where(sweep => !alive.Contains(sweep.Uid)))
        {
            await store.DeleteSweepAsync(sweep.Uid, cancel);
            OperatorLog.ResultsDeleted(logger, sweep.Namespace, sweep.Name, sweep.Deleted!.Value);
        }
    }
}
