namespace Hem.Core.Statistics;

/// <summary>How far a measured success rate may be off because it was measured on finitely many episodes.</summary>
internal static class EvaluationError
{
    private const double Z = 1.959963984540054;

    /// <summary>All episodes behind the scores together, or 0 when those of any score are not known.</summary>
    public static double Episodes(IReadOnlyList<SeedScore> scores) =>
        scores.Any(score => score.Episodes <= 0) ? 0 : scores.Sum(score => (double)score.Episodes);

    /// <summary>Wilson's 95% score interval of a success rate; null when the number of episodes is not known.</summary>
    public static Interval? Of(double rate, double episodes)
    {
        if (!(episodes > 0) || !(rate is >= 0 and <= 1))
            return null;
        var shrink = 1 + Z * Z / episodes;
        var middle = (rate + Z * Z / (2 * episodes)) / shrink;
        var half = Z / shrink * Math.Sqrt(rate * (1 - rate) / episodes + Z * Z / (4 * episodes * episodes));
        // At 0 and 1 the ends are 0 and 1 but for rounding.
        return new(rate == 0 ? 0 : Math.Max(0, middle - half), rate == 1 ? 1 : Math.Min(1, middle + half));
    }

    /// <summary>
    /// Standard error of the difference of two success rates with two successes and two failures spread over them (Agresti and Caffo
    /// 2000), so that it is not zero at 0 and 1; 0 when a number of episodes is not known.
    /// </summary>
    public static double OfDifference(double left, double leftEpisodes, double right, double rightEpisodes)
    {
        if (!(leftEpisodes > 0) || !(rightEpisodes > 0))
            return 0;
        return Math.Sqrt(Variance(left, leftEpisodes) + Variance(right, rightEpisodes));

        static double Variance(double rate, double episodes)
        {
            var pulled = (rate * episodes + 1) / (episodes + 2);
            return pulled * (1 - pulled) / (episodes + 2);
        }
    }

    /// <summary>Half the width of the 95% interval that a standard error stands for.</summary>
    public static double HalfWidth(double standardError) => Z * standardError;

    /// <summary>
    /// P(|X| &gt;= |z|) for a standard normal X: by its series (Marsaglia 2004), in the tail by Laplace's continued fraction.
    /// </summary>
    public static double TwoTails(double z)
    {
        z = Math.Abs(z);
        var density = Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI);
        if (z < 3)
        {
            double term = z, sum = z;
            for (var i = 3; sum + term != sum; i += 2)
                sum += term *= z * z / i;
            return 1 - 2 * density * sum;
        }
        var fraction = z;
        for (var i = 100; i > 0; i--)
            fraction = z + i / fraction;
        return 2 * density / fraction;
    }
}
