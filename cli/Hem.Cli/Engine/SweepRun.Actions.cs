using System.Security.Cryptography;
using Hem.Cli.Processes;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Results;
using Outcome = Hem.Core.Planning.AttemptOutcome;

namespace Hem.Cli.Engine;

/// <summary>Carrying out what the planner decided.</summary>
internal sealed partial class SweepRun
{
    private IReadOnlyList<string>? _command;

    /// <summary>Why nothing can be started now, as it was told.</summary>
    private string? _trouble;

    /// <returns>True where something was done, so that it is worth planning again.</returns>
    private async Task<bool> CarryOutAsync(IReadOnlyList<PlanAction> actions, DateTimeOffset now)
    {
        if (actions.Count == 0) return false;
        bool acted = false;
        try
        {
            acted |= await RecordAsync(actions);
            foreach (StopAttempt stop in actions.OfType<StopAttempt>()) acted |= Stop(stop, now);
            StartAttempt[] starts = now < _pausedUntil ? [] : [.. actions.OfType<StartAttempt>()];
            if (starts.Length == 0) return acted;
            await ServeAsync();
            _command ??= await TrainerProgram.ForAsync(_request.Sweep, _request.Expansion, _request.File.Directory);
            foreach (StartAttempt start in starts) await StartAsync(start);
            GoOn();
            return true;
        }
        catch (Exception e) when (IsTrouble(e))
        {
            // Nothing runs and nothing can: say so and leave. Else what runs goes on, and so do we. A full disk is waited for either way.
            if (_live.Count == 0 && !IsDiskFull(e)) throw;
            Pause(e.Message);
            return false;
        }
    }

    private static bool IsTrouble(Exception e) => e is StoreException or IOException or UnauthorizedAccessException;

    private static bool IsDiskFull(Exception e) =>
        e is StoreException { Fault: StoreFault.DiskFull } || (e is IOException && e.HResult is Libc.ENOSPC or Libc.EDQUOT);

    private void Pause(string why)
    {
        _pausedUntil = _time.GetUtcNow() + TroublePause;
        if (_trouble == why) return;  // said already
        _trouble = why;
        _display.Show(new RunNotice($"{why} Trying again every {TroublePause.TotalSeconds:0} s.", Warning: true));
    }

    private void GoOn()
    {
        if (_trouble is null) return;
        _trouble = null;
        _display.Show(new RunNotice("That works again: the sweep goes on."));
    }

    private async Task<bool> RecordAsync(IReadOnlyList<PlanAction> actions)
    {
        CreateTrial[] creations = [.. actions.OfType<CreateTrial>()];
        if (creations.Length > 0)
        {
            await _store.AddTrialsAsync(_uid, creations.Select(create => NewTrial(_model.Find(create.Trial)!.Spec)));
            foreach (CreateTrial create in creations) _observed.Observe(Known(create.Trial) with { Hash = create.Hash, Exists = true });
        }

        string[] deletions = [.. actions.OfType<DeleteTrial>().Select(action => action.Trial)];
        if (deletions.Length > 0)
        {
            await _store.DeleteTrialsAsync(_uid, deletions);
            foreach (string trial in deletions) _observed.Observe(new TrialObservation(trial, Known(trial).Hash) { Exists = false });
        }

        string[] marks = [.. actions.OfType<MarkSuperseded>().Select(action => action.Trial)];
        if (marks.Length > 0)
        {
            await _store.MarkSupersededAsync(_uid, marks);
            foreach (string trial in marks) _observed.Observe(Known(trial) with { Superseded = true });
        }

        string[] clears = [.. actions.OfType<ClearSuperseded>().Select(action => action.Trial)];
        if (clears.Length > 0)
        {
            await _store.MarkSupersededAsync(_uid, clears, superseded: false);
            foreach (string trial in clears) _observed.Observe(Known(trial) with { Superseded = false });
        }

        return creations.Length + deletions.Length + marks.Length + clears.Length > 0;
    }

    private static NewTrial NewTrial(TrialSpec trial) =>
        new(trial.Name, trial.Hash, trial.Seed, trial.ConfigurationId, ParameterTable.Resolve(trial.Parameters).ToJson());

    private bool Stop(StopAttempt stop, DateTimeOffset now)
    {
        if (!_live.TryGetValue(stop.Trial, out LiveAttempt? attempt) || attempt.Number != stop.Number) return false;
        attempt.StopAskedAt ??= now;
        // Both ways, because a trainer may run behind a shell that keeps signals to itself, or may not have connected yet.
        _progress?.Stop(attempt.Identity, Words(stop.Reason));
        attempt.Process?.Terminate();
        Observe(stop.Trial, Observed(attempt, AttemptPhase.Stopping));
        return true;
    }

    private async Task StartAsync(StartAttempt start)
    {
        StoreLayout layout = _request.Layout;
        var attempt = new LiveAttempt(
            new AttemptIdentity(_uid, start.Trial, Guid.CreateVersion7().ToString("N"), start.Number),
            layout.LogFile(start.Trial, start.Number), layout.TokenFile(start.Trial, start.Number), _time.GetUtcNow());
        string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        Directory.CreateDirectory(layout.CheckpointDirectory(start.Trial));
        WriteSecret(attempt.TokenFile, token);
        try
        {
            // The record first: whatever happens to us from here on, the attempt is known and never doubled.
            await _store.AddAttemptAsync(new NewAttempt(_uid, start.Trial, start.Number, attempt.Identity.AttemptId));
        }
        catch (StoreException e) when (e.Fault == StoreFault.Conflict)
        {
            await ReadAgainAsync(start.Trial);
            return;
        }

        try
        {
            Launch(attempt, token);
        }
        catch (Exception e) when (IsTrouble(e))
        {
            // Claimed and never launched is an end as well: without it nothing could ever be started for this trial again.
            _registry.Gone(attempt.Identity);
            Outcome never = Outcome.NeverLaunched with { Reason = $"never launched: {e.Message}" };
            Background(Persist(
                () => _store.EndAttemptAsync(attempt.Identity.AttemptId, never.Result.ToStore(), never.Reason)));
            AttemptObservation ended = Observed(attempt, AttemptPhase.Exited);
            Observe(attempt.Trial, ended with { Outcome = never, StartedAt = null, EndedAt = _time.GetUtcNow() });
            DeleteToken(attempt.TokenFile);
            throw;
        }
    }

    private void Launch(LiveAttempt attempt, string token)
    {
        TrialProgress trial = _model.Find(attempt.Trial)!;
        _registry.Add(attempt.Identity, token);
        _model.Begin(attempt.Trial);
        if (attempt.Number > 1) LoadCurve(trial);
        SupervisedProcess process = SupervisedProcess.Start(
            _command!, EnvironmentOf(attempt, trial.Spec), attempt.LogFile, status => Post(() => OnExit(attempt, status)));
        Keep(attempt, process);
        Background(Guarded(
            _store.SetProcessAsync(attempt.Identity.AttemptId, process.Identity.Pid, process.Identity.StartTime)));
        Observe(attempt.Trial, Observed(attempt, AttemptPhase.Running));
        _display.Show(new AttemptStarted(trial.Label, attempt.Number, process.Identity.Pid, Adopted: false, attempt.LogFile));
    }

    /// <summary>Sees to the process from here on.</summary>
    private void Keep(LiveAttempt attempt, SupervisedProcess process)
    {
        attempt.Process = process;
        _processes[attempt.Identity.AttemptId] = process;
        if (attempt.Identity.SweepUid != _uid)
        {
            _foreign.Add(attempt);
            return;
        }

        _live[attempt.Trial] = attempt;
        StartedAny = true;
    }

    private AttemptObservation Observed(LiveAttempt attempt, AttemptPhase phase) => new(attempt.Number, attempt.Identity.AttemptId, phase)
    {
        StartedAt = attempt.StartedAt,
        Gpus = GpusOf(attempt.Trial),
    };

    /// <summary>GPUs of a trial; of one that the sweep no longer asks for, what trials have there in general.</summary>
    private int GpusOf(string trial) => _model.Find(trial) is { } known
        ? _request.Sweep.Spec.Trainer.For(known.Spec.Parameters).Gpus
        : _request.Sweep.Spec.Trainer.Gpus;

    private Dictionary<string, string> EnvironmentOf(LiveAttempt attempt, TrialSpec trial)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        TrialDocument document = TrialDocument.For(_request.Sweep, trial);
        if (_request.Sweep.Spec.Trainer.For(trial.Parameters).Threads is null)
        {
            // Results do not depend on threads, so a machine with cores to spare gives them to the few trials that there are.
            int slots = Math.Max(1, Math.Min(_request.Parallelism, _request.Expansion.Trials.Count));
            document = document with { Trainer = document.Trainer with { Threads = Math.Max(1, Environment.ProcessorCount / slots) } };
        }

        variables["HEM_TRIAL"] = document.ToJson();
        variables[Variable] = attempt.Identity.AttemptId;
        variables["HEM_PROGRESS_ADDRESS"] = _progress!.Address;
        variables["HEM_PROGRESS_TOKEN_FILE"] = attempt.TokenFile;
        variables["HEM_CHECKPOINT_DIR"] = _request.Layout.CheckpointDirectory(trial.Name);
        variables.Remove("HEM_PROGRESS_CA_FILE");
        return variables;
    }

    private void LoadCurve(TrialProgress trial)
    {
        foreach (PointRecord point in _store.ReadPoints(_uid, trial.Spec.Name)) trial.Load(point);
    }

    private static void WriteSecret(string path, string secret)
    {
        // Made anew, so that nobody can have opened it before.
        File.Delete(path);
        using var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        using var writer = new StreamWriter(stream);
        writer.Write(secret);
    }

    private static void DeleteToken(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It speaks for nobody any more.
        }
    }

    private static string Words(StopReason reason) => reason switch
    {
        StopReason.Suspended => "the sweep is suspended",
        StopReason.BudgetExhausted => "the sweep's budget is used up",
        StopReason.Superseded => "the sweep no longer asks for this trial",
        StopReason.ParallelismReduced => "fewer trials may run at once",
        _ => "the trial is complete",
    };
}
