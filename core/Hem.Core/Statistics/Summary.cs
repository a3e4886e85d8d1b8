namespace Hem.Core.Statistics;

/// <summary>Point estimates of a sample.</summary>
public static class Summary
{
    /// <summary>Arithmetic mean; NaN of an empty sample.</summary>
    public static double Mean(ReadOnlySpan<double> values)
    {
        if (values.IsEmpty)
            return double.NaN;
        // Around the first value, so that equal values have exactly that value as their mean.
        var first = values[0];
        var sum = 0.0;
        foreach (var value in values)
            sum += value - first;
        return first + sum / values.Length;
    }

    /// <summary>Sample variance with n - 1 in the denominator; NaN below two values.</summary>
    public static double Variance(ReadOnlySpan<double> values)
    {
        if (values.Length < 2)
            return double.NaN;
        var mean = Mean(values);
        var sum = 0.0;
        foreach (var value in values)
            sum += (value - mean) * (value - mean);
        return sum / (values.Length - 1);
    }

    /// <summary>Middle value, or the mean of the two middle ones; NaN of an empty sample.</summary>
    public static double Median(ReadOnlySpan<double> values)
    {
        if (values.IsEmpty)
            return double.NaN;
        var sorted = values.ToArray();
        Array.Sort(sorted);
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : Mean(sorted.AsSpan(middle - 1, 2));
    }

    /// <summary>
    /// Interquartile mean: the mean of what is left when floor(n / 4) values are cut off at each end, which is what rliable reports
    /// (Agarwal et al. 2021; scipy's <c>trim_mean(x, 0.25)</c>). Below four values nothing is cut and it is the mean.
    /// NaN of an empty sample.
    /// </summary>
    public static double InterquartileMean(ReadOnlySpan<double> values)
    {
        if (values.IsEmpty)
            return double.NaN;
        var sorted = values.ToArray();
        Array.Sort(sorted);
        var cut = sorted.Length / 4;
        return Mean(sorted.AsSpan(cut, sorted.Length - 2 * cut));
    }

    /// <summary>
    /// The probability that a run of <paramref name="left"/> scores higher than a run of <paramref name="right"/>: the share of all
    /// pairs, ties counting one half (Mann-Whitney, as in rliable). NaN when either is empty.
    /// </summary>
    public static double ProbabilityOfImprovement(ReadOnlySpan<double> left, ReadOnlySpan<double> right)
    {
        if (left.IsEmpty || right.IsEmpty)
            return double.NaN;
        var sorted = right.ToArray();
        Array.Sort(sorted);
        var sum = 0.0;
        foreach (var value in left)
            sum += (CountBelow(sorted, value, orEqual: false) + CountBelow(sorted, value, orEqual: true)) / 2.0;
        return sum / ((double)left.Length * right.Length);
    }

    /// <summary>Quantile of a sorted sample by linear interpolation between order statistics (numpy's default).</summary>
    internal static double Quantile(ReadOnlySpan<double> sorted, double probability)
    {
        var position = probability * (sorted.Length - 1);
        var below = (int)position;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }

    private static int CountBelow(double[] sorted, double value, bool orEqual)
    {
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (sorted[middle] < value || (orEqual && sorted[middle] == value))
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
