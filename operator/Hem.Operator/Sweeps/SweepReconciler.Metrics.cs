using Hem.Core.Planning;
using Hem.Operator.Metrics;

namespace Hem.Operator.Sweeps;

/// <summary>What the sweep's series say.</summary>
internal sealed partial class SweepReconciler
{
    /// <summary>A look at all running trials is not made for each of their reports.</summary>
    private static readonly TimeSpan MeasureInterval = TimeSpan.FromSeconds(5);

    private readonly AttemptTally _ended = new();
    private DateTimeOffset _measuredAt;

    /// <summary>When to look again, as something happened too soon after the last look for another one.</summary>
    private DateTimeOffset? _measureAt;
    private SweepView? _measured;

    private void Measure(SweepStatus status, string sweep)
    {
        if (_measured is not null && Now < _measuredAt + MeasureInterval && status.State == _measured.Status.State)
        {
            // A trial that ended meanwhile would seem to be silent until something else happens.
            _measureAt = _measuredAt + MeasureInterval;
        }
        else
        {
            (_measuredAt, _measureAt) = (Now, null);
            TrialState[] running = [.. _trials.Values.Where(state => state.Live?.RecordedStart is not null && !IsStarting(state))];
            _measured = new SweepView(Namespace, sweep, status, _published?.Best)
            {
                OldestReport = running.Min(state => Since(state, state.ReportedAt)),
                OldestCheckpoint = running.Min(state => Since(state, state.CheckpointedAt)),
                Silent = Oldest(running, state => state.ReportedAt),
                Unsaved = Oldest(running, state => state.CheckpointedAt),
                Waiting = WhyWaiting(status),
                CheckpointInterval = _model?.Sweep.Spec.Trainer.Checkpoints.Every,
                Trials =
                [
                    .. running.OrderBy(state => state.Name, StringComparer.Ordinal).Take(services.Options.TrialSeries)
                        .Select(state => new TrialView(state.Name, state.Iteration, state.SuccessRate, LabelsOf(state.Name))),
                ],
            };
        }

        _measured = _measured with { Status = status, Best = _published?.Best, Ended = _ended.Counts };
        services.Metrics.Sweeps.See(Uid, _measured);
    }

    /// <summary>Takes in what is known of a trial now.</summary>
    private void Observe(TrialObservation trial)
    {
        TrialObservation? before = _observed.Find(trial.Name);
        _observed.Observe(trial);
        _ended.Change(before, _observed.Find(trial.Name));
    }

    /// <summary>
    /// When its pod said something last; of one that has said nothing yet to this process, since when it could have: what others heard of
    /// it is not known here, and it is not called silent for it.
    /// </summary>
    private DateTimeOffset? Since(TrialState state, DateTimeOffset? told) =>
        new[] { told, state.Live!.RecordedStart, _loadedAt }.Max();

    private List<(string Trial, DateTimeOffset Since)> Oldest(TrialState[] running, Func<TrialState, DateTimeOffset?> told) =>
    [
        .. running.Select(state => (state.Name, Since: Since(state, told(state))!.Value)).OrderBy(one => one.Since)
            .Take(SweepMetrics.MostNamed),
    ];

    private AttemptObservation? AttemptOf(TrialState state) =>
        state.Live is { } live ? Known(state.Name).Attempts.FirstOrDefault(one => one.Number == live.Number) : null;

    /// <summary>It may hold a place on a node already: its image is on its way, or cannot be had.</summary>
    private bool IsStarting(TrialState state) => AttemptOf(state) is { Phase: AttemptPhase.Starting };

    private Dictionary<string, int> WhyWaiting(SweepStatus status)
    {
        var reasons = new Dictionary<string, int>(StringComparer.Ordinal);
        // Where the sweep as a whole is held, what each of its trials would wait for does not matter.
        string? held = status.State switch
        {
            SweepState.Invalid => WaitingReason.InvalidSpec,
            SweepState.Suspending or SweepState.Suspended => WaitingReason.Suspended,
            SweepState.Stopping or SweepState.BudgetExhausted => WaitingReason.Budget,
            _ => null,
        };
        foreach (TrialState state in _trials.Values)
            if (AttemptOf(state) is { Phase: AttemptPhase.Starting } starting) Add(WaitingReason.Of(starting.Waiting), 1);

        TrialCounts counts = status.Counts;
        int refused = Math.Min(counts.Waiting, _paused.Count(state => state.Live is null));
        Add(WaitingReason.Refused, refused);
        Add(counts.Running >= _desired.Parallelism ? WaitingReason.Parallelism : WaitingReason.Starting, counts.Waiting - refused);
        Add(WaitingReason.BackingOff, counts.BackingOff);
        return reasons;

        void Add(string reason, int count)
        {
            reason = held ?? reason;
            if (count > 0) reasons[reason] = reasons.GetValueOrDefault(reason) + count;
        }
    }

    private IReadOnlyList<KeyValuePair<string, object?>> LabelsOf(string trial) => _model?.Find(trial) is { } spec
        ? TrialView.LabelsOf(_model.ConfigurationOf(spec.ConfigurationId)?.Label, spec.Seed, spec.Parameters)
        : [];
}
