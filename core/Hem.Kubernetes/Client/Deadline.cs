namespace Hem.Kubernetes;

/// <summary>The caller's cancellation and a time limit that can be set anew, in one token that can tell which of the two it was.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationToken _cancel;
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _registration;

    public Deadline(TimeProvider time, CancellationToken cancel)
    {
        _cancel = cancel;
        _source = new(Timeout.InfiniteTimeSpan, time);
        _registration = cancel.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>The time limit ended it, and not the caller.</summary>
    public bool HasPassed => _source.IsCancellationRequested && !_cancel.IsCancellationRequested;

    public void Set(TimeSpan time) => _source.CancelAfter(time);

    public void Dispose()
    {
        _registration.Dispose();
        _source.Dispose();
    }
}
