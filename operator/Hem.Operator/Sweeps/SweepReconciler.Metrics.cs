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
            TrialState[] running = [.. _trials.Values.Where(state => state.Live?.RecordedStart is not null)];
            _measured = new SweepView(Namespace, sweep, status, _published?.Best)
            {
                OldestReport = running.Min(state => state.ReportedAt ?? state.Live!.RecordedStart),
                OldestCheckpoint = running.Min(state => state.CheckpointedAt ?? state.Live!.RecordedStart),
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

    private IReadOnlyList<KeyValuePair<string, object?>> LabelsOf(string trial) => _model?.Find(trial) is { } spec
        ? TrialView.LabelsOf(_model.ConfigurationOf(spec.ConfigurationId)?.Label, spec.Seed, spec.Parameters)
        : [];
}
