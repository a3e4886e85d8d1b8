using System.Text;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Results;
using Hem.Results.Reports;

namespace Hem.Cli.Engine;

/// <summary>Reads from a store what a report says.</summary>
internal static class ReportReader
{
    /// <summary>The sweep as the store has it: its spec gives the order and the labels.</summary>
    public static ReportData Read(ResultStore store, SweepRecord sweep, TimeProvider time, string? sweepFile = null)
    {
        SweepFile spec = SweepFile.Of(Encoding.UTF8.GetBytes(sweep.Spec), sweep.Name, Environment.CurrentDirectory);
        Dictionary<string, Configuration> wanted = (spec.Expansion?.Configurations ?? []).ToDictionary(configuration => configuration.Id);
        ILookup<string, AttemptRecord> attempts = store.ReadAttempts(sweep.Uid).ToLookup(attempt => attempt.Trial);
        ILookup<string, ReportPoint> points = store.ReadPoints(sweep.Uid).ToLookup(point => point.Trial, Point);
        RetrySpec retries = spec.Sweep?.Spec.Retries ?? new RetrySpec();

        // Trials that were never created are not in the store, yet the report counts them.
        ILookup<string, ReportTrial> stored = store.ReadTrials(sweep.Uid)
            .ToLookup(trial => trial.ConfigurationId, trial => Trial(trial, [.. attempts[trial.Name]], [.. points[trial.Name]], retries));
        ILookup<string, TrialSpec> specs = (spec.Expansion?.Trials ?? []).ToLookup(trial => trial.ConfigurationId);
        Dictionary<string, string> parametersOfRest = store.ReadTrials(sweep.Uid)
            .Where(trial => !wanted.ContainsKey(trial.ConfigurationId))
            .DistinctBy(trial => trial.ConfigurationId)
            .ToDictionary(trial => trial.ConfigurationId, trial => trial.Parameters);

        return new ReportData
        {
            Sweep = sweep.Name,
            ReadAt = time.GetUtcNow(),
            StartedAt = sweep.Created,
            SweepFile = sweepFile,
            Configurations =
            [
                .. wanted.Values.Select(configuration => new ReportConfiguration
                {
                    Id = configuration.Id,
                    Label = configuration.Label,
                    Parameters = Texts(ParameterTable.Resolve(configuration.Parameters)),
                    Trials = WithMissing(stored[configuration.Id], specs[configuration.Id]),
                }),
                .. parametersOfRest.Select(rest => new ReportConfiguration
                {
                    Id = rest.Key,
                    Label = rest.Key,
                    Parameters = Texts(Parse(rest.Value)),
                    Superseded = true,
                    Trials = [.. stored[rest.Key].OrderBy(trial => trial.Seed)],
                }),
            ],
        };
    }

    private static IReadOnlyList<ReportTrial> WithMissing(IEnumerable<ReportTrial> stored, IEnumerable<TrialSpec> wanted)
    {
        Dictionary<string, ReportTrial> byName = stored.ToDictionary(trial => trial.Name);
        foreach (TrialSpec spec in wanted)
            byName.TryAdd(spec.Name, new ReportTrial { Name = spec.Name, Seed = spec.Seed, State = ReportTrialState.Waiting });
        return [.. byName.Values.OrderBy(trial => trial.Seed)];
    }

    private static ReportTrial Trial(TrialRecord trial, AttemptRecord[] attempts, ReportPoint[] points, RetrySpec retries)
    {
        AttemptRecord? last = attempts.LastOrDefault();
        bool failed = trial.FailedPermanently || trial.Failures > retries.Failures || trial.Disruptions > retries.Disruptions;
        return new ReportTrial
        {
            Name = trial.Name,
            Seed = trial.Seed,
            State = trial.Finished is not null ? ReportTrialState.Complete
                : last is { Ended: null } ? ReportTrialState.Running
                : failed ? ReportTrialState.Failed
                : ReportTrialState.Waiting,
            Superseded = trial.Superseded,
            StoppedEarly = trial.Finished?.StoppedEarly ?? false,
            Attempts = trial.LastAttempt,
            Failures = trial.Failures,
            Disruptions = trial.Disruptions,
            Reason = attempts.LastOrDefault(attempt => attempt.Outcome == Hem.Results.AttemptOutcome.Failed)?.Reason,
            Points = points,
        };
    }

    private static ReportPoint Point(PointRecord point) => new(
        point.Iteration, point.Trajectories, point.EnvSteps, point.Updates, point.SuccessRate, point.Loss, point.WallSeconds);

    private static Dictionary<string, string> Texts(ParameterSet parameters) =>
        parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value.ToString());

    private static ParameterSet Parse(string json)
    {
        using var document = System.Text.Json.JsonDocument.Parse(json);
        return ParameterSet.From(document.RootElement.EnumerateObject().Select(field => KeyValuePair.Create(field.Name, ParameterValue.From(field.Value))));
    }
}
