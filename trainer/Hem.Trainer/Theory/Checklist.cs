using System.Globalization;
using Hem.Core.Statistics;
using Hem.Trainer.Algorithms;

namespace Hem.Trainer.Theory;

/// <summary>One claim of the paper's appendix B, and what came of testing it.</summary>
/// <param name="Id">T1a, ..., as in docs/theory.md.</param>
/// <param name="Claim">In words.</param>
/// <param name="Found">What was computed or measured.</param>
/// <param name="Holds">Null where it is an observation and nothing was at stake.</param>
internal sealed record ClaimResult(string Id, string Claim, string Found, bool? Holds)
{
    public string Verdict => Holds switch { true => "confirmed", false => "NOT CONFIRMED", null => "observed" };
}

/// <summary>
/// `hem-trainer theory`: every claim of Theorems 1 to 3 and of the remark on control variates, by exact enumeration where that can be
/// done and by sampling too. The same text for the same seed and number of samples.
/// </summary>
internal sealed class Checklist(long samples, long seed, int runs = 50)
{
    private const int Batches = 10;
    private const int SmallestK = 5, LargestK = 100, LargestEnumerated = 20;
    private static readonly int[] SampledK = [5, 10, 20];
    private static readonly int[] TrajectoryCounts = [1, 2, 5, 10, 20, 50, 100, 200];

    private static IEnumerable<int> Enumerated => Enumerable.Range(2, LargestEnumerated - 1);

    private static int[] Slopes => [.. Enumerable.Range(SmallestK, LargestK - SmallestK + 1)];

    public IEnumerable<ClaimResult> Run() => [.. Theorem1(), .. Theorem2(), .. ControlVariates(), .. Theorem3()];

    /// <summary>Writes the claims as lines; true where every one that was at stake holds.</summary>
    public bool Write(TextWriter output)
    {
        output.WriteLine(Invariant($"The one-step problem, {samples} samples a measurement, seed {seed}; intervals are 95%."));
        bool all = true;
        foreach (ClaimResult claim in Run())
        {
            output.WriteLine($"{claim.Id,-5} {claim.Verdict,-14} {claim.Claim}");
            output.WriteLine($"{"",-20} {claim.Found}");
            all &= claim.Holds != false;
        }

        return all;
    }

    internal IEnumerable<ClaimResult> Theorem1()
    {
        bool moments = Enumerated.All(k => Agrees(k, hindsight: false, d => OneStep.ReinforceVariance(k, d)));
        yield return new("T1a", "E and V of REINFORCE as printed", Exactly(moments), moments);
        bool error = Enumerated.All(k => ErrorIs(k, hindsight: false, Baseline.None, _ => k * k - 1));
        yield return new("T1b", "squared relative error of REINFORCE: k^2 - 1", Exactly(error), error);
        (string found, bool holds) = Sampled(relabel: 0, Baseline.None, 0.05);
        yield return new("T1c", "the same by sampling, within 5%", found, holds);
        yield return Slope("T1d", "its growth with k is quadratic", 0, 2, k => (double)k * k - 1);
    }

    private IEnumerable<ClaimResult> Theorem2()
    {
        bool moments = Enumerated.All(k => Agrees(k, hindsight: true, d => OneStep.HindsightVariance(k, d)));
        yield return new("T2a", "E and V of normalised hindsight", Exactly(moments), moments);
        bool error = Enumerated.All(k => ErrorIs(k, hindsight: true, Baseline.None, _ => k - 1));
        yield return new("T2b", "squared relative error of hindsight: k - 1", Exactly(error), error);
        (string found, bool holds) = Sampled(relabel: 1, Baseline.None, 0.05);
        yield return new("T2b'", "the same by sampling, within 5%", found, holds);
        yield return Slope("T2c", "its growth with k is linear", 1, 1, k => k - 1.0);
        bool unbiased = Enumerated.All(k =>
        {
            (Rational First, Rational Second)[,] hindsight = OneStep.Enumerate(k, true), reinforce = OneStep.Enumerate(k, false);
            return Components(k).All(c => hindsight[c.A, c.G].First == reinforce[c.A, c.G].First);
        });
        yield return new("T2d", "hindsight is unbiased at the uniform policy", Exactly(unbiased), unbiased);

        // E hindsight = p(g)/k (delta - pi), the gradient pi(g|g)/k (delta - pi), with p(g) how often the policy achieves g at all.
        yield return new(
            "bias", "away from the uniform policy hindsight is biased: by the factor p(g) / pi(g|g), p(g) the policy's marginal",
            "pi(g|g) = 0.5 for all g of k = 10: p(g) = 0.1, so its mean is a fifth of the gradient", null);
    }

    private IEnumerable<ClaimResult> ControlVariates()
    {
        bool reduction = Enumerated.All(k =>
        {
            (Rational First, Rational Second)[,] plain = OneStep.Enumerate(k, false);
            (Rational First, Rational Second)[,] best = OneStep.Enumerate(k, false, Baseline.Optimal);
            return Components(k).All(c =>
                Rational.One - Variance(best[c.A, c.G]) / Variance(plain[c.A, c.G]) == OneStep.SquaredCorrelation(k, c.A == c.G));
        });
        yield return new("CV1", "the best reduction of variance is rho^2, with alpha = Cov / V[Y]", Exactly(reduction), reduction);
        bool table = Enumerated.All(k => ErrorIs(k, false, Baseline.Optimal, d => OneStep.ReinforceError(k, Baseline.Optimal, d))
            && ErrorIs(k, false, Baseline.Value, d => OneStep.ReinforceError(k, Baseline.Value, d)));
        yield return new(
            "CV2", "rho^2 is near 1 for the k logits a = g, near 1/k^2 for the other k^2 - k",
            Invariant($"k/(k+1) and k/((k-1)^2 (k+1)): at k = 10 {OneStep.SquaredCorrelation(10, true)} and ")
            + $"{OneStep.SquaredCorrelation(10, false)}; {Exactly(table)}", table);
        foreach (Baseline baseline in (Baseline[])[Baseline.Value, Baseline.Optimal])
        {
            double slope = Fit(Slopes, k => GradientSamples.ExactRelativeError(k, 0, baseline));
            (string found, bool holds) = Sampled(0, baseline, 0.05);
            holds &= slope >= 1.95;
            yield return new(
                "CV3", $"no control variate removes the growth with k^2 (mean over components; baseline {baseline})".ToLowerInvariant(),
                Invariant($"slope {slope:F3} for k = {SmallestK}..{LargestK}, exact; {found}"), holds);
        }
    }

    private IEnumerable<ClaimResult> Theorem3()
    {
        var random = new RandomStream(seed, RandomPurpose.Evaluation, 3);
        CoverageOfRuns[] oneStep = [.. from k in Enumerated from n in TrajectoryCounts.Take(6)
                                   select Coverage.Of(TabularProblem.OneStep(k), n, 20, random.Fork())];
        bool holds = oneStep.All(some => some.Violations == 0);
        yield return new(
            "T3a", "one step: J >= m/k after the M-step, m goals covered",
            $"{oneStep.Sum(some => some.Violations)} violations in {oneStep.Sum(some => some.Runs)} runs, k = 2..{LargestEnumerated}",
            holds);

        double worst = 0;
        foreach ((int k, int n) in from k in SampledK from n in TrajectoryCounts select (k, n))
        {
            double measured = Coverage.OneStep(k, n, 10_000, random.Fork()).Coverage * k;
            worst = Math.Max(worst, Math.Abs(measured - Coverage.ExpectedGoals(k, n)));
        }

        yield return new(
            "T3b", "one step: E[m] = k (1 - (1 - 1/k)^n)",
            Invariant($"largest difference {worst:F3} goals over k = 5, 10, 20, n = 1..200, 10,000 runs each"), worst < 0.1);

        int violations = 0, total = 0;
        bool monotone = true;
        foreach (TabularProblem problem in Problems())
        {
            CoverageOfRuns[] byN = [.. TrajectoryCounts.Select(n => Coverage.Of(problem, n, runs, random.Fork()))];
            int below = byN.Sum(all => all.Violations);
            (violations, total) = (violations + below, total + runs * byN.Length);
            monotone &= byN.Zip(byN.Skip(1)).All(pair =>
                pair.Second.Coverage >= pair.First.Coverage - 0.02 && pair.Second.Success >= pair.First.Success - 0.02);
            yield return new(
                "T3c", $"the bound on {problem.Name}, T = {problem.Horizon}: N trajectories: coverage / J",
                string.Join(", ", TrajectoryCounts.Zip(byN, (n, mean) => Invariant($"{n}: {mean.Coverage:F3} / {mean.Success:F3}")))
                + Invariant($"; below the bound in {below} of {runs * byN.Length} runs, ")
                + $"a covered goal missed in {byN.Sum(all => all.Imperfect)}", null);
        }

        yield return new("T3c", "the bound beyond one step, all together", $"below it in {violations} of {total} runs", null);
        yield return new(
            "T3d", "coverage and J grow with N, in the mean (within 0.02)", $"N = {string.Join(", ", TrajectoryCounts)}", monotone);
    }

    /// <summary>From one start state, which is nearest to the proof, and from every one.</summary>
    private static IEnumerable<TabularProblem> Problems()
    {
        for (int bits = 2; bits <= 6; bits++)
        {
            TabularProblem problem = TabularProblem.FlipBit(bits);
            yield return problem with { Name = $"{problem.Name} from zeros", Starts = [0] };
            yield return problem;
        }

        TabularProblem rooms = TabularProblem.FourRooms();
        yield return rooms with { Name = $"{rooms.Name} from one corner", Starts = [0] };
        yield return rooms;
    }

    private static string Exactly(bool holds) => $"{(holds ? "exact" : "differs")}, k = 2..{LargestEnumerated}, all k^2 components";

    private static IEnumerable<(int A, int G)> Components(int k) =>
        from a in Enumerable.Range(0, k) from g in Enumerable.Range(0, k) select (a, g);

    private static bool Agrees(int k, bool hindsight, Func<bool, Rational> variance)
    {
        (Rational First, Rational Second)[,] moments = OneStep.Enumerate(k, hindsight);
        return Components(k).All(c => moments[c.A, c.G].First == OneStep.Mean(k, c.A == c.G)
            && Variance(moments[c.A, c.G]) == variance(c.A == c.G));
    }

    private static bool ErrorIs(int k, bool hindsight, Baseline baseline, Func<bool, Rational> expected)
    {
        (Rational First, Rational Second)[,] moments = OneStep.Enumerate(k, hindsight, baseline);
        return Components(k).All(c =>
            Variance(moments[c.A, c.G]) / (moments[c.A, c.G].First * moments[c.A, c.G].First) == expected(c.A == c.G));
    }

    private static Rational Variance((Rational First, Rational Second) moments) => moments.Second - moments.First * moments.First;

    private (string Found, bool Holds) Sampled(double relabel, Baseline baseline, double tolerance)
    {
        var found = new List<string>();
        bool holds = true;
        foreach (int k in SampledK)
        {
            var random = new RandomStream(seed, RandomPurpose.Worker, k + 1000 * (long)baseline + 10_000 * (long)relabel);
            var drawn = new GradientSamples(k, relabel, baseline);
            drawn.Draw(samples, ref random);
            double exact = GradientSamples.ExactRelativeError(k, relabel, baseline);
            holds &= Math.Abs(drawn.RelativeError() / exact - 1) <= tolerance;
            found.Add(Invariant($"k = {k}: {drawn.RelativeError():F2} ({exact:F2})"));
        }

        return ($"measured (exact) {string.Join(", ", found)}", holds);
    }

    /// <summary>
    /// The slope of log V/E^2 on log k over every k from 5 to 100: exactly, and measured in ten independent tenths of the samples, whose
    /// slopes give the interval.
    /// </summary>
    private ClaimResult Slope(string id, string claim, double relabel, double expected, Func<int, double> exact)
    {
        var slopes = new double[Batches];
        for (int batch = 0; batch < Batches; batch++)
        {
            slopes[batch] = Fit(Slopes, k =>
            {
                var random = new RandomStream(seed, RandomPurpose.Worker, 1_000_000L * (batch + 1) + 1000 * (long)relabel + k);
                var drawn = new GradientSamples(k, relabel, Baseline.None);
                drawn.Draw(Math.Max(1, samples / Batches), ref random);
                return drawn.RelativeError();
            });
        }

        Interval interval = StudentT.MeanInterval(slopes);
        double mean = Summary.Mean(slopes), truth = Fit(Slopes, exact);
        return new ClaimResult(
            id, $"{claim}: slope in log k {expected} +- 0.05",
            Invariant($"measured {mean:F4} [{interval.Low:F4}, {interval.High:F4}], exact {truth:F4}, k = {SmallestK}..{LargestK}"),
            Math.Abs(mean - expected) <= 0.05 && Math.Abs(truth - expected) <= 0.05);
    }

    /// <summary>The slope of log y on log k by least squares.</summary>
    internal static double Fit(IReadOnlyList<int> ks, Func<int, double> y)
    {
        double[] x = [.. ks.Select(k => Math.Log(k))], z = [.. ks.Select(k => Math.Log(y(k)))];
        double meanX = x.Average(), meanZ = z.Average();
        return x.Zip(z, (a, b) => (a - meanX) * (b - meanZ)).Sum() / x.Sum(a => (a - meanX) * (a - meanX));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
