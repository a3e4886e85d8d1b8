namespace Hem.Tests;

/// <summary>A clock that runs, and that the test can set forward: timers that become due by that fire at once.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly HashSet<Timer> _timers = [];
    private TimeSpan _ahead;

    public void Advance(TimeSpan time)
    {
        Timer[] due;
        lock (_lock)
        {
            _ahead += time;
            due = [.. _timers.Where(timer => timer.Due <= GetTimestamp())];
        }

        foreach (var timer in due) timer.FireNow();
    }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private TimeSpan Ahead
    {
        get
        {
            lock (_lock) return _ahead;
        }
    }

    private sealed class Timer : ITimer
    {
        private readonly ManualTime _time;
        private readonly ITimer _real;
        private TimeSpan _period;

        public Timer(ManualTime time, TimerCallback callback, object? state)
        {
            _time = time;
            _real = System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public long Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_time._lock)
            {
                _period = period;
                Due = _time.GetTimestamp() + (long)(dueTime.TotalSeconds * _time.TimestampFrequency);
                if (dueTime == Timeout.InfiniteTimeSpan) _time._timers.Remove(this);
                else _time._timers.Add(this);
                return _real.Change(dueTime, period);
            }
        }

        public void FireNow()
        {
            lock (_time._lock)
                if (_time._timers.Contains(this)) _real.Change(TimeSpan.Zero, _period);
        }

        public void Dispose()
        {
            lock (_time._lock) _time._timers.Remove(this);
            _real.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
