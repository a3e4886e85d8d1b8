using Hem.Core.Statistics;

namespace Core.Tests.Statistics;

public class EstimateTests
{
    internal static SeedScore[] Scores(params double[] values) => [.. values.Select((value, seed) => new SeedScore(seed, value, 1_000))];

    [Fact]
    public void A_few_seeds_get_the_mean_and_the_t_interval_clipped_to_what_a_rate_can_be()
    {
        var estimate = Estimate.Of(Scores(0.90, 0.95, 1.00));
        estimate.Value.ShouldBe(0.95, 1e-15);
        estimate.Interval!.Value.Low.ShouldBe(0.95 - 4.302653 * 0.05 / Math.Sqrt(3), 1e-6);
        estimate.Interval.Value.High.ShouldBe(1);
        estimate.Method.ShouldBe(IntervalMethod.StudentT);
        estimate.Center.ShouldBe(Center.Mean);
    }

    [Fact]
    public void One_seed_has_no_interval()
    {
        var estimate = Estimate.Of(Scores(0.9));
        (estimate.Value, estimate.Interval, estimate.Method).ShouldBe((0.9, null, IntervalMethod.None));
        Estimate.Of([]).Value.ShouldBe(double.NaN);
    }

    [Fact]
    public void Equal_seeds_fall_back_to_the_evaluation_error_and_say_so()
    {
        var estimate = Estimate.Of(Scores(1, 1, 1));
        estimate.Method.ShouldBe(IntervalMethod.EvaluationError);
        estimate.Interval!.Value.High.ShouldBe(1);
        // Wilson at 3,000 of 3,000: 1 / (1 + z^2 / n)
        estimate.Interval.Value.Low.ShouldBe(1 / (1 + 1.959964 * 1.959964 / 3000), 1e-8);
    }

    [Fact]
    public void Equal_seeds_with_unknown_evaluation_error_have_no_interval() =>
        Estimate.Of([new(1, 0.8), new(2, 0.8)]).Interval.ShouldBeNull();

    [Fact]
    public void Seeds_that_agree_by_accident_are_not_believed_beyond_the_evaluation_error()
    {
        var estimate = Estimate.Of(Scores(0.500, 0.5001));
        estimate.Method.ShouldBe(IntervalMethod.EvaluationError);
        (estimate.Interval!.Value.High - estimate.Interval.Value.Low).ShouldBe(2 * 1.96 * Math.Sqrt(0.25 / 2000), 1e-3);
    }

    [Fact]
    public void From_20_runs_on_it_is_the_interquartile_mean_with_a_bootstrap_interval()
    {
        var random = new SplitMix(1);
        var scores = Scores([.. Enumerable.Range(0, 20).Select(_ => 0.3 + 0.5 * random.NextDouble())]);
        var estimate = Estimate.Of(scores);
        estimate.Center.ShouldBe(Center.InterquartileMean);
        estimate.Method.ShouldBe(IntervalMethod.Bootstrap);
        estimate.Interval!.Value.Contains(estimate.Value).ShouldBeTrue();
        Estimate.Of(scores).ShouldBe(estimate);   // deterministic
        Estimate.Of(scores[..19]).Center.ShouldBe(Center.Mean);
    }

    [Fact]
    public void The_bootstrap_agrees_with_a_plain_one_written_independently()
    {
        var source = new Random(5);
        double[][] strata =
        [
            .. new[] { 7, 12, 5 }.Select((n, k) => Enumerable.Range(0, n).Select(_ => 0.2 * k + 0.4 * source.NextDouble()).ToArray()),
        ];
        var plain = new double[20_000];
        for (var i = 0; i < plain.Length; i++)
            plain[i] = Summary.InterquartileMean([.. strata.SelectMany(s => s.Select(_ => s[source.Next(s.Length)]))]);
        Array.Sort(plain);

        var ours = Bootstrap.InterquartileMean(strata, 20_000);
        ours.Low.ShouldBe(plain[500], 0.004);
        ours.High.ShouldBe(plain[19_500], 0.004);
        // Strata matter: the pooled bootstrap also varies how many runs each contributes and is wider.
        var pooled = Bootstrap.InterquartileMean([[.. strata.SelectMany(s => s)]], 20_000);
        (pooled.High - pooled.Low).ShouldBeGreaterThan(1.1 * (ours.High - ours.Low));
    }
}
