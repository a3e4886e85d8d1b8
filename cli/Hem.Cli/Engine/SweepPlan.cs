using Hem.Core.Sweeps;
using Hem.Results;

namespace Hem.Cli.Engine;

/// <summary>What a run would do with a trial.</summary>
internal enum TrialState
{
    Done,
    Run,
    Resume,
    Retry,
    Running,
    Failed,
}

internal sealed record PlannedTrial(TrialSpec Spec, TrialState State, int Attempts, double? SuccessRate)
{
    public string Word => State.ToString().ToLowerInvariant();
}

/// <summary>What a run of a sweep would do, from the file and what the store knows.</summary>
internal sealed class SweepPlan
{
    private readonly Dictionary<string, double?> _expected = new(StringComparer.Ordinal);

    private SweepPlan(
        string sweep, IReadOnlyList<Configuration> configurations, IReadOnlyList<PlannedTrial> trials, int parallelism, TimeModel times)
    {
        (Sweep, Configurations, Trials, Parallelism) = (sweep, configurations, trials, parallelism);
        string[] alike = [.. configurations.Select(configuration => configuration.Id)];
        foreach (string id in alike) _expected[id] = times.Expect(id, alike);
        PlannedTrial[] rest = [.. trials.Where(trial => trial.State is not (TrialState.Done or TrialState.Failed))];
        ToRun = rest.Length;
        double[] known = [.. rest.Select(trial => _expected[trial.Spec.ConfigurationId]).OfType<double>()];
        if (known.Length == rest.Length) ExpectedSeconds = TimeModel.Makespan(known, parallelism);
    }

    public string Sweep { get; }

    public IReadOnlyList<Configuration> Configurations { get; }

    public IReadOnlyList<PlannedTrial> Trials { get; }

    public int Parallelism { get; }

    public int ToRun { get; }

    /// <summary>Time until all are done, s; null where there is no history.</summary>
    public double? ExpectedSeconds { get; }

    /// <summary>Trials that an earlier version of the sweep asked for.</summary>
    public int NoLongerWanted { get; private init; }

    /// <summary>The process that runs on the store now.</summary>
    public StoreHolder? Holder { get; private init; }

    public double? Expected(string configuration) => _expected[configuration];

    public int Count(TrialState state) => Trials.Count(trial => trial.State == state);

    /// <summary>A plan of trials whose states are known.</summary>
    public static SweepPlan Of(
        HemSweep sweep, SweepExpansion expansion, IReadOnlyList<PlannedTrial> trials, int parallelism, TimeModel times,
        int noLongerWanted) =>
        new(sweep.Metadata.Name, expansion.Configurations, trials, parallelism, times) { NoLongerWanted = noLongerWanted };

    public static SweepPlan Make(HemSweep sweep, SweepExpansion expansion, StoreLayout layout, int parallelism)
    {
        var times = new TimeModel();
        Dictionary<string, TrialRecord> records = new(StringComparer.Ordinal);
        Dictionary<string, double> rates = new(StringComparer.Ordinal);
        HashSet<string> running = new(StringComparer.Ordinal);
        StoreHolder? holder = null;
        if (File.Exists(Path.Combine(layout.Root, "results.db")))
        {
            using ResultStore store = ResultStore.OpenReadOnly(layout.Root);
            foreach (DurationRecord known in store.ReadDurations()) times.Learn(known.ConfigurationId, known.MeanWallSeconds, known.Trials);
            holder = layout.FindHolder();
            if (store.FindSweep(sweep.Metadata.Name) is { } stored)
            {
                foreach (TrialRecord trial in store.ReadTrials(stored.Uid)) records[trial.Name] = trial;
                foreach (PointRecord point in store.ReadLatestPoints(stored.Uid)) rates[point.Trial] = point.SuccessRate;
                if (holder is not null)
                    running.UnionWith(
                        store.ReadAttempts(stored.Uid).Where(attempt => attempt.Ended is null).Select(attempt => attempt.Trial));
            }
        }

        RetrySpec retries = sweep.Spec.Retries;
        PlannedTrial[] trials =
        [
            .. expansion.Trials.Select(spec =>
            {
                TrialRecord? record = records.GetValueOrDefault(spec.Name);
                double? rate = rates.TryGetValue(spec.Name, out double known) ? known : null;
                return new PlannedTrial(
                    spec, StateOf(record, rate is not null, running.Contains(spec.Name), retries), record?.LastAttempt ?? 0, rate);
            }),
        ];
        int wanted = trials.Count(trial => records.ContainsKey(trial.Spec.Name));
        return new SweepPlan(sweep.Metadata.Name, expansion.Configurations, trials, parallelism, times)
        {
            NoLongerWanted = records.Count - wanted,
            Holder = holder,
        };
    }

    private static TrialState StateOf(TrialRecord? record, bool begun, bool running, RetrySpec retries) => record switch
    {
        { Finished: not null } => TrialState.Done,
        _ when running => TrialState.Running,
        { FailedPermanently: true } => TrialState.Failed,
        not null when record.Failures > retries.Failures || record.Disruptions > retries.Disruptions => TrialState.Failed,
        not null when begun => TrialState.Resume,
        { Failures: > 0 } => TrialState.Retry,
        _ => TrialState.Run,
    };
}
