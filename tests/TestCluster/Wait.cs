using System.Diagnostics;

namespace Hem.TestCluster;

/// <summary>
/// Waits for a condition instead of sleeping. What was thrown while looking counts as "not yet" and is told when the time is over.
/// </summary>
public static class Wait
{
    public static Task UntilAsync(Func<bool> condition, string what, TimeSpan? timeout = null, CancellationToken cancel = default) =>
        UntilAsync(() => Task.FromResult(condition()), what, timeout, cancel);

    public static async Task UntilAsync(
        Func<Task<bool>> condition, string what, TimeSpan? timeout = null, CancellationToken cancel = default) =>
        await ForAsync(async () => await condition() ? what : null, what, timeout, cancel);

    /// <summary>Looks until there is something, and returns it.</summary>
    /// <exception cref="TimeoutException">It was not there in time; says what was waited for and the last fault seen.</exception>
    public static async Task<T> ForAsync<T>(
        Func<Task<T?>> look, string what, TimeSpan? timeout = null, CancellationToken cancel = default)
        where T : class
    {
        var limit = timeout ?? Timeouts.Quick;
        var clock = Stopwatch.StartNew();
        Exception? last = null;
        while (true)
        {
            try
            {
                if (await look() is { } found) return found;
                last = null;
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
            {
                last = e;
            }
            if (clock.Elapsed > limit)
                throw new TimeoutException(
                    $"Not seen in {limit.TotalSeconds:0} s: {what}" + (last is null ? "" : $" ({last.Message})"), last);
            await Task.Delay(Timeouts.Poll, cancel);
        }
    }
}
