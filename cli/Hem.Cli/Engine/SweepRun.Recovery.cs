using Hem.Cli.Processes;
using Hem.Core.Planning;
using Hem.Progress;
using Hem.Results;
using Outcome = Hem.Core.Planning.AttemptOutcome;

namespace Hem.Cli.Engine;

/// <summary>Finding out, at the start, what is: what the store knows and which trainers of a killed predecessor still live.</summary>
internal sealed partial class SweepRun
{
    /// <summary>The variable that every process of an attempt carries.</summary>
    private const string Variable = "HEM_ATTEMPT";

    /// <summary>Attempts of other sweeps of this store that a killed predecessor left running.</summary>
    private readonly HashSet<LiveAttempt> _foreign = [];

    private async Task RecoverAsync()
    {
        SweepRecord sweep = await _store.UpsertSweepAsync(_request.Sweep.Metadata.Name, _request.File.Text);
        _uid = sweep.Uid;
        _model.LearnDurations(_store.ReadDurations());
        await FindSurvivorsAsync();

        if (_request.RetryFailed) await ForgetFailuresAsync();

        ILookup<string, AttemptObservation> attempts = ReadAttempts();
        Dictionary<string, double> last = _store.ReadLatestPoints(_uid)
            .ToDictionary(point => point.Trial, point => point.SuccessRate, StringComparer.Ordinal);
        foreach (TrialRecord trial in _store.ReadTrials(_uid))
        {
            _observed.Observe(Records.Observation(trial, attempts[trial.Name]));
            if (trial.Finished is { } finished)
                _model.Finish(trial.Name, finished.WallSeconds, last.TryGetValue(trial.Name, out double rate) ? rate : null, isNew: false);
        }

        foreach (TrialProgress trial in _live.Keys.Select(_model.Find).OfType<TrialProgress>())
        {
            _model.Begin(trial.Spec.Name);
            LoadCurve(trial);
        }

        foreach (string trial in _observed.Trials.Select(trial => trial.Name).ToArray()) NoteOldFailure(trial);
    }

    private ILookup<string, AttemptObservation> ReadAttempts() => _store.ReadAttempts(_uid)
        .Select(attempt => (attempt.Trial, Seen: Seen(attempt)))
        .ToLookup(pair => pair.Trial, pair => pair.Seen, StringComparer.Ordinal);

    /// <summary>Gives trials that failed for good, and are still wanted, a clean slate in the store.</summary>
    private async Task ForgetFailuresAsync()
    {
        ILookup<string, AttemptObservation> attempts = ReadAttempts();
        var before = new ObservedSweep(
            _desired, _store.ReadTrials(_uid).Select(trial => Records.Observation(trial, attempts[trial.Name])));
        DateTimeOffset now = _time.GetUtcNow();
        string[] failed =
        [
            .. before.Trials.Select(trial => trial.Name)
                .Where(trial => Planner.Describe(before, trial, now).Phase == TrialPhase.Failed),
        ];
        if (failed.Length == 0) return;
        await _store.ForgetFailuresAsync(_uid, failed);
        _display.Show(new RunNotice($"{Terminal.Format.Count(failed.Length, "trial")} that failed for good: tried again."));
    }

    /// <summary>Adopts what still runs, and records the end of what does not.</summary>
    private async Task FindSurvivorsAsync()
    {
        IReadOnlyList<AttemptRecord> unended = _store.ReadLiveAttempts();
        if (unended.Count == 0) return;
        // A pid may never have been recorded, if we were killed right after the start.
        IReadOnlyDictionary<string, ProcessIdentity> running = ProcessIdentity.FindByEnvironment(Variable);
        var gone = new List<(AttemptRecord Record, bool Launched)>();
        var alive = new List<(LiveAttempt Attempt, ProcessIdentity Process, AttemptRecord Record, bool CanReport)>();
        foreach (AttemptRecord record in unended)
        {
            ProcessIdentity? process = record is { ProcessId: { } pid, ProcessStarted: { } started }
                ? new ProcessIdentity(pid, started)
                : running.GetValueOrDefault(record.Id);
            if (process is not { IsAlive: true })
            {
                gone.Add((record, process is not null));
                continue;
            }

            var identity = new AttemptIdentity(record.SweepUid, record.Trial, record.Id, record.Number);
            string tokenFile = _request.Layout.TokenFile(record.Trial, record.Number);
            var attempt = new LiveAttempt(identity, _request.Layout.LogFile(record.Trial, record.Number), tokenFile, record.Started);
            // Each of them may speak as soon as we serve, and one that is not known then is told to give up: all tokens come first.
            string? token = ReadSecret(tokenFile);
            if (token is not null) _registry.Add(identity, token);
            alive.Add((attempt, process, record, token is not null));
        }

        if (alive.Count > 0) await ServeAsync();
        foreach ((LiveAttempt attempt, ProcessIdentity process, AttemptRecord record, bool canReport) in alive)
        {
            if (await AdoptAsync(attempt, process, record, canReport)) continue;
            _registry.Gone(attempt.Identity);
            gone.Add((record, true));
        }

        await RecordUnseenEndsAsync(gone);
    }

    private async Task<bool> AdoptAsync(LiveAttempt attempt, ProcessIdentity process, AttemptRecord record, bool canReport)
    {
        string? elsewhere = Elsewhere(process, attempt.Trial);
        if (!SupervisedProcess.TryAdopt(process, status => Post(() => OnExit(attempt, status)), out SupervisedProcess adopted))
            return false;
        Keep(attempt, adopted);
        if (record.ProcessId is null) await _store.SetProcessAsync(record.Id, process.Pid, process.StartTime);
        bool ours = record.SweepUid == _uid;
        if (elsewhere is not null)
        {
            attempt.Estranged = elsewhere;
            _display.Show(new RunNotice(
                $"The trainer of {record.Trial} (pid {process.Pid}) still runs, but {elsewhere}: it is asked to save and leave.",
                Warning: true));
        }
        else if (!ours)
            _display.Show(new RunNotice(
                $"A trial of another sweep was left running here ({record.Trial}, pid {process.Pid}): it is asked to save and leave."));
        else
            _display.Show(new AttemptStarted(_model.LabelOf(record.Trial), record.Number, process.Pid, Adopted: true, attempt.LogFile));

        // Without its token it can never report again; its successor goes on from what it saves.
        if (ours && canReport && elsewhere is null) return true;
        attempt.StopAskedAt = _time.GetUtcNow();
        adopted.Terminate();
        return true;
    }

    /// <summary>
    /// What is wrong where a trainer was started for another place than this store (it was moved or copied); null for ours.
    /// </summary>
    private string? Elsewhere(ProcessIdentity process, string trial)
    {
        if (process.Variable("HEM_PROGRESS_ADDRESS") is { } address && address != _progress!.Address)
            return $"it reports to {address}, not to {_progress.Address}";
        string folder = _request.Layout.CheckpointDirectory(trial);
        return process.Variable("HEM_CHECKPOINT_DIR") is { } other && other != folder ? $"it saves to {other}, not to {folder}" : null;
    }

    private async Task RecordUnseenEndsAsync(IReadOnlyCollection<(AttemptRecord Record, bool Launched)> gone)
    {
        if (gone.Count == 0) return;
        // The process that was started is gone; what it started itself may not be (a shell in front of the trainer was killed).
        ProcessIdentity.KillAll(Variable, gone.Select(end => end.Record.Id).ToHashSet(StringComparer.Ordinal));
        foreach ((AttemptRecord record, bool launched) in gone)
        {
            bool finished = _store.FindTrial(record.SweepUid, record.Trial)?.Finished is not null;
            Outcome outcome = !launched && !finished
                ? Outcome.NeverLaunched
                : OutcomeOf(ExitStatus.Unseen, finished, stopAsked: false, record, _request.Layout.LogFile(record.Trial, record.Number));
            await _store.EndAttemptAsync(record.Id, outcome.Result.ToStore(), outcome.Reason, null, outcome.Permanent);
            DeleteToken(_request.Layout.TokenFile(record.Trial, record.Number));
        }
    }

    /// <summary>The store knows more about a trial than we saw: look again. A claim of ours that nothing came of ends here.</summary>
    private async Task ReadAgainAsync(string trial)
    {
        LiveAttempt? live = _live.GetValueOrDefault(trial);
        await RecordUnseenEndsAsync(
        [
            .. _store.ReadAttempts(_uid, trial)
                .Where(attempt => attempt.Ended is null && attempt.Id != live?.Identity.AttemptId)
                .Select(attempt => (attempt, Launched: attempt.ProcessId is not null)),
        ]);
        _observed.Observe(_store.FindTrial(_uid, trial) is { } record
            ? Records.Observation(record, _store.ReadAttempts(_uid, trial).Select(Seen))
            : Known(trial) with { Exists = false });
    }

    private AttemptObservation Seen(AttemptRecord record)
    {
        if (record.Ended is not null) return Records.Ended(record, GpusOf(record.Trial));
        LiveAttempt attempt = _live[record.Trial];
        return Observed(attempt, attempt.StopAskedAt is null ? AttemptPhase.Running : AttemptPhase.Stopping);
    }

    private void NoteOldFailure(string trial)
    {
        if (Planner.Describe(_observed, trial, _time.GetUtcNow()) is not { Phase: TrialPhase.Failed } status) return;
        _model.Fail(_model.LabelOf(trial), status.Reason, _request.Layout.LogFile(trial, status.Attempts));
    }

    private async Task ServeAsync() =>
        _progress ??= await ProgressHost.StartAsync(
            _request.Layout, _registry, _store, (attempt, reports) => Post(() => OnReports(attempt, reports)));

    private static string? ReadSecret(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim() is { Length: > 0 } secret ? secret : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
