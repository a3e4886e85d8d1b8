using Hem.Core.Planning;
using Hem.Operator.Metrics;

namespace Hem.Operator.Sweeps;

/// <summary>What the sweep's series say.</summary>
internal sealed partial class SweepReconciler
{
    /// <summary>A look at all running trials is not made for each of their reports.</summary>
    private static readonly TimeSpan MeasureInterval = TimeSpan.FromSeconds(5);

    private DateTimeOffset _measuredAt;
    private SweepView? _measured;

    private void Measure(SweepStatus status, string sweep)
    {
        if (_measured is null || Now >= _measuredAt + MeasureInterval || status.State != _measured.Status.State)
        {
            _measuredAt = Now;
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

        services.Metrics.Sweeps.See(Uid, _measured = _measured with { Status = status, Best = _published?.Best });
    }

    private IReadOnlyList<KeyValuePair<string, object?>> LabelsOf(string trial) => _model?.Find(trial) is { } spec
        ? TrialView.LabelsOf(_model.ConfigurationOf(spec.ConfigurationId)?.Label, spec.Seed, spec.Parameters)
        : [];
}
