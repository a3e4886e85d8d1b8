using FsCheck;
using FsCheck.Fluent;
using Hem.Core.Statistics;
using static Core.Tests.Statistics.EstimateTests;

namespace Core.Tests.Statistics;

public class RankingTests
{
    [Fact]
    public void A_paired_comparison_uses_the_common_seeds_alone()
    {
        SeedScore[] left = [new(1, 0.9), new(2, 0.8), new(5, 0.7), new(9, 0.1)];
        SeedScore[] right = [new(5, 0.5), new(2, 0.7), new(1, 0.6)];
        var comparison = PairedComparison.Of(left, right, Center.Mean);
        comparison.CommonSeeds.ShouldBe(3);
        comparison.Difference.ShouldBe((0.3 + 0.1 + 0.2) / 3, 1e-12);
        comparison.Interval!.Value.Low.ShouldBe(0.2 - 0.2484138, 1e-6);
        comparison.Interval.Value.High.ShouldBe(0.2 + 0.2484138, 1e-6);
        comparison.PValue.ShouldBe(0.0741799, 1e-6);   // t = 2 sqrt 3 with 2 degrees of freedom: 1 - t / sqrt(2 + t^2)
    }

    [Fact]
    public void The_paired_p_value_and_the_interval_agree()
    {
        var random = new SplitMix(8);
        for (var i = 0; i < 300; i++)
        {
            var comparison = PairedComparison.Of(Draw(0.6), Draw(0.55), Center.Mean);
            (comparison.PValue < 0.05).ShouldBe(!comparison.Interval!.Value.Contains(0));
        }

        SeedScore[] Draw(double mean) =>
            [.. Enumerable.Range(0, 6).Select(seed => new SeedScore(seed, mean + 0.05 * CoverageSimulation.Normal(ref random)))];
    }

    [Fact]
    public void Where_the_evaluation_error_dominates_the_claim_is_what_the_interval_says()
    {
        var row = Ranking.Of([Scores(0.99, 0.99, 0.99), Scores(0.98, 0.98, 0.98)]).Rows[1];
        row.AgainstBest!.Interval!.Value.Low.ShouldBe(0.0038, 5e-5);
        row.AgainstBest.PValue.ShouldBeInRange(0.001, 0.003);
        row.Verdict.ShouldBe(Verdict.Worse);
    }

    [Fact]
    public void With_a_single_comparison_a_difference_is_claimed_just_where_the_interval_excludes_0()
    {
        var claims = 0;
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), number =>
        {
            var random = new SplitMix(number);
            var seeds = number % 5 == 0 ? 20 + random.Next(6) : 2 + random.Next(7);
            var episodes = new[] { 0, 20, 200, 1_000 }[random.Next(4)];
            var (spread, apart) = (0.1 * random.NextDouble() * random.Next(3), 0.08 * random.NextDouble());
            var step = new[] { 0.001, 0.05 }[random.Next(2)];   // coarse: ties, and equal differences
            var row = Ranking.Of([Draw(0.9), Draw(0.9 - apart)]).Rows[1];
            if (row.AgainstBest!.Interval is not { } interval)
                return;
            var excludes = !interval.Contains(0);
            claims += excludes ? 1 : 0;
            (row.AgainstBest.PValue <= 0.05).ShouldBe(excludes);
            row.Verdict.ShouldBe(!excludes ? Verdict.NoDifferenceShown : interval.Low > 0 ? Verdict.Worse : Verdict.BetterOverCommonSeeds);

            SeedScore[] Draw(double mean) =>
            [
                .. Enumerable.Range(0, seeds).Where(seed => seed < 2 || random.Next(6) > 0 || seeds >= 20).Select(seed => new SeedScore(
                    seed, Math.Clamp(Math.Round((mean + spread * CoverageSimulation.Normal(ref random)) / step) * step, 0, 1), episodes)),
            ];
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
        claims.ShouldBeInRange(300, 1_700);
    }

    [Fact]
    public void One_that_is_lower_overall_but_better_over_the_common_seeds_is_said_to_be()
    {
        SeedScore[] first = [new(1, 0.5), new(2, 0.52), new(3, 0.48), new(4, 0.99), new(5, 0.99), new(6, 0.99)];
        var rows = Ranking.Of([first, Scores(0, 0.6, 0.62, 0.57)[1..]]).Rows;
        rows[0].Index.ShouldBe(0);
        rows[1].AgainstBest!.Difference.ShouldBeLessThan(0);
        rows[1].Verdict.ShouldBe(Verdict.BetterOverCommonSeeds);
    }

    [Fact]
    public void Normal_tails_are_those_of_a_reference()
    {
        for (var z = -8.0; z <= 8; z += 0.0625)
            EvaluationError.TwoTails(z).ShouldBe(MathNet.Numerics.SpecialFunctions.Erfc(Math.Abs(z) / Math.Sqrt(2)), 2e-15);
        (EvaluationError.TwoTails(8) / MathNet.Numerics.SpecialFunctions.Erfc(8 / Math.Sqrt(2))).ShouldBe(1, 1e-12);
    }

    [Fact]
    public void Fewer_than_two_common_seeds_are_too_few()
    {
        var rows = Ranking.Of([[new(1, 0.9), new(2, 0.8)], [new(2, 0.5), new(3, 0.6)]]).Rows;
        rows[1].Verdict.ShouldBe(Verdict.TooFewSeeds);
        rows[1].AgainstBest!.Interval.ShouldBeNull();
        rows[1].AgainstBest!.Difference.ShouldBe(0.3, 1e-12);
    }

    [Fact]
    public void The_order_is_by_score_and_each_is_compared_with_the_first()
    {
        var ranking = Ranking.Of([Scores(0.50, 0.52, 0.48), Scores(0.95, 0.97, 0.96), Scores(0.94, 0.99, 0.90)]);
        ranking.Rows.Select(row => row.Index).ShouldBe([1, 2, 0]);
        ranking.Rows.Select(row => row.Rank).ShouldBe([1, 2, 3]);
        ranking.Rows.Select(row => row.Verdict).ShouldBe([Verdict.Best, Verdict.NoDifferenceShown, Verdict.Worse]);
        ranking.Rows[2].AgainstBest!.Difference.ShouldBe(0.46, 1e-12);
    }

    [Fact]
    public void Equal_scores_share_a_rank_and_show_no_difference()
    {
        var rows = Ranking.Of([Scores(1, 1, 1), Scores(1, 1, 1), Scores(0.2, 0.3, 0.4)]).Rows;
        rows.Select(row => row.Rank).ShouldBe([1, 1, 3]);
        rows[1].Verdict.ShouldBe(Verdict.NoDifferenceShown);
        rows[1].AgainstBest!.Difference.ShouldBe(0);
    }

    [Fact]
    public void Perfect_seeds_against_hopeless_ones_are_a_difference_although_nothing_varies()
    {
        var rows = Ranking.Of([Scores(1, 1, 1), Scores(0, 0, 0)]).Rows;
        rows[1].Verdict.ShouldBe(Verdict.Worse);
        rows[1].AgainstBest!.Interval!.Value.Low.ShouldBeInRange(0.99, 0.9999);
        Ranking.Of([[new(1, 1), new(2, 1)], [new(1, 0), new(2, 0)]]).Rows[1].Verdict.ShouldBe(Verdict.NoInterval);
    }

    [Fact]
    public void One_lucky_seed_does_not_lead()
    {
        var rows = Ranking.Of([Scores(1), Scores(0.8, 0.7, 0.9), []]).Rows;
        rows.Select(row => row.Index).ShouldBe([1, 0, 2]);
        rows.Select(row => row.Rank).ShouldBe([1, null, null]);
        rows[1].Verdict.ShouldBe(Verdict.TooFewSeeds);
        rows[2].Estimate.Value.ShouldBe(double.NaN);
    }

    [Fact]
    public void Single_seeds_are_ranked_among_themselves_with_too_few_seeds_for_any_claim()
    {
        var rows = Ranking.Of([Scores(0.2), Scores(0.9)]).Rows;
        rows.Select(row => row.Rank).ShouldBe([1, 2]);
        rows[1].Verdict.ShouldBe(Verdict.TooFewSeeds);
        Ranking.Of([]).Rows.ShouldBeEmpty();
        Ranking.Of([[]]).Rows.Single().Rank.ShouldBeNull();
    }

    [Fact]
    public void A_comparison_that_many_others_make_unsurprising_is_no_claim()
    {
        // 29 configurations that equal the best, and one that is a little worse: alone its interval excludes 0, among 30 it does not count.
        var best = Scores(0.80, 0.82, 0.84, 0.86, 0.88);
        var slightly = Scores(0.77, 0.80, 0.80, 0.84, 0.84);
        Ranking.Of([best, slightly]).Rows[1].Verdict.ShouldBe(Verdict.Worse);
        var many = Enumerable.Range(0, 29).Select(i => Scores(0.88, 0.80, 0.82, 0.85, 0.84)).Prepend(best).Append(slightly);
        Ranking.Of([.. many]).Rows[^1].Verdict.ShouldBe(Verdict.NoDifferenceShownAmongMany);
    }

    [Fact]
    public void Holm_steps_down_and_stops_at_the_first_that_stands()
    {
        Ranking.Holm([0.01, 0.04, 0.03, 0.005]).ShouldBe([true, false, false, true]);   // 0.005 <= .05/4, 0.01 <= .05/3, 0.03 > .05/2
        Ranking.Holm([double.NaN, 0.05]).ShouldBe([false, true]);
        Ranking.Holm([0.051, 1e-9]).ShouldBe([false, true]);
    }

    [Fact]
    public void Twenty_runs_in_every_configuration_are_ranked_by_interquartile_mean()
    {
        var random = new SplitMix(4);
        var good = Scores([.. Enumerable.Range(0, 20).Select(_ => 0.8 + 0.1 * random.NextDouble())]);
        var bad = Scores([.. Enumerable.Range(0, 20).Select(_ => 0.5 + 0.1 * random.NextDouble())]);
        var ranking = Ranking.Of([bad, good]);
        ranking.Center.ShouldBe(Center.InterquartileMean);
        ranking.Rows[1].Verdict.ShouldBe(Verdict.Worse);
        ranking.Rows[1].AgainstBest!.Interval!.Value.Contains(ranking.Rows[0].Estimate.Value - ranking.Rows[1].Estimate.Value)
            .ShouldBeTrue();
        Ranking.Of([bad[..19], good]).Center.ShouldBe(Center.Mean);
    }
}
