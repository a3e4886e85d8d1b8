namespace Hem.Core.Statistics;

/// <summary>What can be said of a configuration against the best one.</summary>
public enum Verdict
{
    /// <summary>The first row. Another with exactly the same score shares its rank and shows no difference.</summary>
    Best,

    /// <summary>The best one is better: the paired 95% interval lies above 0 and Holm's procedure over all comparisons agrees.</summary>
    Worse,

    /// <summary>
    /// The same the other way round: over the seeds that both have this one is better, although its score over all its own seeds is
    /// lower. Happens while seeds are missing.
    /// </summary>
    BetterOverCommonSeeds,

    /// <summary>The paired interval holds 0.</summary>
    NoDifferenceShown,

    /// <summary>
    /// The paired interval does not hold 0, but with so many configurations compared at once that is no surprise: Holm's procedure at 5%
    /// does not reject.
    /// </summary>
    NoDifferenceShownAmongMany,

    /// <summary>Fewer than two finished seeds in common with the best one.</summary>
    TooFewSeeds,

    /// <summary>Equal seeds and unknown evaluation error: no interval can be given.</summary>
    NoInterval,
}

/// <summary>One row of a ranking.</summary>
/// <param name="Index">Of the configuration in the list that was ranked.</param>
/// <param name="Rank">From 1; equal scores share a rank and the next is left out. Null without enough seeds to be ranked.</param>
/// <param name="Estimate">The score.</param>
/// <param name="AgainstBest">The best one minus this one; null for the first row.</param>
/// <param name="Verdict">In a word.</param>
public sealed record RankedConfiguration(int Index, int? Rank, Estimate Estimate, PairedComparison? AgainstBest, Verdict Verdict);

/// <summary>
/// Configurations of one task in order of their score, each compared with the first.
/// </summary>
/// <remarks>
/// All rows use the same centre: the interquartile mean if every configuration that has a finished run has at least
/// <see cref="Estimate.BootstrapFrom"/>, else the mean. A configuration with a single finished run is not ranked if another has two:
/// one lucky run must not lead. The intervals are for one comparison each; whether a difference is claimed is decided by Holm's
/// procedure over all comparisons with the best one at 5%. Which one is best was itself chosen by the data; docs/statistics.md says what
/// that costs.
/// </remarks>
public sealed record Ranking(Center Center, IReadOnlyList<RankedConfiguration> Rows)
{
    private const double Level = 0.05;

    /// <summary>Ranks configurations by their runs' final scores. Order of the input decides between equals.</summary>
    public static Ranking Of(IReadOnlyList<IReadOnlyList<SeedScore>> configurations)
    {
        var fewest = configurations.Where(scores => scores.Count > 0).Select(scores => scores.Count).DefaultIfEmpty(0).Min();
        var center = Estimate.CenterFor(fewest);
        var estimates = configurations.Select(scores => Estimate.Of(scores, center)).ToArray();
        var needed = configurations.Any(scores => scores.Count >= 2) ? 2 : 1;
        var order = Enumerable.Range(0, configurations.Count)
            .OrderBy(index => estimates[index].Count >= needed ? 0 : estimates[index].Count > 0 ? 1 : 2)
            .ThenByDescending(index => double.IsNaN(estimates[index].Value) ? double.NegativeInfinity : estimates[index].Value)
            .ToArray();
        if (order.Length == 0)
            return new(center, []);

        var best = order[0];
        var comparisons = order.Skip(1).Select(index => PairedComparison.Of(configurations[best], configurations[index], center)).ToArray();
        var rejected = Holm([.. comparisons.Select(comparison => comparison.PValue)]);
        var rows = new List<RankedConfiguration>(order.Length);
        for (var place = 0; place < order.Length; place++)
        {
            var estimate = estimates[order[place]];
            int? rank = estimate.Count < needed ? null
                : place > 0 && estimate.Value == rows[^1].Estimate.Value && rows[^1].Rank is { } shared ? shared : place + 1;
            var comparison = place == 0 ? null : comparisons[place - 1];
            var verdict = comparison is null ? (rank is null ? Verdict.TooFewSeeds : Verdict.Best)
                : comparison.CommonSeeds < 2 ? Verdict.TooFewSeeds
                : comparison.Interval is not { } interval ? (comparison.Difference == 0 ? Verdict.NoDifferenceShown : Verdict.NoInterval)
                : interval.Contains(0) ? Verdict.NoDifferenceShown
                : !rejected[place - 1] ? Verdict.NoDifferenceShownAmongMany
                : interval.Low > 0 ? Verdict.Worse
                : Verdict.BetterOverCommonSeeds;
            rows.Add(new(order[place], rank, estimate, comparison, verdict));
        }
        return new(center, rows);
    }

    /// <summary>Holm's step-down procedure (1979): which hypotheses fall at 5% for the whole family. NaN is no hypothesis.</summary>
    internal static bool[] Holm(double[] pValues)
    {
        var rejected = new bool[pValues.Length];
        var left = pValues.Count(p => !double.IsNaN(p));
        foreach (var index in Enumerable.Range(0, pValues.Length).Where(i => !double.IsNaN(pValues[i])).OrderBy(i => pValues[i]))
        {
            if (pValues[index] > Level / left--)
                break;
            rejected[index] = true;
        }
        return rejected;
    }
}
