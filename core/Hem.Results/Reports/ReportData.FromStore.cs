using System.Text;
using System.Text.Json;
using Hem.Core.Sweeps;

namespace Hem.Results.Reports;

public sealed partial record ReportData
{
    /// <summary>
    /// A sweep as the store has it. Its stored spec says which trials it asks for, also those that were never started; without a readable
    /// spec the stored trials are all there is.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="sweep">The sweep in it.</param>
    /// <param name="readAt">Now.</param>
    /// <param name="sweepFile">Path of the sweep's file as the user gave it, where known.</param>
    public static ReportData FromStore(ResultStore store, SweepRecord sweep, DateTimeOffset readAt, string? sweepFile = null)
    {
        var (file, expansion, _) = SweepReader.Load(Encoding.UTF8.GetBytes(sweep.Spec), sweep.Name);
        var retries = file?.Spec.Retries ?? new RetrySpec();
        var asked = expansion?.Trials.Select(trial => trial.Name).ToHashSet(StringComparer.Ordinal);
        var points = Points(store, sweep.Uid);
        var attempts = LastAttempts(store, sweep.Uid);

        var configurations =
            new Dictionary<string, (string Label, ParameterSet Parameters, List<ReportTrial> Trials)>(StringComparer.Ordinal);
        foreach (var configuration in expansion?.Configurations ?? [])
            configurations.TryAdd(configuration.Id, (configuration.Label, ParameterTable.Resolve(configuration.Parameters), []));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var trial in store.ReadTrials(sweep.Uid))
        {
            seen.Add(trial.Name);
            if (!configurations.TryGetValue(trial.ConfigurationId, out var configuration))
                configurations.Add(trial.ConfigurationId, configuration = (trial.ConfigurationId, Parse(trial.Parameters), []));
            configuration.Trials.Add(Trial(trial, attempts.GetValueOrDefault(trial.Name), retries) with
            {
                Superseded = trial.Superseded || asked?.Contains(trial.Name) == false,
                Points = points.GetValueOrDefault(trial.Name) ?? [],
            });
        }
        foreach (var trial in expansion?.Trials.Where(trial => !seen.Contains(trial.Name)) ?? [])
        {
            configurations[trial.ConfigurationId].Trials.Add(
                new() { Name = trial.Name, Seed = trial.Seed, State = ReportTrialState.Waiting });
        }

        return new()
        {
            Sweep = sweep.Name,
            ReadAt = readAt,
            StartedAt = sweep.Created,
            SweepFile = sweepFile,
            ParametersSet = ParametersThatAreSet(configurations.Values.Select(configuration => configuration.Parameters)),
            Configurations =
            [
                .. configurations.Select(pair => new ReportConfiguration
                {
                    Id = pair.Key,
                    Label = pair.Value.Label,
                    Parameters = pair.Value.Parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value.ToString()),
                    Superseded = pair.Value.Trials.Count > 0 && pair.Value.Trials.All(trial => trial.Superseded),
                    Trials = [.. pair.Value.Trials.OrderBy(trial => trial.Seed)],
                }),
            ],
        };
    }

    // What no configuration sets to anything but its default is no subject of the sweep, however the defaults differ between tasks.
    private static HashSet<string> ParametersThatAreSet(IEnumerable<ParameterSet> configurations) =>
    [
        .. configurations.SelectMany(set => set.Where(parameter => ParameterTable.Default(parameter.Key, set) != parameter.Value))
            .Select(parameter => parameter.Key),
    ];

    private static ReportTrial Trial(TrialRecord trial, (AttemptRecord Last, string? Failure) attempts, RetrySpec retries) => new()
    {
        Name = trial.Name,
        Seed = trial.Seed,
        State = trial.Finished is not null ? ReportTrialState.Complete
            : attempts.Last is { Ended: null } ? ReportTrialState.Running
            : trial.FailedPermanently || trial.Failures > retries.Failures || trial.Disruptions > retries.Disruptions
                ? ReportTrialState.Failed
            : ReportTrialState.Waiting,
        StoppedEarly = trial.Finished?.StoppedEarly ?? false,
        Attempts = trial.LastAttempt,
        Failures = trial.Failures,
        Disruptions = trial.Disruptions,
        // A trial that finished in the end needs no excuse; the number of its failures stays.
        Reason = trial.Finished is null ? attempts.Failure : null,
    };

    private static Dictionary<string, List<ReportPoint>> Points(ResultStore store, string uid)
    {
        var result = new Dictionary<string, List<ReportPoint>>(StringComparer.Ordinal);
        foreach (var point in store.ReadPoints(uid))
        {
            if (!result.TryGetValue(point.Trial, out var curve))
                result.Add(point.Trial, curve = []);
            curve.Add(new(
                point.Iteration, point.Trajectories, point.EnvSteps, point.Updates, point.SuccessRate, point.Loss, point.WallSeconds,
                point.GoalCoverage));
        }
        return result;
    }

    private static Dictionary<string, (AttemptRecord Last, string? Failure)> LastAttempts(ResultStore store, string uid)
    {
        var result = new Dictionary<string, (AttemptRecord Last, string? Failure)>(StringComparer.Ordinal);
        foreach (var attempt in store.ReadAttempts(uid))
        {
            var before = result.GetValueOrDefault(attempt.Trial).Failure;
            result[attempt.Trial] = (attempt, attempt.Outcome == AttemptOutcome.Failed ? attempt.FailedReason ?? attempt.Reason : before);
        }
        return result;
    }

    private static ParameterSet Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return ParameterValue.From(document.RootElement).Fields;
    }
}
