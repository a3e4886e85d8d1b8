namespace Hem.Kubernetes.Tests.Support;

/// <summary>Time that passes when a test says so. Timers ring in their order while it does.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private TimeSpan _now;
    private TimeSpan _clockOffset;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How many timers are set: a test waits for one before it lets time pass.</summary>
    public int Timers
    {
        get
        {
            lock (_lock) return _timers.Count;
        }
    }

    public override long GetTimestamp()
    {
        lock (_lock) return _now.Ticks;
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock) return new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero) + _now + _clockOffset;
    }

    /// <summary>Only the clock goes on, as after a machine was suspended.</summary>
    public void Suspend(TimeSpan time)
    {
        lock (_lock) _clockOffset += time;
    }

    /// <summary>Time passes, and no timer rings meanwhile: the process was stopped.</summary>
    public void Stop(TimeSpan time)
    {
        lock (_lock) _now += time;
    }

    public void Advance(TimeSpan time)
    {
        TimeSpan end;
        lock (_lock) end = _now + time;
        while (true)
        {
            ManualTimer? next;
            lock (_lock)
            {
                next = _timers.Where(timer => timer.At <= end).MinBy(timer => timer.At);
                if (next is null)
                {
                    _now = end;
                    return;
                }
                if (next.At > _now) _now = next.At;
                next.Rung();
            }
            next.Ring();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public TimeSpan At { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                time._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                (At, _period) = (time._now + dueTime, period);
                time._timers.Add(this);
                return true;
            }
        }

        public void Rung()
        {
            if (_period > TimeSpan.Zero) At += _period;
            else time._timers.Remove(this);
        }

        public void Ring() => callback(state);

        public void Dispose()
        {
            lock (time._lock) time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
