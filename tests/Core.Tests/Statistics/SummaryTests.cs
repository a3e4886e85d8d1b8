using Hem.Core.Statistics;

namespace Core.Tests.Statistics;

public class SummaryTests
{
    [Fact]
    public void Point_estimates_of_a_small_sample_are_as_by_hand()
    {
        double[] sample = [0.9, 0.1, 0.5, 0.7, 0.3, 1.0, 0.2, 0.6];
        Summary.Mean(sample).ShouldBe(4.3 / 8, 1e-15);
        Summary.Median(sample).ShouldBe(0.55, 1e-15);
        Summary.InterquartileMean(sample).ShouldBe((0.3 + 0.5 + 0.6 + 0.7) / 4, 1e-15);
        Summary.Variance([1.0, 2.0, 3.0, 4.0]).ShouldBe(5.0 / 3, 1e-15);
        Summary.Median([3.0, 1.0, 2.0]).ShouldBe(2.0);
    }

    [Fact]
    public void The_interquartile_mean_cuts_whole_values_as_scipys_trim_mean_does()
    {
        Summary.InterquartileMean([0.0, 0.3, 0.9]).ShouldBe(0.4, 1e-15);              // floor(3 / 4) = 0
        Summary.InterquartileMean([0.0, 0.2, 0.4, 0.6, 1.0]).ShouldBe(0.4, 1e-15);    // one at each end
        Summary.InterquartileMean([7.0, 0.0, 0.2, 0.4, 0.6, 1.0, -9.0]).ShouldBe((0.0 + 0.2 + 0.4 + 0.6 + 1.0) / 5, 1e-15);
    }

    [Fact]
    public void Equal_values_have_exactly_that_mean_and_no_variance()
    {
        double[] sample = [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
        Summary.Mean(sample).ShouldBe(0.1);
        Summary.InterquartileMean(sample).ShouldBe(0.1);
        Summary.Variance(sample).ShouldBe(0);
    }

    [Fact]
    public void Nothing_has_no_average()
    {
        Summary.Mean([]).ShouldBe(double.NaN);
        Summary.Median([]).ShouldBe(double.NaN);
        Summary.InterquartileMean([]).ShouldBe(double.NaN);
        Summary.Variance([1.0]).ShouldBe(double.NaN);
        Summary.ProbabilityOfImprovement([], [1.0]).ShouldBe(double.NaN);
    }

    [Fact]
    public void Probability_of_improvement_counts_pairs_and_halves_ties()
    {
        Summary.ProbabilityOfImprovement([1.0, 2.0], [0.0, 0.5]).ShouldBe(1);
        Summary.ProbabilityOfImprovement([0.5], [0.5]).ShouldBe(0.5);
        Summary.ProbabilityOfImprovement([0.2, 0.5, 0.9], [0.5, 0.5, 0.1]).ShouldBe((1 + 2 + 3) / 9.0, 1e-15);

        var random = new SplitMix(3);
        double[] left = [.. Enumerable.Range(0, 40).Select(_ => random.Next(10) / 10.0)];
        double[] right = [.. Enumerable.Range(0, 30).Select(_ => random.Next(12) / 10.0)];
        var brute = left.Sum(x => right.Sum(y => x > y ? 1 : x == y ? 0.5 : 0)) / (40 * 30);
        Summary.ProbabilityOfImprovement(left, right).ShouldBe(brute, 1e-15);
        (Summary.ProbabilityOfImprovement(left, right) + Summary.ProbabilityOfImprovement(right, left)).ShouldBe(1, 1e-15);
    }

    [Fact]
    public void The_final_score_is_the_mean_of_the_last_five_evaluations()
    {
        FinalScore.Of([0.0, 0.1, 0.5, 0.6, 0.7, 0.8, 0.9], stoppedEarly: false, untrainedFirst: true).ShouldBe(0.7, 1e-15);
        FinalScore.Of([0.2, 0.4], stoppedEarly: false, untrainedFirst: false).ShouldBe(0.3, 1e-15);
        FinalScore.Of([0.2, 0.4, 0.95], stoppedEarly: true, untrainedFirst: true).ShouldBe(0.95);
        FinalScore.Of([], stoppedEarly: true, untrainedFirst: false).ShouldBe(double.NaN);
        FinalScore.Evaluations(7, false, true).ShouldBe(5);
        FinalScore.Evaluations(2, false, false).ShouldBe(2);
        FinalScore.Evaluations(7, true, true).ShouldBe(1);
    }

    [Fact]
    public void The_evaluation_before_training_counts_only_where_there_is_no_other()
    {
        FinalScore.Of([0.0, 0.4, 0.6], stoppedEarly: false, untrainedFirst: true).ShouldBe(0.5, 1e-15);
        FinalScore.Of([0.0, 1, 1, 1, 1], stoppedEarly: false, untrainedFirst: true).ShouldBe(1);
        FinalScore.Of([0.1], stoppedEarly: false, untrainedFirst: true).ShouldBe(0.1);
        FinalScore.Of([0.1], stoppedEarly: true, untrainedFirst: true).ShouldBe(0.1);
    }
}
