using System.Collections.Concurrent;
using System.Collections.ObjectModel;
using System.Diagnostics.Metrics;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Metrics;
using Hem.Operator.Api;

namespace Hem.Operator.Metrics;

/// <summary>One sweep as its series tell of it.</summary>
/// <param name="Namespace">Where it is.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">What the planner said last.</param>
/// <param name="Best">The best configuration so far.</param>
internal sealed record SweepView(string Namespace, string Name, SweepStatus Status, BestConfiguration? Best)
{
    /// <summary>Of the trials that run, when the one that has been silent longest reported last.</summary>
    public DateTimeOffset? OldestReport { get; init; }

    /// <summary>Of the trials that run, when the one whose checkpoint is oldest saved it.</summary>
    public DateTimeOffset? OldestCheckpoint { get; init; }

    /// <summary>How attempts of its trials ended.</summary>
    public IReadOnlyList<AttemptCount> Ended { get; init; } = [];

    /// <summary>Of the trials that run, those that have been silent longest, and when they reported last.</summary>
    public IReadOnlyList<(string Trial, DateTimeOffset Since)> Silent { get; init; } = [];

    /// <summary>Of the trials that run, those that have not saved for longest, and when they saved last.</summary>
    public IReadOnlyList<(string Trial, DateTimeOffset Since)> Unsaved { get; init; } = [];

    /// <summary>Why how many of its trials do not run (<see cref="WaitingReason"/>).</summary>
    public IReadOnlyDictionary<string, int> Waiting { get; init; } = ReadOnlyDictionary<string, int>.Empty;

    /// <summary>How often its trials are asked to save.</summary>
    public TimeSpan? CheckpointInterval { get; init; }

    /// <summary>Trials that run, as far as series of their own are wanted.</summary>
    public IReadOnlyList<TrialView> Trials { get; init; } = [];
}

/// <summary>One trial as its series tell of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Iteration">Iterations that it reported.</param>
/// <param name="SuccessRate">Of its last evaluation, 0..1.</param>
/// <param name="Labels">What `hem_trial_info` says: configuration, seed, parameters.</param>
internal sealed record TrialView(string Name, long Iteration, double? SuccessRate, IReadOnlyList<KeyValuePair<string, object?>> Labels)
{
    public static IReadOnlyList<KeyValuePair<string, object?>> LabelsOf(string? configuration, int seed, ParameterSet parameters) =>
        // Sorted here, once, as each scrape tells them.
        [.. ParameterTable.Resolve(parameters)
            .Select(parameter => new KeyValuePair<string, object?>(LabelName.Of(parameter.Key), parameter.Value.ToString()))
            .Append(new("configuration", configuration)).Append(new("seed", seed)).OrderBy(label => label.Key, StringComparer.Ordinal)];
}

/// <summary>What there is to tell of sweeps and their trials. The leader has them all, the others none.</summary>
internal sealed class SweepMetrics
{
    /// <summary>Of all sweeps together, trials with series of their own: a scrape of them stays well under 2 MB.</summary>
    public const int MostTrials = 1000;

    /// <summary>Trials of a sweep that are named because they are silent, or have not saved, and after how long they are.</summary>
    public const int MostNamed = 5;

    public static readonly TimeSpan SilentAfter = TimeSpan.FromMinutes(5), UnsavedAfter = TimeSpan.FromMinutes(30);

    private readonly ConcurrentDictionary<string, SweepView> _sweeps = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly Counter<long> _attempts;
    private readonly Histogram<double> _durations;

    public SweepMetrics(Meter meter, TimeProvider time)
    {
        _time = time;
        _attempts = meter.CreateCounter<long>("hem_trial_attempts_total",
            description: "Attempts of trials that ended in this process' life, by namespace, result (Completed, Failed, Disrupted, Left) "
                + "and reason; those of sweeps that are gone too.");
        _durations = meter.CreateHistogram<double>("hem_trial_duration_seconds", "s",
            "How long trials that are complete trained and evaluated, over all their attempts, by namespace.", null,
            new() { HistogramBucketBoundaries = [10, 30, 60, 300, 600, 1800, 3600, 7200, 14400, 28800, 57600, 86400, 172800] });
        meter.CreateObservableGauge("hem_sweeps", CountSweeps, description: "Sweeps, by namespace and state.");
        meter.CreateObservableGauge("hem_sweep_trials", () => Each(CountTrials),
            description: "Trials of a sweep, by namespace, sweep and phase (Waiting, BackingOff, Running, Finished, Failed, Conflicted, "
                + "Superseded).");
        meter.CreateObservableGauge("hem_sweep_trials_starting", () => Each(sweep => [Of(sweep, sweep.Status.Counts.Starting)]),
            description: "Of the running trials those whose pod does not run yet, by namespace and sweep.");
        meter.CreateObservableGauge("hem_sweep_trials_waiting",
            () => Each(sweep => sweep.Waiting.Select(one => Of(sweep, one.Value, new("reason", one.Key)))),
            description: "Trials of a sweep that are left and do not run, by namespace, sweep and reason ("
                + $"{string.Join(", ", WaitingReason.All)}); no series where there are none.");
        meter.CreateObservableGauge("hem_sweep_suspended",
            () => Each(sweep => [Of(sweep, sweep.Status.State is SweepState.Suspending or SweepState.Suspended ? 1 : 0)]),
            description: "1 while the sweep is suspended, by its spec, else 0; by namespace and sweep.");
        meter.CreateObservableCounter("hem_sweep_active_seconds_total",
            () => Each(sweep => [Of(sweep, sweep.Status.Usage.WallClock.TotalSeconds)]), "s",
            "Time in which at least one trial of the sweep held a pod, by namespace and sweep: what a budget's wallClock counts.");
        meter.CreateObservableCounter("hem_sweep_gpu_seconds_total",
            () => Each(sweep => [Of(sweep, sweep.Status.Usage.GpuTime.TotalSeconds)]), "s",
            "GPUs times the time that pods held them, by namespace and sweep: what a budget's gpuHours counts.");
        meter.CreateObservableCounter("hem_sweep_attempts_total", () => Each(CountAttempts),
            description: "Attempts of the sweep's trials that ended, by namespace, sweep, result (Completed, Failed, Disrupted, Left) and "
                + "reason. Of the sweep's whole life, by the record: it goes on where the operator's last process left it.");
        meter.CreateObservableGauge("hem_sweep_best_score", () => Each(BestOf),
            description: "Final success rate of the best configuration so far, by namespace, sweep and configuration.");
        meter.CreateObservableGauge("hem_sweep_oldest_report_seconds", () => Each(sweep => Age(sweep, sweep.OldestReport)), "s",
            "Of the sweep's running trials, how long the one that has been silent longest has not reported to this process, by namespace "
                + "and sweep.");
        meter.CreateObservableGauge("hem_sweep_oldest_checkpoint_seconds", () => Each(sweep => Age(sweep, sweep.OldestCheckpoint)), "s",
            "Of the sweep's running trials, how long the one that has not saved for longest has not told this process that it saved, by "
                + "namespace and sweep.");
        meter.CreateObservableGauge("hem_trial_silent_seconds", () => Each(sweep => Named(sweep, sweep.Silent, SilentAfter)), "s",
            $"How long a running trial has not reported to this process, by namespace, sweep and trial: the {MostNamed} of each sweep that "
                + $"have been silent longest, from {SilentAfter.TotalMinutes} minutes on.");
        meter.CreateObservableGauge("hem_trial_unsaved_seconds", () => Each(sweep => Named(sweep, sweep.Unsaved, UnsavedAfter)), "s",
            $"How long a running trial has not told this process that it saved, by namespace, sweep and trial: the {MostNamed} of each "
                + $"sweep that have not for longest, from {UnsavedAfter.TotalMinutes} minutes on.");
        meter.CreateObservableGauge("hem_sweep_checkpoint_interval_seconds",
            () => Each(sweep => sweep.CheckpointInterval is { } every ? [Of(sweep, every.TotalSeconds)] : []), "s",
            "How often the sweep's trials are asked to save (spec.trainer.checkpoints.every), by namespace and sweep.");
        meter.CreateObservableGauge("hem_trial_info", () => EachTrial((sweep, trial) => Of(sweep, 1, trial, trial.Labels)),
            description: "Always 1: a trial that runs, with its configuration, seed and parameters, by namespace, sweep and trial. To be "
                + "joined with other series of the trial. Off unless --trial-series says how many.");
        meter.CreateObservableGauge("hem_trial_iteration",
            () => EachTrial((sweep, trial) => Of(sweep, trial.Iteration, trial, [])),
            description: "Iterations that a running trial reported, by namespace, sweep and trial. Off unless --trial-series says so.");
        meter.CreateObservableGauge("hem_trial_success_rate",
            () => EachTrial((sweep, trial) => Of(sweep, trial.SuccessRate ?? double.NaN, trial, [])),
            description: "Success rate of a running trial's last evaluation, 0..1, by namespace, sweep and trial. Off unless "
                + "--trial-series says so.");
    }

    /// <summary>What the sweep is like now.</summary>
    public void See(string uid, SweepView sweep) => _sweeps[uid] = sweep;

    /// <summary>The sweep is gone, or this process leads no more.</summary>
    public void Forget(string uid) => _sweeps.TryRemove(uid, out _);

    /// <summary>An attempt ended.</summary>
    public void Ended(string @namespace, AttemptOutcome outcome) => _attempts.Add(
        1, new("namespace", @namespace), new("result", outcome.Result.ToString()), new("reason", EndReason.Of(outcome)));

    /// <summary>A trial is complete.</summary>
    public void Completed(string @namespace, double seconds) =>
        _durations.Record(seconds, new KeyValuePair<string, object?>("namespace", @namespace));

    private IEnumerable<Measurement<long>> CountSweeps() => _sweeps.Values
        .GroupBy(sweep => (sweep.Namespace, sweep.Status.State))
        .Select(group => new Measurement<long>(
            group.LongCount(), new("namespace", group.Key.Namespace), new("state", group.Key.State.ToString())));

    private static IEnumerable<Measurement<double>> CountTrials(SweepView sweep)
    {
        var counts = sweep.Status.Counts;
        return
        [
            In(TrialPhase.Waiting, counts.Waiting), In(TrialPhase.BackingOff, counts.BackingOff), In(TrialPhase.Running, counts.Running),
            In(TrialPhase.Finished, counts.Finished), In(TrialPhase.Failed, counts.Failed), In(TrialPhase.Conflicted, counts.Conflicted),
            In(TrialPhase.Superseded, counts.Superseded),
        ];

        Measurement<double> In(TrialPhase phase, int count) => Of(sweep, count, new("phase", phase.ToString()));
    }

    private static IEnumerable<Measurement<double>> CountAttempts(SweepView sweep) => sweep.Ended.Select(
        ended => new Measurement<double>(
            ended.Count, [.. Labels(sweep), new("result", ended.Result.ToString()), new("reason", ended.Reason)]));

    private static IEnumerable<Measurement<double>> BestOf(SweepView sweep) => sweep.Best is { Score: { } score } best
        ? [new(score, [.. Labels(sweep), new("configuration", best.Configuration)])]
        : [];

    private IEnumerable<Measurement<double>> Age(SweepView sweep, DateTimeOffset? since) =>
        since is { } time ? [Of(sweep, Math.Max(0, (_time.GetUtcNow() - time).TotalSeconds))] : [];

    private IEnumerable<Measurement<double>> Named(
        SweepView sweep, IReadOnlyList<(string Trial, DateTimeOffset Since)> trials, TimeSpan after)
    {
        foreach ((string trial, DateTimeOffset since) in trials)
            if (_time.GetUtcNow() - since is var age && age >= after) yield return Of(sweep, age.TotalSeconds, new("trial", trial));
    }

    private IEnumerable<Measurement<double>> Each(Func<SweepView, IEnumerable<Measurement<double>>> tell) =>
        _sweeps.Values.SelectMany(tell);

    private IEnumerable<Measurement<double>> EachTrial(Func<SweepView, TrialView, Measurement<double>> tell)
    {
        SweepView[] sweeps = [.. _sweeps.Values];
        var each = EachMayHave(sweeps.Select(sweep => sweep.Trials.Count));
        return sweeps.SelectMany(sweep => sweep.Trials.Take(each).Select(trial => tell(sweep, trial)));
    }

    /// <summary>The most that each may have for all of them to have at most <see cref="MostTrials"/>.</summary>
    internal static int EachMayHave(IEnumerable<int> counts)
    {
        int[] ascending = [.. counts.Order()];
        var left = MostTrials;
        for (var i = 0; i < ascending.Length; i++)
        {
            var share = left / (ascending.Length - i);
            if (ascending[i] > share) return share;
            left -= ascending[i];
        }

        return MostTrials;
    }

    private static Measurement<double> Of(SweepView sweep, double value) => new(value, Labels(sweep));

    private static Measurement<double> Of(SweepView sweep, double value, KeyValuePair<string, object?> label) =>
        new(value, [.. Labels(sweep), label]);

    private static Measurement<double> Of(
        SweepView sweep, double value, TrialView trial, IReadOnlyList<KeyValuePair<string, object?>> labels) =>
        new(value, [.. labels, new("namespace", sweep.Namespace), new("sweep", sweep.Name), new("trial", trial.Name)]);

    private static KeyValuePair<string, object?>[] Labels(SweepView sweep) =>
        [new("namespace", sweep.Namespace), new("sweep", sweep.Name)];
}
