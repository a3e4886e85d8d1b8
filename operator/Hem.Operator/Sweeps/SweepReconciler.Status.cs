using Hem.Core.Planning;
using Hem.Operator.Api;
using Hem.Progress;

namespace Hem.Operator.Sweeps;

/// <summary>Saying how things stand: statuses of the sweep and its trials, and events.</summary>
internal sealed partial class SweepReconciler
{
    /// <summary>How often what was used is published where nothing else changes.</summary>
    private static readonly TimeSpan UsageInterval = TimeSpan.FromMinutes(1);

    private readonly BestTracker _best = new();
    private HemSweepStatus? _published;
    private DateTimeOffset _publishedAt;
    private DateTimeOffset _rankedAt;
    private DateTimeOffset? _startedAt;

    /// <summary>Reports of an attempt of this sweep are stored.</summary>
    public void OnReports(AttemptIdentity identity, IReadOnlyList<TrainerMessage> reports)
    {
        if (!_trials.TryGetValue(identity.Trial, out TrialState? state)) return;
        state.ReportedAt = Now;
        foreach (TrainerMessage report in reports)
            switch (report.ReportCase)
            {
                case TrainerMessage.ReportOneofCase.Evaluated:
                    (state.Iteration, state.SuccessRate) = ((long)report.Evaluated.Iteration, report.Evaluated.SuccessRate);
                    TellProgress(state);
                    break;
                case TrainerMessage.ReportOneofCase.Checkpointed:
                    state.CheckpointedAt = Now;
                    break;
                case TrainerMessage.ReportOneofCase.Finished when _isLoaded && state.Live is not null:
                    if (services.Store.FindTrial(Uid, state.Name) is { Finished: { } finished })
                        Observe(Known(state.Name) with { FinishedAt = finished.At });
                    break;
            }
    }

    /// <summary>
    /// A word at the half, and one every few minutes of a trial that takes long: a status is no learning curve, and costs a write.
    /// </summary>
    private void TellProgress(TrialState state)
    {
        state.ToldAt ??= Now;
        bool isHalf = !state.ToldHalf && _model?.IterationsOf(state.Name) is { } all && state.Iteration * 2 >= all;
        if (!isHalf && Now < state.ToldAt + services.Options.TrialStatusInterval) return;
        state.ToldHalf |= isHalf;
        state.ToldAt = Now;
        _touched.Add(state);
    }

    private void Publish(SweepStatus status)
    {
        PublishTrials();
        if (_resource is not { } sweep) return;
        HemSweepStatus? before = _published ?? sweep.Status;
        HemSweepStatus next = StatusMapper.Sweep(status, Best(status), StatusMapper.Seconds(_startedAt), before, Now,
            services.Checkpoints?.ReadRefusals(Uid) ?? []);
        if (before?.State != next.State) Tell(sweep, status);
        Measure(status, sweep.Metadata.Name!);
        bool isSame = _published is not null && SameButUsage(_published, next);
        if (isSame && Now < _publishedAt + UsageInterval) return;
        (_published, _publishedAt) = (next, Now);
        services.Statuses.Offer(sweep, next, isFinal: status.HasEnded || status.State is SweepState.Invalid or SweepState.Suspended);
    }

    private static bool SameButUsage(HemSweepStatus a, HemSweepStatus b) =>
        a with { Usage = null, Conditions = null } == b with { Usage = null, Conditions = null }
        && a.Conditions!.SequenceEqual(b.Conditions!);

    private static bool Same(HemTrialStatus a, HemTrialStatus b) =>
        a with { Conditions = null } == b with { Conditions = null } && (a.Conditions ?? []).SequenceEqual(b.Conditions ?? []);

    private void PublishTrials()
    {
        DateTimeOffset now = Now;
        foreach (TrialState state in _touched)
        {
            if (state.Object is not { } trial) continue;
            TrialStatus status = Planner.Describe(_observed, state.Name, now);
            // A trial that waits for its turn says so by saying nothing.
            if (status is { Phase: TrialPhase.Waiting, Attempts: 0 } && trial.Status is null) continue;
            if (state.Live is { } live)
            {
                state.StartedAt ??= live.RecordedStart;
                if (live.RecordedStart is { } start && (_startedAt is null || start < _startedAt)) _startedAt = start;
            }

            HemTrialStatus next = StatusMapper.Trial(
                status, state, _observed.Find(state.Name), _model?.IterationsOf(state.Name) ?? 0, trial.Metadata.Generation,
                state.Published ?? trial.Status, now);
            if (state.Published is { } offered && Same(offered, next)) continue;
            state.Published = next;
            services.Statuses.Offer(trial, next, isFinal: status.Phase is
                TrialPhase.Finished or TrialPhase.Failed or TrialPhase.Superseded or TrialPhase.Conflicted);
        }

        _touched.Clear();
    }

    /// <summary>A ranking costs more than a look at the rest, and is not made anew for each of many trials that end.</summary>
    private BestConfiguration? Best(SweepStatus status)
    {
        if (!status.HasEnded && Now < _rankedAt + services.Options.SweepStatusInterval) return _published?.Best;
        _rankedAt = Now;
        return _best.Best();
    }

    private void Tell(HemSweepResource sweep, SweepStatus status)
    {
        Condition condition = status[status.State == SweepState.Invalid ? ConditionType.Accepted : ConditionType.Progressing];
        OperatorLog.SweepState(services.Logger, Namespace, Name, status.State.ToString(), condition.Message);
        string message = StatusMapper.Shorten(condition.Message, 1000);
        if (status.State is SweepState.Invalid or SweepState.CompleteWithFailures or SweepState.BudgetExhausted)
            services.Events.Warning(sweep, status.State.ToString(), message);
        else services.Events.Normal(sweep, status.State.ToString(), message);
    }
}
