using Hem.Trainer;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Theory;

namespace Trainer.Tests.Algorithms;

public class TheoryTests
{
    private static readonly TheorySettings Ten = new() { K = 10, Samples = 200_000 };

    public static TheoryData<int> SmallK => [.. Enumerable.Range(2, 19)];

    [Theory]
    [MemberData(nameof(SmallK))]
    public void Enumerated_moments_of_both_estimators_are_the_closed_forms(int k)
    {
        var reinforce = OneStep.Enumerate(k, hindsight: false);
        var hindsight = OneStep.Enumerate(k, hindsight: true);
        foreach ((int a, int g) in Components(k))
        {
            bool diagonal = a == g;
            Rational mean = OneStep.Mean(k, diagonal);
            reinforce[a, g].First.ShouldBe(mean);
            hindsight[a, g].First.ShouldBe(mean);
            Variance(reinforce[a, g]).ShouldBe(OneStep.ReinforceVariance(k, diagonal));
            Variance(hindsight[a, g]).ShouldBe(OneStep.HindsightVariance(k, diagonal));
            (Variance(reinforce[a, g]) / (mean * mean)).ShouldBe(k * k - 1);
            (Variance(hindsight[a, g]) / (mean * mean)).ShouldBe(k - 1);
        }
    }

    [Theory]
    [MemberData(nameof(SmallK))]
    public void Control_variates_do_what_their_closed_forms_say(int k)
    {
        var plain = OneStep.Enumerate(k, hindsight: false);
        foreach (Baseline baseline in (Baseline[])[Baseline.Value, Baseline.Optimal])
        {
            var reduced = OneStep.Enumerate(k, hindsight: false, baseline);
            foreach ((int a, int g) in Components(k))
            {
                bool diagonal = a == g;
                reduced[a, g].First.ShouldBe(plain[a, g].First);
                Rational error = Variance(reduced[a, g]) / (reduced[a, g].First * reduced[a, g].First);
                error.ShouldBe(OneStep.ReinforceError(k, baseline, diagonal));
                if (baseline == Baseline.Optimal)
                {
                    Rational before = Variance(plain[a, g]);
                    ((before - Variance(reduced[a, g])) / before).ShouldBe(OneStep.SquaredCorrelation(k, diagonal));
                }
            }
        }
    }

    [Fact]
    public void The_closed_forms_have_the_values_that_were_derived_by_hand()
    {
        OneStep.Mean(10, true).ToDouble().ShouldBe(9.0e-3, 1e-15);
        OneStep.ReinforceVariance(10, true).ToDouble().ShouldBe(8.019e-3, 1e-15);
        OneStep.HindsightVariance(10, true).ToDouble().ShouldBe(7.29e-4, 1e-15);
        OneStep.SquaredCorrelation(5, false).ShouldBe(new Rational(5, 96));
        OneStep.SquaredCorrelation(10, false).ShouldBe(new Rational(10, 891));
        OneStep.SquaredCorrelation(20, false).ShouldBe(new Rational(20, 7581));
        OneStep.ReinforceError(10, Baseline.Value, true).ToDouble().ShouldBe(80.1, 0.02);
        OneStep.ReinforceError(10, Baseline.Value, false).ShouldBe(169);
        OneStep.Mean(2, true).ToDouble().ShouldBe(-OneStep.Mean(2, false).ToDouble());
    }

    [Theory]
    [InlineData(0, Baseline.None)]
    [InlineData(0, Baseline.Value)]
    [InlineData(0, Baseline.Optimal)]
    [InlineData(0.25, Baseline.None)]
    [InlineData(1, Baseline.None)]
    internal void Sampled_errors_come_to_the_closed_forms(double relabel, Baseline baseline)
    {
        foreach (int k in (int[])[5, 10, 20])
        {
            var random = new RandomStream(1, RandomPurpose.Worker, k);
            var samples = new GradientSamples(k, relabel, baseline);
            samples.Draw(1_000_000, ref random);
            double exact = GradientSamples.ExactRelativeError(k, relabel, baseline);
            (samples.RelativeError() / exact).ShouldBe(1, 0.05);
            samples.Measured(ofDiagonal: true).Mean.ShouldBe(OneStep.Mean(k, true).ToDouble(), 0.03 * OneStep.Mean(k, true).ToDouble());
        }
    }

    [Fact]
    public void A_trial_reports_the_error_as_loss_and_the_share_of_signal_as_success()
    {
        RecordingHost host = Train(Ten);
        host.Curve.Select(point => point.Iteration).ShouldBe([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        host.Curve.Select(point => point.Trajectories).ShouldBe(Enumerable.Range(1, 10).Select(i => 20_000L * i));
        host.Curve[^1].Loss.ShouldBe(99, 5);
        host.Curve[^1].SuccessRate.ShouldBe(0.01, 0.0005);
        Train(Ten with { Relabel = 1 }).Curve[^1].SuccessRate.ShouldBe(0.1, 0.005);
        host.Notes.ShouldContain(line => line.Contains("Theorem 3") && line.EndsWith("holds", StringComparison.Ordinal));
        Train(Ten with { Samples = 3 }).Curve.Count.ShouldBe(3);
    }

    [Fact]
    public void A_trial_is_the_same_again_and_when_it_was_left_and_resumed()
    {
        var settings = new TheorySettings { K = 1000, Samples = 100_000, Relabel = 0.5 };
        List<Evaluation> expected = Train(settings).Curve;
        expected.Count.ShouldBe(10);
        Train(settings).Curve.ShouldBe(expected);

        var state = new MemoryStream();
        var first = new RecordingHost { LeaveAfter = 4 };
        using (var left = new TheoryAlgorithm(settings, 1))
        {
            left.Train(first).ShouldBeFalse();
            left.Save(new BinaryWriter(state));
        }

        state.Position = 0;
        using var resumed = new TheoryAlgorithm(settings, 1);
        resumed.Load(new BinaryReader(state));
        var second = new RecordingHost();
        resumed.Train(second).ShouldBeTrue();
        first.Curve.Concat(second.Curve).ShouldBe(expected);
        Should.Throw<UnusableCheckpointException>(() => resumed.Load(new BinaryReader(new MemoryStream(state.ToArray()[..^1]))));
    }

    [Theory]
    [MemberData(nameof(SmallK))]
    public void One_step_never_falls_below_the_bound_of_theorem_3(int k)
    {
        var random = new RandomStream(3, RandomPurpose.Evaluation, k);
        var hindsight = new TabularHindsight(TabularProblem.OneStep(k));
        foreach (int n in (int[])[0, 1, 2, k, 3 * k])
        {
            hindsight.Clear();
            hindsight.Collect(n, ref random);
            double m = hindsight.Covered;
            double j = hindsight.Success(out double smallest);
            smallest.ShouldBe(1);
            j.ShouldBe(m / k + (1 - m / k) / k, 1e-12);
            j.ShouldBeGreaterThanOrEqualTo(m / k);
        }
    }

    [Fact]
    public void Expected_coverage_is_what_is_measured()
    {
        foreach (int n in (int[])[1, 5, 20, 60])
        {
            CoverageOfRuns runs = Coverage.OneStep(20, n, 20_000, new RandomStream(4, RandomPurpose.Evaluation));
            (runs.Coverage * 20).ShouldBe(Coverage.ExpectedGoals(20, n), 0.05);
            runs.Violations.ShouldBe(0);
        }
    }

    /// <summary>00, 10, 00, 01: for the goal 01 both actions were taken at 00, so the policy imitates the loop too.</summary>
    [Fact]
    public void A_loop_in_the_data_makes_a_covered_goal_uncertain()
    {
        var hindsight = new TabularHindsight(TabularProblem.FlipBit(2, horizon: 3) with { Starts = [0] });
        hindsight.Add([0b00, 0b10, 0b00, 0b01], [1, 1, 0]);
        hindsight.Covered.ShouldBe(3);
        double j = hindsight.Success(out double smallest);
        smallest.ShouldBe(15.0 / 16, 1e-12);
        j.ShouldBe(0.859, 0.0005);
        (j * 4).ShouldBe(1 + 1 + 15.0 / 16 + 0.5, 1e-12);
    }

    [Fact]
    public void The_checklist_confirms_what_it_should_and_says_so()
    {
        var output = new StringWriter();
        bool all = new Checklist(1_000_000, seed: 1, runs: 5).Write(output);
        string text = output.ToString();
        all.ShouldBeTrue(text);
        foreach (string id in (string[])["T1a", "T1b", "T1c", "T1d", "T2a", "T2b", "T2c", "T2d", "CV1", "CV2", "CV3", "T3a", "T3b", "T3d"])
            text.ShouldContain($"{id,-5} confirmed");
        text.ShouldContain("T3c   observed");
    }

    [Fact]
    public void Too_few_samples_confirm_nothing()
    {
        ClaimResult[] claims = [.. new Checklist(10, seed: 1).Theorem1()];
        claims.Single(claim => claim.Id == "T1c").Verdict.ShouldBe("NOT CONFIRMED");
        claims.Single(claim => claim.Id == "T1a").Verdict.ShouldBe("confirmed");
    }

    private static IEnumerable<(int A, int G)> Components(int k) =>
        from a in Enumerable.Range(0, k) from g in Enumerable.Range(0, k) select (a, g);

    private static Rational Variance((Rational First, Rational Second) moments) => moments.Second - moments.First * moments.First;

    private static RecordingHost Train(TheorySettings settings)
    {
        var host = new RecordingHost();
        using var algorithm = new TheoryAlgorithm(settings, 1);
        algorithm.Train(host).ShouldBeTrue();
        return host;
    }
}
