namespace Hem.Core.Statistics;

/// <summary>Two configurations compared over the seeds that both have.</summary>
/// <param name="CommonSeeds">Seeds that both finished.</param>
/// <param name="Difference">Left minus right over the common seeds; NaN when there are none.</param>
/// <param name="Interval">95% interval of the difference, within [-1, 1]; null when none can be given.</param>
/// <param name="PValue">Two-sided, of the hypothesis that there is no difference; NaN where there is no interval.</param>
/// <param name="ProbabilityOfImprovement">That a run of the left one scores higher than a run of the right one, over
/// all their runs.</param>
public sealed record PairedComparison(
    int CommonSeeds, double Difference, Interval? Interval, double PValue, double ProbabilityOfImprovement)
{
    /// <summary>
    /// Compares two configurations. With <see cref="Center.Mean"/>: mean difference and its t interval; with
    /// <see cref="Center.InterquartileMean"/>: difference of the interquartile means and its bootstrap interval, resampling seeds with
    /// both their scores. Never narrower than the evaluation error alone. Each of the two errors has an interval and a p-value from its own
    /// distribution; the union of the intervals and the larger p-value count, so that p is below 5% where the interval excludes 0.
    /// </summary>
    public static PairedComparison Of(IReadOnlyList<SeedScore> left, IReadOnlyList<SeedScore> right, Center center)
    {
        var others = right.ToDictionary(score => score.Seed);
        var pairs = left.Where(score => others.ContainsKey(score.Seed)).OrderBy(score => score.Seed)
            .Select(score => (Left: score, Right: others[score.Seed])).ToArray();
        var improvement = Summary.ProbabilityOfImprovement(
            left.Select(score => score.Value).ToArray(), right.Select(score => score.Value).ToArray());

        var a = pairs.Select(pair => pair.Left.Value).ToArray();
        var b = pairs.Select(pair => pair.Right.Value).ToArray();
        var trimmed = center == Center.InterquartileMean;
        var differences = a.Zip(b, (x, y) => x - y).ToArray();
        var difference = trimmed ? Summary.InterquartileMean(a) - Summary.InterquartileMean(b) : Summary.Mean(differences);
        if (pairs.Length < 2)
            return new(pairs.Length, difference, null, double.NaN, improvement);

        var (interval, p) = trimmed ? Bootstrap.PairedDifference(a, b) : StudentT.MeanTest(differences);
        var kept = trimmed ? 1 - 2.0 * (pairs.Length / 4) / pairs.Length : 1;
        var floor = EvaluationError.OfDifference(
            Math.Clamp(Summary.Mean(a), 0, 1), kept * EvaluationError.Episodes([.. pairs.Select(pair => pair.Left)]),
            Math.Clamp(Summary.Mean(b), 0, 1), kept * EvaluationError.Episodes([.. pairs.Select(pair => pair.Right)]));
        if (floor > 0)
        {
            var half = EvaluationError.HalfWidth(floor);
            interval = interval.Union(new(difference - half, difference + half));
            p = Math.Max(p, EvaluationError.TwoTails(difference / floor));
        }
        else if (interval.Low == interval.High)
        {
            return new(pairs.Length, difference, null, double.NaN, improvement);
        }
        return new(pairs.Length, difference, interval.Clip(-1, 1), p, improvement);
    }
}
