namespace Hem.Core.Statistics;

/// <summary>
/// Percentile bootstrap of the interquartile mean (Agarwal et al. 2021, section 4). Deterministic: the same data give the same interval.
/// </summary>
public static class Bootstrap
{
    /// <summary>Resamples behind an interval. The ends then stand at the 2.5% point give or take 0.35%.</summary>
    public const int Resamples = 2_000;

    /// <summary>
    /// The 95% interval of the interquartile mean of all strata together, resampling with replacement within each stratum (a task, or
    /// whatever must keep its number of runs).
    /// </summary>
    /// <param name="strata">Scores, at least one stratum with at least one value.</param>
    /// <param name="resamples">How many resamples.</param>
    public static Interval InterquartileMean(IReadOnlyList<double[]> strata, int resamples = Resamples)
    {
        var pool = new Resampled(strata.SelectMany(stratum => stratum).ToArray());
        var random = new SplitMix(pool.Count);
        var results = new double[resamples];
        for (var i = 0; i < resamples; i++)
        {
            pool.Clear();
            var offset = 0;
            foreach (var stratum in strata)
            {
                for (var k = 0; k < stratum.Length; k++)
                    pool.Draw(offset + random.Next(stratum.Length));
                offset += stratum.Length;
            }
            results[i] = pool.InterquartileMean();
        }
        Array.Sort(results);
        return new(Summary.Quantile(results, 0.025), Summary.Quantile(results, 0.975));
    }

    /// <summary>
    /// The 95% interval of the difference of two interquartile means over common seeds, and the two-sided p-value of no difference: seeds
    /// are resampled, each with both its scores.
    /// </summary>
    /// <remarks>
    /// The p-value is the one at which a percentile interval begins to hold 0, at least 1 / resamples. Where 0 lies beyond all resamples
    /// they do not tell how far: there it is the t tail with their standard error, at most 1 / resamples.
    /// </remarks>
    internal static (Interval Interval, double PValue) PairedDifference(double[] left, double[] right, int resamples = Resamples)
    {
        Resampled a = new(left), b = new(right);
        var random = new SplitMix(left.Length);
        var results = new double[resamples];
        for (var i = 0; i < resamples; i++)
        {
            a.Clear();
            b.Clear();
            for (var k = 0; k < left.Length; k++)
            {
                var seed = random.Next(left.Length);
                a.Draw(seed);
                b.Draw(seed);
            }
            results[i] = a.InterquartileMean() - b.InterquartileMean();
        }
        var error = Math.Sqrt(Summary.Variance(results));
        Array.Sort(results);
        var difference = Summary.InterquartileMean(left) - Summary.InterquartileMean(right);
        var tail = results[0] > 0 || results[^1] < 0
            ? Math.Min(1.0 / resamples, StudentT.TwoTails(difference / error, left.Length - 1))
            : Math.Max(1.0 / resamples, 2 * Math.Min(ShareBelow(results), ShareBelow([.. results.Reverse().Select(value => -value)])));
        return (new(Summary.Quantile(results, 0.025), Summary.Quantile(results, 0.975)), Math.Min(1, tail));
    }

    /// <summary>
    /// The largest probability whose <see cref="Summary.Quantile"/> is not above 0, of a sorted sample with 0 between its ends.
    /// </summary>
    private static double ShareBelow(double[] sorted)
    {
        var above = Array.FindIndex(sorted, value => value > 0);
        return above < 0 ? 1 : (above - 1 + sorted[above - 1] / (sorted[above - 1] - sorted[above])) / (sorted.Length - 1);
    }

    /// <summary>A resample as counts over the sorted sample: its interquartile mean then needs no sorting.</summary>
    private sealed class Resampled
    {
        private readonly double[] sorted;
        private readonly int[] rank;      // of the i-th value as given
        private readonly int[] counts;

        public Resampled(double[] values)
        {
            var order = Enumerable.Range(0, values.Length).ToArray();
            sorted = (double[])values.Clone();
            Array.Sort(sorted, order);
            rank = new int[values.Length];
            for (var i = 0; i < order.Length; i++)
                rank[order[i]] = i;
            counts = new int[values.Length];
        }

        public int Count => sorted.Length;

        public void Clear() => Array.Clear(counts);

        public void Draw(int index) => counts[rank[index]]++;

        public double InterquartileMean()
        {
            var skip = Count / 4;
            var take = Count - 2 * skip;
            var left = take;
            double first = double.NaN, sum = 0;
            for (var i = 0; left > 0; i++)
            {
                var here = counts[i];
                var skipped = Math.Min(skip, here);
                skip -= skipped;
                here = Math.Min(here - skipped, left);
                if (here == 0)
                    continue;
                if (left == take)
                    first = sorted[i];
                left -= here;
                sum += here * (sorted[i] - first);
            }
            return first + sum / take;
        }
    }
}

/// <summary>SplitMix64 (Steele, Lea and Flood 2014): small, good enough for resampling, and the same everywhere for ever.</summary>
internal struct SplitMix(long seed)
{
    private ulong state = unchecked((ulong)seed * 0x2545F4914F6CDD1DUL + 0x48656DUL);

    public ulong NextBits()
    {
        var z = state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in 0..bound-1; the bias, bound / 2^32, does not matter here.</summary>
    public int Next(int bound) => (int)((NextBits() >> 32) * (ulong)bound >> 32);

    /// <summary>Uniform in (0, 1).</summary>
    public double NextDouble() => ((NextBits() >> 11) + 0.5) / (1UL << 53);
}
