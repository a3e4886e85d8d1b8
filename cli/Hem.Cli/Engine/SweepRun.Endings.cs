using Hem.Cli.Processes;
using Hem.Core.Planning;
using Hem.Progress;
using Hem.Results;
using Outcome = Hem.Core.Planning.AttemptOutcome;

namespace Hem.Cli.Engine;

/// <summary>What becomes of an attempt whose process has ended, and of what it reported.</summary>
internal sealed partial class SweepRun
{
    private void OnExit(LiveAttempt attempt, ExitStatus status)
    {
        if (attempt.Ending) return;
        attempt.Ending = true;
        Background(EndAsync(attempt, status));
    }

    private async Task EndAsync(LiveAttempt attempt, ExitStatus status)
    {
        // A shell in front of the trainer may be gone while the trainer is not. (What our own children leave is ended with them.)
        if (attempt.Process is { IsAdopted: true })
            await Task.Run(() => ProcessIdentity.KillAll(Variable, new HashSet<string> { attempt.Identity.AttemptId }));
        // First what it said last, which may still be on its way to the store; then whether that was Finished.
        await Guarded(_progress!.EndAsync(attempt.Identity));
        TrialRecord? trial = null;
        Outcome outcome;
        try
        {
            trial = _store.FindTrial(attempt.Identity.SweepUid, attempt.Trial);
            AttemptRecord? record = _store.ReadAttempts(attempt.Identity.SweepUid, attempt.Trial)
                .FirstOrDefault(known => known.Id == attempt.Identity.AttemptId);
            bool finished = trial?.Finished is not null;
            outcome = attempt.Estranged is { } why && !finished
                ? Outcome.Disrupted(why)
                : OutcomeOf(status, finished, attempt.StopAskedAt is not null, record, attempt.LogFile);
        }
        catch (StoreException e)
        {
            outcome = Outcome.Disrupted(e.Message);
        }

        // Written in the order of calls, so the next attempt's record never comes before this one's end.
        Task recorded = Persist(() => _store.EndAttemptAsync(
            attempt.Identity.AttemptId, outcome.Result.ToStore(), outcome.Reason, status.ShellCode, outcome.Permanent));
        Post(() => OnEnded(attempt, outcome, trial));
        await recorded;
        DeleteToken(attempt.TokenFile);
    }

    /// <summary>The class of an end, and what to tell people about it.</summary>
    internal static Outcome OutcomeOf(ExitStatus status, bool finished, bool stopAsked, AttemptRecord? record, string logFile)
    {
        string? reported = record?.FailedReason;
        bool permanent = record?.FailedPermanently == true;
        if (status.ShellCode is not { } code)
        {
            // Not our child: its exit code went to somebody else. What is stored still tells.
            if (finished) return Outcome.Completed;
            if (reported is not null) return Outcome.Failed(reported, permanent);
            return stopAsked ? Outcome.Left : Outcome.Disrupted("its end was not seen");
        }

        // Complete is complete, whatever happened to the process afterwards.
        if (finished && code != 0) return Outcome.Completed with { Reason = $"finished, then {status}" };
        if (code == 0 && !finished && !stopAsked)
            return Outcome.Failed(WithLastWords("exit code 0, but it never reported Finished", logFile));
        if (code == 0 && !finished) return Outcome.Left;
        return Outcome.FromExit(code, stopAsked, reported ?? WithLastWords(status.ToString(), logFile), permanent);
    }

    private static string WithLastWords(string what, string logFile) => LogTail.LastLine(logFile) is { } words ? $"{what}: {words}" : what;

    private void OnEnded(LiveAttempt attempt, Outcome outcome, TrialRecord? trial)
    {
        DateTimeOffset now = _time.GetUtcNow();
        _processes.TryRemove(attempt.Identity.AttemptId, out _);
        if (attempt.Identity.SweepUid != _uid)
        {
            _foreign.Remove(attempt);
            return;
        }

        _live.Remove(attempt.Trial);
        TrialObservation known = Known(attempt.Trial);
        _observed.Observe((known with { FinishedAt = trial?.Finished?.At ?? known.FinishedAt })
            .With(Observed(attempt, AttemptPhase.Exited) with { Outcome = outcome, EndedAt = now }));
        TrialLabel label = _model.LabelOf(attempt.Trial);
        if (trial?.Finished is { } finished)
        {
            TrialProgress? progress = _model.Find(attempt.Trial);
            _model.Finish(attempt.Trial, finished.WallSeconds, progress?.SuccessRate, isNew: true);
            _display.Show(new TrialFinished(label, finished.Iteration, progress?.SuccessRate, finished.StoppedEarly, finished.WallSeconds));
            return;
        }

        TrialStatus status = Planner.Describe(_observed, attempt.Trial, now);
        bool final = status.Phase == TrialPhase.Failed;
        if (final) _model.Fail(label, outcome.Reason, attempt.LogFile);
        _display.Show(new AttemptEnded(
            label, attempt.Number, outcome.Result.ToString().ToLowerInvariant(), outcome.Reason, attempt.LogFile,
            Next(outcome, status, now), final));
    }

    private string Next(Outcome outcome, TrialStatus status, DateTimeOffset now) => status.Phase switch
    {
        TrialPhase.Failed when outcome.Permanent => "no retry would help",
        TrialPhase.Failed when outcome.Result == AttemptResult.Disrupted =>
            $"disrupted {Terminal.Format.Count(status.Disruptions, "time")}, no more retries",
        TrialPhase.Failed => $"failed {Terminal.Format.Count(status.Failures, "time")}, no more retries",
        TrialPhase.Superseded => "no longer part of the sweep",
        _ when _interrupted || outcome.Result == AttemptResult.Left => "goes on when the sweep does",
        _ when status.RetryAt is { } at && at > now =>
            $"retry {status.Failures} of {_desired.Retries.Failures} in {Math.Ceiling((at - now).TotalSeconds):0} s",
        _ when outcome.Result == AttemptResult.Failed => $"retry {status.Failures} of {_desired.Retries.Failures}",
        _ => "goes on",
    };

    /// <summary>Reports of an attempt are stored.</summary>
    private void OnReports(AttemptIdentity identity, IReadOnlyList<TrainerMessage> reports)
    {
        if (identity.SweepUid != _uid || _model.Find(identity.Trial) is not { } trial) return;
        foreach (TrainerMessage report in reports)
        {
            if (report.ReportCase != TrainerMessage.ReportOneofCase.Evaluated || !trial.Take(report.Evaluated)) continue;
            _display.Show(new TrialEvaluated(
                trial.Label, identity.AttemptNumber, trial.Iteration, trial.Iterations, report.Evaluated.SuccessRate,
                trial.StepsPerSecond));
        }
    }

    /// <summary>A write whose failure is no reason to stop: it is said, and what it would have recorded is found out again.</summary>
    private async Task Guarded(Task write)
    {
        try
        {
            await write;
        }
        catch (Exception e) when (e is StoreException or IOException)
        {
            Post(() => _display.Show(new RunNotice(e.Message, Warning: true)));
        }
    }

    /// <summary>A write that is made as soon as there is space for it. Any other failure is said, and found out again.</summary>
    private async Task Persist(Func<Task> write)
    {
        while (true)
        {
            try
            {
                await write();
                return;
            }
            catch (StoreException e) when (e.Fault == StoreFault.DiskFull)
            {
                Post(() => Pause(e.Message));
                await Task.Delay(TroublePause, _time);
            }
            catch (Exception e) when (e is StoreException or IOException)
            {
                Post(() => _display.Show(new RunNotice(e.Message, Warning: true)));
                return;
            }
        }
    }
}
