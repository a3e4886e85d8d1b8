using Hem.Trainer.Algorithms;

namespace Hem.Trainer.Theory;

/// <summary>
/// The one-step problem of Theorems 1 and 2 (paper, appendix B.2 and B.3): k actions, k goals, one state; action b achieves goal b. The
/// policy is a table of logits L[a, g], pi(. | g) = softmax(L[., g]), and starts uniform; p(g) is uniform. Of a single-sample estimate
/// eta of dJ/dL[a, g] there are two kinds of component: a = g (k of them, delta = 1) and a != g (k^2 - k, delta = 0).
/// </summary>
/// <remarks>
/// All closed forms are exact. Where the paper's own differ, docs/theory.md says so. Both plain estimators are a constant times a
/// Bernoulli variable: the value v = delta - 1/k (hindsight: v/k) with a probability q, else 0; everything follows from that.
/// </remarks>
internal static class OneStep
{
    /// <summary>E[eta] = delta/k^2 - 1/k^3, of both estimators: normalised hindsight is unbiased at the uniform policy.</summary>
    public static Rational Mean(int k, bool diagonal) => Over(diagonal ? 1 : 0, k, 2) - Over(1, k, 3);

    /// <summary>V[eta] of REINFORCE, q = 1/k^2: (1/k^2 + 2/k^5 - 2/k^3 - 1/k^4) delta + 1/k^4 - 1/k^6.</summary>
    public static Rational ReinforceVariance(int k, bool diagonal) =>
        (diagonal ? Over(1, k, 2) + Over(2, k, 5) - Over(2, k, 3) - Over(1, k, 4) : 0) + Over(1, k, 4) - Over(1, k, 6);

    /// <summary>V[eta] of normalised hindsight, q = 1/k: (1/k^3 - 3/k^4 + 2/k^5) delta + 1/k^5 - 1/k^6.</summary>
    public static Rational HindsightVariance(int k, bool diagonal) =>
        (diagonal ? Over(1, k, 3) - Over(3, k, 4) + Over(2, k, 5) : 0) + Over(1, k, 5) - Over(1, k, 6);

    /// <summary>
    /// The coefficient alpha of the control variate Y = d log pi(b | g') / dL[a, g], which REINFORCE subtracts as alpha Y: the value 1/k,
    /// or what leaves the least variance, Cov[X, Y] / V[Y]: (k - 1)/k where a = g and 1/(k (k - 1)) elsewhere.
    /// </summary>
    public static Rational Coefficient(int k, Baseline baseline, bool diagonal) => baseline switch
    {
        Baseline.None => 0,
        Baseline.Value => new Rational(1, k),
        _ => diagonal ? new Rational(k - 1, k) : new Rational(1, k * (k - 1)),
    };

    /// <summary>rho^2, the squared correlation of X = r Y and Y: k/(k + 1) where a = g, k/((k - 1)^2 (k + 1)) elsewhere.</summary>
    public static Rational SquaredCorrelation(int k, bool diagonal) =>
        diagonal ? new Rational(k, k + 1) : new Rational(k, (k - 1) * (k - 1)) / (k + 1);

    /// <summary>
    /// The squared relative error V[eta] / E[eta]^2 of one sample, of both kinds of component: REINFORCE k^2 - 1 (Theorem 1), with the
    /// value as baseline k^2 - 1 - 2k + k/(k - 1) and 2 k^2 - 3k - 1, with the optimal one k - 1 and k^2 - 1 - k/(k - 1).
    /// </summary>
    public static Rational ReinforceError(int k, Baseline baseline, bool diagonal) => (baseline, diagonal) switch
    {
        (Baseline.None, _) => k * k - 1,
        (Baseline.Value, true) => k * k - 1 - 2 * k + new Rational(k, k - 1),
        (Baseline.Value, false) => 2 * k * k - 3 * k - 1,
        (_, true) => k - 1,
        (_, false) => k * k - 1 - new Rational(k, k - 1),
    };

    /// <summary>The squared relative error of normalised hindsight: k - 1 (Theorem 2).</summary>
    public static Rational HindsightError(int k) => k - 1;

    /// <summary>E and E of the square of every component by going through all that can happen: [a, g].</summary>
    /// <param name="k">Actions, and goals.</param>
    /// <param name="hindsight">Normalised hindsight; else REINFORCE.</param>
    /// <param name="baseline">Of REINFORCE.</param>
    public static (Rational First, Rational Second)[,] Enumerate(int k, bool hindsight, Baseline baseline = Baseline.None)
    {
        var moments = new (Rational First, Rational Second)[k, k];
        var pi = new Rational(1, k);
        for (int goal = 0; goal < k; goal++)
        {
            for (int action = 0; action < k; action++)
            {
                // REINFORCE: the goal g' uniform, b ~ pi(. | g'). Hindsight: b ~ pi, then g' = b; so g' = goal is one case alone.
                if (hindsight && action != goal)
                    continue;
                Rational probability = hindsight ? pi : pi * pi;
                Rational reward = hindsight ? pi : action == goal ? 1 : 0;
                for (int a = 0; a < k; a++)
                {
                    Rational alpha = hindsight ? 0 : Coefficient(k, baseline, a == goal);
                    Rational eta = (reward - alpha) * ((a == action ? Rational.One : 0) - pi);
                    ref (Rational First, Rational Second) component = ref moments[a, goal];
                    component = (component.First + probability * eta, component.Second + probability * eta * eta);
                }
            }
        }

        return moments;
    }

    private static Rational Over(int numerator, int k, int power) => new(numerator, System.Numerics.BigInteger.Pow(k, power));
}
