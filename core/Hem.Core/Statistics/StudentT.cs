namespace Hem.Core.Statistics;

/// <summary>Student's t distribution and the interval of a mean that it gives.</summary>
public static class StudentT
{
    /// <summary>The 95% interval of the mean of two or more values, not clipped; a point when all are equal.</summary>
    public static Interval MeanInterval(ReadOnlySpan<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(values.Length, 2);
        var mean = Summary.Mean(values);
        var half = Critical95(values.Length - 1) * Math.Sqrt(Summary.Variance(values) / values.Length);
        return new(mean - half, mean + half);
    }

    /// <summary>
    /// <see cref="MeanInterval"/> with the two-sided p-value of a mean of 0, below 5% where the interval excludes 0. Of equal values: 0,
    /// or 1 where all are 0.
    /// </summary>
    internal static (Interval Interval, double PValue) MeanTest(ReadOnlySpan<double> values)
    {
        var mean = Summary.Mean(values);
        var error = Math.Sqrt(Summary.Variance(values) / values.Length);
        return (MeanInterval(values), mean == 0 ? 1 : TwoTails(mean / error, values.Length - 1));
    }

    /// <summary>P(T &lt;= t) for <paramref name="degrees"/> (&gt; 0) degrees of freedom.</summary>
    public static double Cdf(double t, double degrees)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(degrees);
        if (double.IsNaN(t))
            return double.NaN;
        // Half the two tails; the smaller argument of the incomplete beta function keeps its precision.
        var tails = TwoTails(t, degrees);
        return t <= 0 ? tails / 2 : 1 - tails / 2;
    }

    /// <summary>P(|T| &gt;= |t|): the two-sided p-value, precise however small.</summary>
    public static double TwoTails(double t, double degrees)
    {
        if (double.IsInfinity(t))
            return 0;
        return IncompleteBeta(degrees / 2, 0.5, degrees / (degrees + t * t));
    }

    /// <summary>The t with <c>Cdf(t) = probability</c>, for 0 &lt; probability &lt; 1.</summary>
    public static double Quantile(double probability, double degrees)
    {
        if (!(probability is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "must lie between 0 and 1");
        if (probability == 0.5)
            return 0;
        // By symmetry in the upper half: find the t whose two tails hold `target`. Bracket by doubling, then bisect to the last bit.
        var target = 2 * Math.Min(probability, 1 - probability);
        double low = 0, high = 1;
        while (TwoTails(high, degrees) > target)
            (low, high) = (high, 2 * high);
        for (var middle = (low + high) / 2; low < middle && middle < high; middle = (low + high) / 2)
        {
            if (TwoTails(middle, degrees) > target)
                low = middle;
            else
                high = middle;
        }
        return probability < 0.5 ? -high : high;
    }

    /// <summary>The 97.5% quantile, remembered: curves ask for the same few again and again.</summary>
    internal static double Critical95(int degrees)
    {
        if (degrees >= Critical.Length)
            return Quantile(0.975, degrees);
        var known = Volatile.Read(ref Critical[degrees]);
        if (known == 0)
            Volatile.Write(ref Critical[degrees], known = Quantile(0.975, degrees));
        return known;
    }

    private static readonly double[] Critical = new double[256];

    /// <summary>The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22) in Lentz's way.</summary>
    internal static double IncompleteBeta(double a, double b, double x)
    {
        if (x <= 0)
            return 0;
        if (x >= 1)
            return 1;
        // The fraction converges fast below the mean; above it, use I_x(a, b) = 1 - I_{1-x}(b, a).
        if (x > (a + 1) / (a + b + 2))
            return 1 - IncompleteBeta(b, a, 1 - x);

        var front = Math.Exp(a * Math.Log(x) + b * Math.Log(1 - x) + LogGamma(a + b) - LogGamma(a) - LogGamma(b)) / a;
        const double tiny = 1e-300;
        double c = 1, d = 1 / Guard(1 - (a + b) * x / (a + 1)), fraction = d;
        for (var m = 1; m < 10_000; m++)
        {
            var even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 / Guard(1 + even * d);
            c = Guard(1 + even / c);
            fraction *= c * d;
            var odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = 1 / Guard(1 + odd * d);
            c = Guard(1 + odd / c);
            fraction *= c * d;
            if (Math.Abs(c * d - 1) < 1e-16)
                break;
        }
        return front * fraction;

        static double Guard(double value) => Math.Abs(value) < tiny ? tiny : value;
    }

    /// <summary>
    /// ln Gamma(x) for x &gt; 0: Stirling's series (DLMF 5.11.1) after stepping x up to where it is exact to double precision.
    /// </summary>
    internal static double LogGamma(double x)
    {
        var shift = 0.0;
        for (; x < 15; x++)
            shift += Math.Log(x);
        var inverse = 1 / x;
        var square = inverse * inverse;
        var series = inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square / 1188))));
        return (x - 0.5) * Math.Log(x) - x + 0.5 * Math.Log(2 * Math.PI) + series - shift;
    }
}
