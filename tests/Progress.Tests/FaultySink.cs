using Hem.Progress;
namespace Progress.Tests;

/// <summary>Puts faults in front of a real sink: failures before or after storing, and delays.</summary>
internal sealed class FaultySink(IReportSink real) : IReportSink
{
    private TaskCompletionSource _open = Opened();
    private TaskCompletionSource _holding = new();

    public int Failures { get; set; }

    public int FailuresAfterStoring { get; set; }

    /// <summary>Completes when something waits at the held sink.</summary>
    public Task Holding => _holding.Task;

    public void Hold() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release() => _open.TrySetResult();

    public ValueTask<ulong> AcknowledgedUpToAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default) =>
        real.AcknowledgedUpToAsync(attempt, cancellationToken);

    public async Task StoreAsync(
        AttemptIdentity attempt, IReadOnlyList<TrainerMessage> reports, CancellationToken cancellationToken = default)
    {
        if (!_open.Task.IsCompleted) _holding.TrySetResult();
        await _open.Task;
        if (Failures > 0)
        {
            Failures--;
            throw new IOException("the disk is full (injected)");
        }

        await real.StoreAsync(attempt, reports, cancellationToken);
        if (FailuresAfterStoring > 0)
        {
            FailuresAfterStoring--;
            throw new IOException("the answer was lost (injected)");
        }
    }

    private static TaskCompletionSource Opened()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }
}
