using Hem.Cli.Terminal;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Results;

namespace Hem.Cli.Engine;

/// <summary>How far a sweep is: what displays show. Kept up to date by the run's loop; not thread-safe.</summary>
internal sealed class RunModel
{
    private readonly Dictionary<string, TrialProgress> _trials = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Configuration> _configurations = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (int Done, double Success)> _done = new(StringComparer.Ordinal);
    private readonly HashSet<string> _finished = new(StringComparer.Ordinal);
    private readonly List<FailedTrial> _failures = [];
    private readonly HashSet<string> _failed = new(StringComparer.Ordinal);
    private readonly SweepExpansion _expansion;
    private readonly string _sweep;
    private readonly TimeModel _times = new();
    private readonly int _seeds;
    private readonly int _slots;
    private double _doneSeconds;

    public RunModel(HemSweep sweep, SweepExpansion expansion, int slots)
    {
        (_sweep, _expansion, _slots) = (sweep.Metadata.Name, expansion, slots);
        foreach (Configuration configuration in expansion.Configurations) _configurations[configuration.Id] = configuration;
        foreach (TrialSpec trial in expansion.Trials)
            _trials[trial.Name] = new TrialProgress(trial, new TrialLabel(trial.Name, Label(trial), trial.Seed));
        _seeds = sweep.Spec.Seeds.Total;
    }

    public int FinishedCount => _finished.Count;

    public TrialProgress? Find(string trial) => _trials.GetValueOrDefault(trial);

    /// <summary>What to call a trial, also one that the sweep no longer asks for.</summary>
    public TrialLabel LabelOf(string trial) =>
        _trials.TryGetValue(trial, out TrialProgress? known) ? known.Label : new TrialLabel(trial, trial, 0);

    public void LearnDurations(IEnumerable<DurationRecord> durations)
    {
        foreach (DurationRecord known in durations) _times.Learn(known.ConfigurationId, known.MeanWallSeconds, known.Trials);
    }

    /// <summary>A trial is complete, now or from before.</summary>
    /// <param name="isNew">Its time is not among the durations yet.</param>
    public void Finish(string trial, double wallSeconds, double? successRate, bool isNew)
    {
        if (!_trials.TryGetValue(trial, out TrialProgress? progress) || !_finished.Add(trial)) return;
        string configuration = progress.Spec.ConfigurationId;
        (int count, double sum) = _done.GetValueOrDefault(configuration);
        _done[configuration] = (count + 1, sum + (successRate ?? progress.SuccessRate ?? 0));
        _doneSeconds += wallSeconds;
        if (isNew) _times.Learn(configuration, wallSeconds);
    }

    public void Fail(TrialLabel trial, string reason, string logFile)
    {
        if (_failed.Add(trial.Name)) _failures.Add(new FailedTrial(trial.Configuration, trial.Seed, reason, logFile));
    }

    public RunView View(SweepStatus status, IReadOnlyCollection<LiveAttempt> live, TimeSpan elapsed, string hint)
    {
        double? usual = UsualSeconds();
        double remaining = 0, longest = 0;
        bool known = true;
        var rows = new List<RunningTrial>(live.Count);
        var running = new HashSet<string>(StringComparer.Ordinal);
        double runningSeconds = 0;
        foreach (LiveAttempt attempt in live.OrderBy(attempt => attempt.StartedAt).ThenBy(attempt => attempt.Trial, StringComparer.Ordinal))
        {
            if (!_trials.TryGetValue(attempt.Trial, out TrialProgress? trial)) continue;
            running.Add(attempt.Trial);
            double? total = trial.ExpectedSeconds ?? _times.Known(trial.Spec.ConfigurationId) ?? usual;
            double? left = total - trial.WallSeconds;
            runningSeconds += trial.WallSeconds;
            if (left is { } seconds) (remaining, longest) = (remaining + Math.Max(0, seconds), Math.Max(longest, seconds));
            else known = false;
            rows.Add(new RunningTrial(
                trial.Label.Configuration, trial.Label.Seed, attempt.Number, State(attempt, trial), trial.SuccessRate, trial.Curve,
                trial.Iteration,
                trial.Iterations, trial.StepsPerSecond, left is { } time ? TimeSpan.FromSeconds(Math.Max(0, time)) : null));
        }

        foreach (TrialProgress trial in _trials.Values)
        {
            if (running.Contains(trial.Spec.Name) || _finished.Contains(trial.Spec.Name) || _failed.Contains(trial.Spec.Name)) continue;
            if ((_times.Known(trial.Spec.ConfigurationId) ?? usual) is not { } seconds)
            {
                known = false;
                continue;
            }

            double left = Math.Max(0, (trial.ExpectedSeconds ?? seconds) - trial.WallSeconds);
            (remaining, longest) = (remaining + left, Math.Max(longest, left));
            runningSeconds += trial.WallSeconds;
        }

        TrialCounts counts = status.Counts;
        double spent = _doneSeconds + runningSeconds;
        return new RunView
        {
            Sweep = _sweep,
            Total = counts.Total,
            Done = counts.Finished,
            Waiting = counts.Waiting + counts.BackingOff,
            Failed = counts.Failed + counts.Conflicted,
            Progress = known && spent + remaining > 0
                ? spent / (spent + remaining)
                : counts.Total > 0 ? (double)counts.Finished / counts.Total : 1,
            Elapsed = elapsed,
            Left = known && live.Count > 0 ? TimeSpan.FromSeconds(Math.Max(longest, remaining / _slots)) : null,
            Running = rows,
            Configurations = [.. _expansion.Configurations.Select(Row)],
            Failures = _failures,
            Hint = hint,
        };
    }

    private ConfigurationRow Row(Configuration configuration)
    {
        (int count, double sum) = _done.GetValueOrDefault(configuration.Id);
        return new ConfigurationRow(configuration.Label, _seeds, count, count > 0 ? sum / count : null);
    }

    // For configurations that were never finished: the mean over those that were, else what running trials show.
    private double? UsualSeconds() =>
        Average(_configurations.Keys.Select(_times.Known).OfType<double>())
        ?? Average(
            _trials.Values.Where(trial => !_finished.Contains(trial.Spec.Name)).Select(trial => trial.ExpectedSeconds).OfType<double>());

    private static double? Average(IEnumerable<double> values)
    {
        double sum = 0;
        int count = 0;
        foreach (double value in values) (sum, count) = (sum + value, count + 1);
        return count > 0 ? sum / count : null;
    }

    private string Label(TrialSpec trial) => _configurations[trial.ConfigurationId].Label is { Length: > 0 } label ? label : _sweep;

    private static string State(LiveAttempt attempt, TrialProgress trial) =>
        attempt.StopAskedAt is not null ? "saving" : trial.SuccessRate is null ? "starting" : "training";
}
