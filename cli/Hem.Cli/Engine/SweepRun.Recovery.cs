using Hem.Cli.Processes;
using Hem.Core.Planning;
using Hem.Progress;
using Hem.Results;
using Outcome = Hem.Core.Planning.AttemptOutcome;

namespace Hem.Cli.Engine;

/// <summary>Finding out, at the start, what is: what the store knows and which trainers of a killed predecessor still live.</summary>
internal sealed partial class SweepRun
{
    /// <summary>Attempts of other sweeps of this store that a killed predecessor left running.</summary>
    private readonly HashSet<LiveAttempt> _foreign = [];

    private async Task RecoverAsync()
    {
        SweepRecord sweep = await _store.UpsertSweepAsync(_request.Sweep.Metadata.Name, _request.File.Text);
        _uid = sweep.Uid;
        _model.LearnDurations(_store.ReadDurations());
        await FindSurvivorsAsync();

        ILookup<string, AttemptObservation> attempts = _store.ReadAttempts(_uid)
            .Select(attempt => (attempt.Trial, Seen: Seen(attempt)))
            .ToLookup(pair => pair.Trial, pair => pair.Seen, StringComparer.Ordinal);
        Dictionary<string, double> last = _store.ReadLatestPoints(_uid)
            .ToDictionary(point => point.Trial, point => point.SuccessRate, StringComparer.Ordinal);
        foreach (TrialRecord trial in _store.ReadTrials(_uid))
        {
            _observed.Observe(Records.Observation(trial, attempts[trial.Name]));
            if (trial.Finished is { } finished)
                _model.Finish(trial.Name, finished.WallSeconds, last.TryGetValue(trial.Name, out double rate) ? rate : null, isNew: false);
        }

        foreach (TrialProgress trial in _live.Keys.Select(_model.Find).OfType<TrialProgress>()) LoadCurve(trial);
        foreach (string trial in _observed.Trials.Select(trial => trial.Name).ToArray()) NoteOldFailure(trial);
    }

    /// <summary>Adopts what still runs, and records the end of what does not.</summary>
    private async Task FindSurvivorsAsync()
    {
        IReadOnlyList<AttemptRecord> unended = _store.ReadLiveAttempts();
        if (unended.Count == 0) return;
        // A pid may never have been recorded, if we were killed right after the start.
        IReadOnlyDictionary<string, ProcessIdentity> running = ProcessIdentity.FindByEnvironment("HEM_ATTEMPT");
        foreach (AttemptRecord record in unended)
        {
            ProcessIdentity? process = record is { ProcessId: { } pid, ProcessStarted: { } started }
                ? new ProcessIdentity(pid, started)
                : running.GetValueOrDefault(record.Id);
            if (process is null || !await AdoptAsync(record, process)) await RecordUnseenEndAsync(record, launched: process is not null);
        }
    }

    private async Task<bool> AdoptAsync(AttemptRecord record, ProcessIdentity process)
    {
        var identity = new AttemptIdentity(record.SweepUid, record.Trial, record.Id, record.Number);
        StoreLayout layout = _request.Layout;
        string tokenFile = layout.TokenFile(record.Trial, record.Number);
        var attempt = new LiveAttempt(identity, layout.LogFile(record.Trial, record.Number), tokenFile, record.Started);
        if (!process.IsAlive) return false;

        // It may speak as soon as we serve, so its token is known before.
        string? token = ReadSecret(tokenFile);
        if (token is not null) _registry.Add(identity, token);
        await ServeAsync();
        if (!SupervisedProcess.TryAdopt(process, status => Post(() => OnExit(attempt, status)), out SupervisedProcess adopted))
        {
            _registry.Gone(identity);
            return false;
        }

        attempt.Process = adopted;
        if (record.ProcessId is null) await _store.SetProcessAsync(record.Id, process.Pid, process.StartTime);
        if (record.SweepUid != _uid)
        {
            _foreign.Add(attempt);
            _display.Show(new RunNotice(
                $"A trial of another sweep was left running here ({record.Trial}, pid {process.Pid}): it is asked to save and leave."));
        }
        else
        {
            _live[record.Trial] = attempt;
            StartedAny = true;
            _display.Show(new AttemptStarted(_model.LabelOf(record.Trial), record.Number, process.Pid, Adopted: true, attempt.LogFile));
        }

        // Without its token it can never report again; its successor goes on from what it saves.
        if (record.SweepUid == _uid && token is not null) return true;
        attempt.StopAskedAt = _time.GetUtcNow();
        adopted.Terminate();
        return true;
    }

    private async Task RecordUnseenEndAsync(AttemptRecord record, bool launched)
    {
        bool finished = _store.FindTrial(record.SweepUid, record.Trial)?.Finished is not null;
        Outcome outcome = !launched && !finished
            ? Outcome.NeverLaunched
            : OutcomeOf(ExitStatus.Unseen, finished, stopAsked: false, record, record.LogPath ?? "");
        await _store.EndAttemptAsync(record.Id, Records.ToStore(outcome.Result), outcome.Reason, null, outcome.Permanent);
        try
        {
            File.Delete(_request.Layout.TokenFile(record.Trial, record.Number));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It speaks for nobody any more.
        }
    }

    private AttemptObservation Seen(AttemptRecord record)
    {
        if (record.Ended is not null) return Records.Ended(record, gpus: 0);
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
