using System.Collections.Concurrent;
using System.Threading.Channels;
using Hem.Cli.Processes;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Results;

namespace Hem.Cli.Engine;

/// <summary>What a run was asked for.</summary>
/// <param name="Resume">The command that goes on; null where the sweep came from standard input.</param>
internal sealed record RunRequest(
    SweepFile File, HemSweep Sweep, SweepExpansion Expansion, StoreLayout Layout, int Parallelism, string? Resume)
{
    /// <summary>Trials that failed for good start from a clean slate.</summary>
    public bool RetryFailed { get; init; }
}

/// <summary>
/// The one-machine engine: observes (the store, the processes), lets the planner decide, carries out, and sleeps until something happens.
/// Everything runs on one loop; threads that see a process end or a report stored only post to it.
/// </summary>
internal sealed partial class SweepRun : IAsyncDisposable
{
    /// <summary>How long a trainer that was asked to may take to save and leave.</summary>
    private static readonly TimeSpan LeaveGrace = TimeSpan.FromSeconds(30);

    /// <summary>Pause after the disk or the machine refused something.</summary>
    private static readonly TimeSpan TroublePause = TimeSpan.FromSeconds(5);

    private readonly Channel<Action> _inbox = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<string, LiveAttempt> _live = new(StringComparer.Ordinal);

    /// <summary>By attempt: what a signal's thread may end while the loop runs.</summary>
    private readonly ConcurrentDictionary<string, SupervisedProcess> _processes = new(StringComparer.Ordinal);
    private readonly RunRequest _request;
    private readonly ResultStore _store;
    private readonly IRunDisplay _display;
    private readonly TimeProvider _time;
    private readonly RunModel _model;
    private readonly long _startedAt;
    private readonly AttemptRegistry _registry = new();
    private readonly HashSet<Task> _background = [];

    private ProgressHost? _progress;
    private ObservedSweep _observed;
    private DesiredSweep _desired;
    private SweepStatus? _status;
    private string _uid = "";
    private bool _interrupted;
    private DateTimeOffset _pausedUntil = DateTimeOffset.MinValue;
    private Task<bool>? _arrival;

    public SweepRun(RunRequest request, ResultStore store, IRunDisplay display, TimeProvider time)
    {
        (_request, _store, _display, _time) = (request, store, display, time);
        _startedAt = time.GetTimestamp();
        _model = new RunModel(request.Sweep, request.Expansion, request.Parallelism);
        _desired = DesiredSweep.From(request.Sweep, request.Expansion, request.Parallelism) with { Parallelism = request.Parallelism };
        _observed = new ObservedSweep(_desired);
    }

    public string SweepUid => _uid;

    public TimeSpan Elapsed => _time.GetElapsedTime(_startedAt);

    /// <summary>A trainer was started or adopted.</summary>
    public bool StartedAny { get; private set; }

    public bool WasInterrupted => _interrupted;

    /// <summary>Suspends: trainers save and leave, nothing starts. From any thread.</summary>
    public void Interrupt() => Post(() =>
    {
        if (_interrupted) return;
        _interrupted = true;
        _desired = _desired with { Suspend = true };
        _observed.Edit(_desired);
        if (_live.Count > 0)
        {
            string who = _live.Count == 1 ? "1 trial saves and leaves" : $"{_live.Count} trials save and leave";
            _display.Show(new RunNotice($"Stopping: {who}. Ctrl-C again leaves at once."));
        }
    });

    /// <summary>Asks every trainer, now and without waiting for anything, to save and leave. From any thread.</summary>
    public void TerminateAll()
    {
        foreach (SupervisedProcess process in _processes.Values) process.Terminate();
    }

    /// <summary>Runs until the sweep has ended, or is suspended and every trainer has left.</summary>
    /// <exception cref="HemException">It cannot go on.</exception>
    /// <exception cref="StoreException">The store cannot be used.</exception>
    public async Task<SweepStatus> RunAsync()
    {
        try
        {
            return await LoopAsync();
        }
        catch
        {
            // Whatever it is, nobody looks after the trainers any more.
            TerminateAll();
            throw;
        }
    }

    private async Task<SweepStatus> LoopAsync()
    {
        await RecoverAsync();
        while (true)
        {
            while (_inbox.Reader.TryRead(out Action? happened)) happened();
            DateTimeOffset now = _time.GetUtcNow();
            Plan plan = Planner.Plan(_observed, now);
            bool announced = _status is not null;
            _status = plan.Status;
            if (!announced) Announce(plan.Status);
            EndStragglers(now);
            bool over = plan.Status.HasEnded || (plan.Status.State == SweepState.Suspended && _interrupted)
                || IsSuspendedBySpec(plan.Status);
            if (over && _live.Count + _foreign.Count == 0 && plan.Actions.Count == 0)
            {
                await FinishBackgroundAsync();
                return plan.Status;
            }

            if (await CarryOutAsync(plan.Actions, now)) continue;
            await WaitAsync(plan.NextWake, now);
        }
    }

    /// <summary>The sweep as it is, for a last look.</summary>
    public Terminal.RunView View() => _model.View(_status!, _live.Values, Elapsed, Hint());

    public async ValueTask DisposeAsync()
    {
        if (_progress is not null) await _progress.DisposeAsync();
    }

    private bool IsSuspendedBySpec(SweepStatus status) => status.State == SweepState.Suspended && _request.Sweep.Spec.Suspend;

    private void Announce(SweepStatus status)
    {
        _display.Show(new SweepStarted(
            _request.Sweep.Metadata.Name, status.Counts.Total, status.Counts.Finished, _request.Parallelism, _request.Layout.Root));
        int leaving = _observed.Trials.Count(
            trial => trial is { FinishedAt: not null, Superseded: false } && _model.Find(trial.Name) is null);
        if (leaving == 0) return;
        _display.Show(new RunNotice(
            $"{Terminal.Format.Count(leaving, "finished trial")} of an earlier version of {_request.Sweep.Metadata.Name} "
            + $"{(leaving == 1 ? "leaves" : "leave")} the ranking: this file no longer asks for {(leaving == 1 ? "it" : "them")}.",
            Warning: true));
    }

    private string Hint() => _interrupted
        ? $"Saving. Ctrl-C again leaves at once; {_request.Resume ?? "the same command"} goes on."
        : "Ctrl-C saves and leaves; the same command goes on.";

    private void Post(Action happened) => _inbox.Writer.TryWrite(happened);

    /// <summary>Sleeps until something is posted, the planner wants to look again, or it is time to draw.</summary>
    private async Task WaitAsync(DateTimeOffset? wake, DateTimeOffset now)
    {
        if (_pausedUntil > now && (wake is null || _pausedUntil < wake)) wake = _pausedUntil;
        foreach (LiveAttempt attempt in _live.Values.Concat(_foreign))
        {
            if (attempt is { StopAskedAt: { } asked, Killed: false } && (wake is null || asked + LeaveGrace < wake))
                wake = asked + LeaveGrace;
        }

        while (true)
        {
            _display.Refresh(View);
            DateTimeOffset current = _time.GetUtcNow();
            if (wake <= current) return;
            TimeSpan? limit = wake - current;
            bool drawing = _display.RefreshEvery is { } every && (limit is null || every < limit);
            if (drawing) limit = _display.RefreshEvery;
            _arrival ??= _inbox.Reader.WaitToReadAsync().AsTask();
            Task first = limit is { } time ? await Task.WhenAny(_arrival, Task.Delay(time, _time)) : _arrival;
            if (first == _arrival)
            {
                await _arrival;
                _arrival = null;
                return;
            }

            if (!drawing) return;
        }
    }

    /// <summary>Ends trainers that were asked to leave and did not.</summary>
    private void EndStragglers(DateTimeOffset now)
    {
        foreach (LiveAttempt attempt in _live.Values.Concat(_foreign))
        {
            if (attempt is not { StopAskedAt: { } asked, Killed: false } || now < asked + LeaveGrace) continue;
            attempt.Killed = true;
            attempt.Process?.Kill();
        }
    }

    private TrialObservation Known(string trial) =>
        _observed.Find(trial) ?? new TrialObservation(trial, _model.Find(trial)?.Spec.Hash ?? "") { Exists = false };

    private void Observe(string trial, AttemptObservation attempt) => _observed.Observe(Known(trial).With(attempt));

    /// <summary>Work that goes on beside the loop and must be done before we leave.</summary>
    private void Background(Task task)
    {
        _background.Add(task);
        _ = task.ContinueWith(done => Post(() => _background.Remove(done)), TaskScheduler.Default);
    }

    private async Task FinishBackgroundAsync()
    {
        while (_background.Count > 0)
        {
            await Task.WhenAll(_background);
            while (_inbox.Reader.TryRead(out Action? happened)) happened();
        }
    }
}
