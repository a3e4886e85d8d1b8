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
    private readonly Dictionary<string, int> _rowOf = new(StringComparer.Ordinal);
    private readonly ConfigurationRow[] _rows;

    /// <summary>Trials that have not begun, by configuration; those that have, and are not over.</summary>
    private readonly Dictionary<string, int> _fresh = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TrialProgress> _begun = new(StringComparer.Ordinal);
    private FreshWork? _freshWork;

    private readonly HashSet<string> _finished = new(StringComparer.Ordinal);
    private readonly List<FailedTrial> _failures = [];
    private readonly HashSet<string> _failed = new(StringComparer.Ordinal);
    private readonly string _sweep;
    private readonly TimeModel _times = new();
    private readonly int _seeds;
    private readonly int _slots;
    private double _doneSeconds;

    public RunModel(HemSweep sweep, SweepExpansion expansion, int slots)
    {
        (_sweep, _slots) = (sweep.Metadata.Name, slots);
        foreach (Configuration configuration in expansion.Configurations) _configurations[configuration.Id] = configuration;
        foreach (TrialSpec trial in expansion.Trials)
        {
            _trials[trial.Name] = new TrialProgress(trial, new TrialLabel(trial.Name, Label(trial), trial.Seed));
            _fresh[trial.ConfigurationId] = _fresh.GetValueOrDefault(trial.ConfigurationId) + 1;
        }

        _seeds = sweep.Spec.Seeds.Total;
        _rows = [.. expansion.Configurations.Select(Row)];
        for (int i = 0; i < _rows.Length; i++) _rowOf[expansion.Configurations[i].Id] = i;
    }

    /// <summary>What is left of trials that have not begun. It changes when a trial begins or ends, not with every frame.</summary>
    /// <param name="Seconds">Of those whose time is known; <paramref name="Longest"/> of them.</param>
    /// <param name="Unknown">Trials of configurations that were never finished.</param>
    /// <param name="Usual">The mean over the configurations that were, s.</param>
    private readonly record struct FreshWork(double Seconds, double Longest, int Unknown, double? Usual);

    public int FinishedCount => _finished.Count;

    public TrialProgress? Find(string trial) => _trials.GetValueOrDefault(trial);

    /// <summary>What to call a trial, also one that the sweep no longer asks for.</summary>
    public TrialLabel LabelOf(string trial) =>
        _trials.TryGetValue(trial, out TrialProgress? known) ? known.Label : new TrialLabel(trial, trial, 0);

    public void LearnDurations(IEnumerable<DurationRecord> durations)
    {
        foreach (DurationRecord known in durations) _times.Learn(known.ConfigurationId, known.MeanWallSeconds, known.Trials);
        _freshWork = null;
    }

    /// <summary>A trial has begun: what is left of it is told by its points from here on.</summary>
    public void Begin(string trial)
    {
        if (!_trials.TryGetValue(trial, out TrialProgress? progress) || IsOver(trial) || !_begun.TryAdd(trial, progress)) return;
        _fresh[progress.Spec.ConfigurationId]--;
        _freshWork = null;
    }

    /// <summary>A trial is complete, now or from before.</summary>
    /// <param name="isNew">Its time is not among the durations yet.</param>
    public void Finish(string trial, double wallSeconds, double? successRate, bool isNew)
    {
        if (!_trials.TryGetValue(trial, out TrialProgress? progress) || _finished.Contains(trial)) return;
        Leave(trial, progress);
        _finished.Add(trial);
        string configuration = progress.Spec.ConfigurationId;
        (int count, double sum) = _done.GetValueOrDefault(configuration);
        _done[configuration] = (count + 1, sum + (successRate ?? progress.SuccessRate ?? 0));
        _doneSeconds += wallSeconds;
        if (isNew) _times.Learn(configuration, wallSeconds);
        if (_rowOf.TryGetValue(configuration, out int row)) _rows[row] = Row(_configurations[configuration]);
    }

    public void Fail(TrialLabel trial, string reason, string logFile)
    {
        if (_failed.Contains(trial.Name)) return;
        if (_trials.TryGetValue(trial.Name, out TrialProgress? progress)) Leave(trial.Name, progress);
        _failed.Add(trial.Name);
        _failures.Add(new FailedTrial(trial.Configuration, trial.Seed, reason, logFile));
    }

    private bool IsOver(string trial) => _finished.Contains(trial) || _failed.Contains(trial);

    /// <summary>Takes a trial that is over from now on out of what is left.</summary>
    private void Leave(string trial, TrialProgress progress)
    {
        if (!_begun.Remove(trial) && !IsOver(trial)) _fresh[progress.Spec.ConfigurationId]--;
        _freshWork = null;
    }

    public RunView View(SweepStatus status, IReadOnlyCollection<LiveAttempt> live, TimeSpan elapsed, string hint)
    {
        FreshWork fresh = _freshWork ??= SumFresh();
        double? usual = fresh.Usual ?? Average(_begun.Values.Select(trial => trial.ExpectedSeconds).OfType<double>());
        (double remaining, double longest) = (fresh.Seconds, fresh.Longest);
        bool known = fresh.Unknown == 0 || usual is not null;
        if (fresh.Unknown > 0 && usual is { } each) (remaining, longest) = (remaining + fresh.Unknown * each, Math.Max(longest, each));
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

        // Begun, and waiting to go on.
        foreach (TrialProgress trial in _begun.Values)
        {
            if (running.Contains(trial.Spec.Name)) continue;
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
            Configurations = _rows,
            Failures = _failures,
            Hint = hint,
        };
    }

    private ConfigurationRow Row(Configuration configuration)
    {
        (int count, double sum) = _done.GetValueOrDefault(configuration.Id);
        return new ConfigurationRow(configuration.Label, _seeds, count, count > 0 ? sum / count : null);
    }

    private FreshWork SumFresh()
    {
        double seconds = 0, longest = 0;
        int unknown = 0;
        foreach ((string configuration, int count) in _fresh)
        {
            if (count == 0) continue;
            if (_times.Known(configuration) is not { } each) unknown += count;
            else (seconds, longest) = (seconds + count * each, Math.Max(longest, each));
        }

        return new FreshWork(seconds, longest, unknown, Average(_configurations.Keys.Select(_times.Known).OfType<double>()));
    }

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
