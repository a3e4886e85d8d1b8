using System.Globalization;
using Hem.Core.Statistics;
using Hem.Core.Sweeps;
using Hem.Operator.Api;
using Hem.Results;

namespace Hem.Operator.Sweeps;

/// <summary>
/// The final scores of a sweep's complete trials, and which configuration they put first. Scores are added as trials complete, so that
/// nothing is read twice; the ranking is made anew only where a score came since.
/// </summary>
internal sealed class BestTracker
{
    private readonly Dictionary<string, (string Configuration, SeedScore Score)> _scores = new(StringComparer.Ordinal);
    private SweepModel? _model;
    private BestConfiguration? _best;
    private bool _isCurrent;

    /// <summary>Which configurations there are now.</summary>
    public void Describe(SweepModel model) => (_model, _isCurrent) = (model, false);

    /// <summary>A trial is complete; its learning curve.</summary>
    public void Finish(TrialRecord trial, IReadOnlyList<PointRecord> points)
    {
        if (points.Count == 0 || trial.Finished is not { } finished) return;
        double[] rates = [.. points.Select(point => point.SuccessRate)];
        bool untrainedFirst = points[0].Iteration == 0;
        int evaluations = FinalScore.Evaluations(rates.Length, finished.StoppedEarly, untrainedFirst);
        _scores[trial.Name] = (trial.ConfigurationId, new SeedScore(
            trial.Seed, FinalScore.Of(rates, finished.StoppedEarly, untrainedFirst), EpisodesOf(trial.ConfigurationId) * evaluations));
        _isCurrent = false;
    }

    /// <summary>The sweep no longer asks for this trial.</summary>
    public void Forget(string trial) => _isCurrent &= !_scores.Remove(trial);

    /// <summary>The best configuration so far. Null without scores, and for a sweep of several tasks: those are never compared.</summary>
    public BestConfiguration? Best()
    {
        if (!_isCurrent) (_best, _isCurrent) = (Rank(), true);
        return _best;
    }

    private BestConfiguration? Rank()
    {
        if (_model is not { } model || _scores.Count == 0) return null;
        IReadOnlyList<Configuration> configurations = model.Expansion.Configurations;
        if (configurations.Select(TaskOf).Distinct().Skip(1).Any()) return null;
        ILookup<string, SeedScore> scores = _scores.Values.ToLookup(pair => pair.Configuration, pair => pair.Score);
        Ranking ranking = Ranking.Of([.. configurations.Select(one => scores[one.Id].OrderBy(score => score.Seed).ToArray())]);
        if (ranking.Rows is not [var first, ..] || first.Estimate.Count == 0) return null;
        Configuration best = configurations[first.Index];
        string label = best.Label.Length > 0 ? best.Label : best.Id;
        return new BestConfiguration
        {
            Configuration = label.Length <= HemSweepStatus.LongestLabel ? label : label[..(HemSweepStatus.LongestLabel - 3)] + "...",
            Id = best.Id,
            Score = Rounded(first.Estimate.Value),
            Measure = first.Estimate.Center == Center.Mean ? "mean" : "interquartileMean",
            Interval = first.Estimate.Interval is { } interval ? [Rounded(interval.Low), Rounded(interval.High)] : null,
            Seeds = first.Estimate.Count,
        };
    }

    private static string TaskOf(Configuration configuration) =>
        ParameterTable.Effective("task", configuration.Parameters)?.ToString() ?? "";

    private long EpisodesOf(string configuration) =>
        _model?.ConfigurationOf(configuration) is { } known
        && double.TryParse(
            ParameterTable.Effective("evaluationEpisodes", known.Parameters)?.ToString(), CultureInfo.InvariantCulture, out double episodes)
            ? (long)episodes
            : 0;

    // A column is read by people.
    private static double Rounded(double value) => Math.Round(value, 4);
}
