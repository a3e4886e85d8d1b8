namespace Hem.Trainer.Theory;

/// <summary>Theorem 3 over a number of runs: means, and how often the bound did not hold.</summary>
/// <param name="Coverage">The share of goals in the hindsight data, |supp p~| / |G|.</param>
/// <param name="Success">J after the M-step.</param>
/// <param name="Violations">Runs in which J was below the coverage by more than rounding.</param>
/// <param name="Imperfect">Runs in which some covered goal is reached with a probability below 1.</param>
/// <param name="Runs">How many.</param>
internal readonly record struct CoverageOfRuns(double Coverage, double Success, int Violations, int Imperfect, int Runs);

/// <summary>Theorem 3 (paper, B.4): J(pi_{t+1}) >= |supp p~_t| / |G|.</summary>
internal static class Coverage
{
    private const double Rounding = 1e-9;

    /// <summary>E[m], the goals that n uniform one-step trajectories cover: k (1 - (1 - 1/k)^n).</summary>
    public static double ExpectedGoals(int k, int n) => k * (1 - Power(1 - 1.0 / k, n));

    /// <summary>
    /// The one-step problem, whose M-step needs no table: all data of goal g have the action g, so a covered goal is reached for
    /// certain and another one with 1/k; J = m/k + (1 - m/k)/k.
    /// </summary>
    public static CoverageOfRuns OneStep(int k, int n, int runs, RandomStream random)
    {
        var seen = new bool[k];
        double coverage = 0, success = 0;
        for (int run = 0; run < runs; run++)
        {
            seen.AsSpan().Clear();
            int covered = 0;
            for (int i = 0; i < n; i++)
            {
                int b = random.Below(k);
                covered += seen[b] ? 0 : 1;
                seen[b] = true;
            }

            coverage += (double)covered / k / runs;
            success += (covered + (double)(k - covered) / k) / k / runs;
        }

        return new CoverageOfRuns(coverage, success, success < coverage - Rounding ? runs : 0, 0, runs);
    }

    /// <summary>Any tabular problem: n trajectories of the uniform policy, and the M-step to its optimum.</summary>
    public static CoverageOfRuns Of(TabularProblem problem, int n, int runs, RandomStream random)
    {
        var hindsight = new TabularHindsight(problem);
        double coverage = 0, success = 0;
        int violations = 0, imperfect = 0;
        for (int run = 0; run < runs; run++)
        {
            hindsight.Clear();
            hindsight.Collect(n, ref random);
            double j = hindsight.Success(out double smallest);
            coverage += hindsight.Coverage / runs;
            success += j / runs;
            violations += j < hindsight.Coverage - Rounding ? 1 : 0;
            imperfect += smallest < 1 - Rounding ? 1 : 0;
        }

        return new CoverageOfRuns(coverage, success, violations, imperfect, runs);
    }

    /// <summary>By multiplying: the C library's power may differ between machines.</summary>
    private static double Power(double number, int exponent)
    {
        double power = 1;
        for (; exponent > 0; exponent--)
            power *= number;
        return power;
    }
}
