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
            _command ??= TrainerProgram.Resolve(_request.Sweep.Spec.Trainer.Command, _request.File.Directory);
            foreach (Claim claim in await Task.WhenAll(starts.Select(ClaimAsync))) await LaunchAsync(claim);
            return true;
        }
        catch (Exception e) when (e is StoreException or SpawnException or IOException or UnauthorizedAccessException)
        {
            // Nothing runs and nothing can: say so and leave. Else what runs goes on, and so do we when there is space again.
            if (_live.Count == 0) throw;
            _pausedUntil = now + TroublePause;
            _display.Show(new RunNotice($"{e.Message} Trying again in {TroublePause.TotalSeconds:0} s.", Warning: true));
            return false;
        }
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

    private sealed record Claim(TrialProgress Trial, LiveAttempt Attempt, string Token);

    /// <summary>The record first: whatever happens to us from here on, the attempt is known and never doubled.</summary>
    private async Task<Claim> ClaimAsync(StartAttempt start)
    {
        StoreLayout layout = _request.Layout;
        var claim = new Claim(
            _model.Find(start.Trial)!,
            new LiveAttempt(
                new AttemptIdentity(_uid, start.Trial, Guid.CreateVersion7().ToString("N"), start.Number),
                layout.LogFile(start.Trial, start.Number), layout.TokenFile(start.Trial, start.Number), _time.GetUtcNow()),
            Token: Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        LiveAttempt attempt = claim.Attempt;
        Directory.CreateDirectory(layout.CheckpointDirectory(start.Trial));
        WriteSecret(attempt.TokenFile, claim.Token);
        await _store.AddAttemptAsync(new NewAttempt(_uid, start.Trial, start.Number, attempt.Identity.AttemptId)
        {
            TokenFile = attempt.TokenFile,
            LogPath = attempt.LogFile,
        });
        return claim;
    }

    private async Task LaunchAsync(Claim claim)
    {
        LiveAttempt attempt = claim.Attempt;
        AttemptIdentity identity = attempt.Identity;
        _registry.Add(identity, claim.Token);
        if (attempt.Number > 1) LoadCurve(claim.Trial);
        try
        {
            attempt.Process = SupervisedProcess.Start(
                _command!, EnvironmentOf(attempt, claim.Trial.Spec), attempt.LogFile, status => Post(() => OnExit(attempt, status)));
        }
        catch (SpawnException e)
        {
            _registry.Gone(identity);
            Outcome never = Outcome.NeverLaunched with { Reason = e.Message };
            await _store.EndAttemptAsync(identity.AttemptId, Records.ToStore(never.Result), never.Reason);
            AttemptObservation ended = Observed(attempt, AttemptPhase.Exited);
            Observe(attempt.Trial, ended with { Outcome = never, StartedAt = null, EndedAt = _time.GetUtcNow() });
            throw;
        }

        _live[attempt.Trial] = attempt;
        StartedAny = true;
        ProcessIdentity process = attempt.Process.Identity;
        Background(Guarded(_store.SetProcessAsync(identity.AttemptId, process.Pid, process.StartTime)));
        Observe(attempt.Trial, Observed(attempt, AttemptPhase.Running));
        _display.Show(new AttemptStarted(claim.Trial.Label, attempt.Number, process.Pid, Adopted: false, attempt.LogFile));
    }

    private AttemptObservation Observed(LiveAttempt attempt, AttemptPhase phase) => new(attempt.Number, attempt.Identity.AttemptId, phase)
    {
        StartedAt = attempt.StartedAt,
        Gpus = _model.Find(attempt.Trial) is { } trial ? _request.Sweep.Spec.Trainer.For(trial.Spec.Parameters).Gpus : 0,
    };

    private Dictionary<string, string> EnvironmentOf(LiveAttempt attempt, TrialSpec trial)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        TrialDocument document = TrialDocument.For(_request.Sweep, trial);
        // Results do not depend on threads, so a machine with cores to spare gives them to the few trials that there are.
        int slots = Math.Min(_request.Parallelism, _request.Expansion.Trials.Count);
        int threads = Math.Max(document.Trainer.Threads, Environment.ProcessorCount / Math.Max(1, slots));
        document = document with { Trainer = document.Trainer with { Threads = threads } };
        variables["HEM_TRIAL"] = document.ToJson();
        variables["HEM_ATTEMPT"] = attempt.Identity.AttemptId;
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

    private static string Words(StopReason reason) => reason switch
    {
        StopReason.Suspended => "the sweep is suspended",
        StopReason.BudgetExhausted => "the sweep's budget is used up",
        StopReason.Superseded => "the sweep no longer asks for this trial",
        StopReason.ParallelismReduced => "fewer trials may run at once",
        _ => "the trial is complete",
    };
}
