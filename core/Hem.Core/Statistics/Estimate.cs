namespace Hem.Core.Statistics;

/// <summary>A closed interval of the real line.</summary>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>Whether <paramref name="value"/> lies in the interval, ends included.</summary>
    public bool Contains(double value) => Low <= value && value <= High;

    internal Interval Union(Interval other) => new(Math.Min(Low, other.Low), Math.Max(High, other.High));

    internal Interval Clip(double low, double high) => new(Math.Clamp(Low, low, high), Math.Clamp(High, low, high));
}

/// <summary>What stands for a configuration's typical score.</summary>
public enum Center
{
    /// <summary>The mean over seeds.</summary>
    Mean,

    /// <summary>The interquartile mean over seeds.</summary>
    InterquartileMean,
}

/// <summary>Where an interval comes from.</summary>
public enum IntervalMethod
{
    /// <summary>There is none: fewer than two seeds, or equal seeds whose evaluation error is not known.</summary>
    None,

    /// <summary>Student's t over seeds.</summary>
    StudentT,

    /// <summary>
    /// The finite number of evaluation episodes, at one end or both: the seeds agree more closely than that number alone would let
    /// them. Where all seeds are equal the spread between seeds cannot be estimated and this is all that there is.
    /// </summary>
    EvaluationError,

    /// <summary>Percentile bootstrap of the interquartile mean.</summary>
    Bootstrap,
}

/// <summary>One run's final score.</summary>
/// <param name="Seed">Scores of two configurations are compared over the seeds that both have.</param>
/// <param name="Value">Success rate, 0..1.</param>
/// <param name="Episodes">Evaluation episodes behind the value; 0 when not known.</param>
public readonly record struct SeedScore(long Seed, double Value, long Episodes = 0);

/// <summary>A configuration's score.</summary>
/// <param name="Value">NaN without runs.</param>
/// <param name="Interval">95%; null when none can be given.</param>
/// <param name="Count">Runs behind it.</param>
/// <param name="Center">What <paramref name="Value"/> is.</param>
/// <param name="Method">What <paramref name="Interval"/> is.</param>
public sealed record Estimate(double Value, Interval? Interval, int Count, Center Center, IntervalMethod Method)
{
    /// <summary>
    /// From this many runs on a score is the interquartile mean with a bootstrap interval, below it the mean with a t interval.
    /// </summary>
    public const int BootstrapFrom = 20;

    /// <summary>
    /// The score over seeds with its 95% interval. Below <see cref="BootstrapFrom"/> runs: mean and t interval, clipped to [0, 1].
    /// From there on: interquartile mean and percentile bootstrap. Never narrower than the evaluation error alone (Wilson's interval
    /// over all episodes). One run has no interval.
    /// </summary>
    /// <param name="scores">One per finished run.</param>
    /// <param name="center">Null: chosen by the number of runs. Configurations to be compared must be given the same.</param>
    public static Estimate Of(IReadOnlyList<SeedScore> scores, Center? center = null)
    {
        var values = scores.Select(score => score.Value).ToArray();
        var chosen = center ?? CenterFor(values.Length);
        var trimmed = chosen == Center.InterquartileMean;
        var value = trimmed ? Summary.InterquartileMean(values) : Summary.Mean(values);
        if (values.Length < 2)
            return new(value, null, values.Length, chosen, IntervalMethod.None);

        var spread = trimmed ? Bootstrap.InterquartileMean([values]) : StudentT.MeanInterval(values);
        var method = trimmed ? IntervalMethod.Bootstrap : IntervalMethod.StudentT;
        var interval = spread.Clip(0, 1);
        var kept = trimmed ? values.Length - 2 * (values.Length / 4) : values.Length;
        if (EvaluationError.Of(value, EvaluationError.Episodes(scores) * kept / values.Length) is { } floor)
        {
            interval = interval.Union(floor);
            if (interval != spread.Clip(0, 1))
                method = IntervalMethod.EvaluationError;
        }
        else if (spread.Low == spread.High)
        {
            return new(value, null, values.Length, chosen, IntervalMethod.None);
        }
        return new(value, interval, values.Length, chosen, method);
    }

    /// <summary>What a score over so many runs is.</summary>
    public static Center CenterFor(int runs) => runs >= BootstrapFrom ? Center.InterquartileMean : Center.Mean;
}
