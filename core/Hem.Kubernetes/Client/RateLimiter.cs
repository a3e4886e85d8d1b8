namespace Hem.Kubernetes;

/// <summary>So many a second on average, and a burst after a quiet time; who comes too early waits, in order.</summary>
internal sealed class RateLimiter(double perSecond, int burst, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly TimeSpan _interval = TimeSpan.FromSeconds(1 / perSecond);
    private readonly long _origin = time.GetTimestamp();

    // The moment at which all that was promised so far is paid for.
    private TimeSpan _paid = TimeSpan.FromSeconds(-burst / perSecond);

    public ValueTask WaitAsync(CancellationToken cancel)
    {
        var delay = Reserve();
        return delay <= TimeSpan.Zero ? ValueTask.CompletedTask : new(Task.Delay(delay, time, cancel));
    }

    private TimeSpan Reserve()
    {
        lock (_lock)
        {
            var now = time.GetElapsedTime(_origin);
            var idle = now - _interval * burst;
            _paid = (_paid > idle ? _paid : idle) + _interval;
            return _paid - now;
        }
    }
}
