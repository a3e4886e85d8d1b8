using Hem.Trainer.Algorithms;

namespace Hem.Trainer.Theory;

/// <summary>
/// Single-sample policy gradients of the one-step problem (<see cref="OneStep"/>), drawn and summed up by kind of component. A share
/// `relabel` of the samples is normalised hindsight, the rest REINFORCE:
/// <code>
/// REINFORCE:   g' ~ p(g), b ~ pi(. | g'):   eta[a, g] = (r - alpha) 1[g' = g] (1[b = a] - pi(a | g)),  r = 1[b = g']
/// hindsight:   b ~ pi, g' = b:              eta[a, g] = (1/k)       1[b = g]  (1[a = g] - pi(a | g))
/// </code>
/// (paper, B.2 and B.3, with the gradient where the paper prints a subscript L). Components of a kind are alike and are measured together;
/// but a hindsight sample contributes the same whatever was drawn when all goals are, so of hindsight alone those of one goal are.
/// </summary>
internal sealed class GradientSamples
{
    private readonly int k;
    private readonly double relabel;
    private readonly bool oneGoal;
    private readonly double onDiagonal;
    private readonly double offDiagonal;
    private Sums diagonal, rest;

    /// <param name="k">Actions, and goals.</param>
    /// <param name="relabel">0: REINFORCE, 1: hindsight, between: a mixture, which is unbiased too.</param>
    /// <param name="baseline">The control variate of REINFORCE.</param>
    public GradientSamples(int k, double relabel, Baseline baseline)
    {
        (this.k, this.relabel, oneGoal) = (k, relabel, relabel >= 1);
        onDiagonal = OneStep.Coefficient(k, baseline, diagonal: true).ToDouble();
        offDiagonal = OneStep.Coefficient(k, baseline, diagonal: false).ToDouble();
    }

    /// <summary>Sums over samples and components of one kind: of eta and of eta squared.</summary>
    public record struct Sums(double First, double Second);

    /// <summary>Samples drawn.</summary>
    public long Count { get; private set; }

    /// <summary>All that was measured; may be put back.</summary>
    public (Sums Diagonal, Sums Others, long Count) State
    {
        get => (diagonal, rest, Count);
        set => (diagonal, rest, Count) = value;
    }

    /// <summary>Draws so many samples more.</summary>
    public void Draw(long samples, ref RandomStream random)
    {
        double pi = 1.0 / k;
        bool plain = onDiagonal == 0 && offDiagonal == 0;
        Count += samples;
        for (; samples > 0; samples--)
        {
            bool hindsight = relabel >= 1 || (relabel > 0 && random.NextDouble() < relabel);
            int b = random.Below(k), goal = hindsight ? b : random.Below(k);
            double reward = hindsight ? pi : b == goal ? 1 : 0;
            if ((reward == 0 && plain) || (oneGoal && goal != 0))
                continue;

            double alpha = hindsight ? 0 : offDiagonal, first = 0, second = 0;
            for (int a = 0; a < k; a++)
            {
                double eta = (reward - alpha) * ((a == b ? 1 : 0) - pi);
                first += a == goal ? 0 : eta;
                second += a == goal ? 0 : eta * eta;
            }

            double own = (reward - (hindsight ? 0 : onDiagonal)) * ((goal == b ? 1 : 0) - pi);
            diagonal = new Sums(diagonal.First + own, diagonal.Second + own * own);
            rest = new Sums(rest.First + first, rest.Second + second);
        }
    }

    /// <summary>Mean and variance of a component of one kind.</summary>
    public (double Mean, double Variance) Measured(bool ofDiagonal)
    {
        double each = (double)Count * (oneGoal ? 1 : k) * (ofDiagonal ? 1 : k - 1);
        Sums sums = ofDiagonal ? diagonal : rest;
        double mean = sums.First / each;
        return (mean, sums.Second / each - mean * mean);
    }

    /// <summary>V/E^2 of a component of one kind, measured; infinite before the first sample that is not 0.</summary>
    public double RelativeError(bool ofDiagonal)
    {
        (double mean, double variance) = Measured(ofDiagonal);
        return mean == 0 ? double.PositiveInfinity : variance / (mean * mean);
    }

    /// <summary>The mean of V/E^2 over all k^2 components.</summary>
    public double RelativeError() => (RelativeError(ofDiagonal: true) + (k - 1) * RelativeError(ofDiagonal: false)) / k;

    /// <summary>What <see cref="RelativeError()"/> is in truth.</summary>
    public static double ExactRelativeError(int k, double relabel, Baseline baseline)
    {
        double reinforce = (OneStep.ReinforceError(k, baseline, true).ToDouble()
            + (k - 1) * OneStep.ReinforceError(k, baseline, false).ToDouble()) / k;

        // Both have the same mean, so E[eta^2] / E[eta]^2 = V/E^2 + 1 of the mixture is the mixture of theirs.
        return (1 - relabel) * (reinforce + 1) + relabel * (OneStep.HindsightError(k).ToDouble() + 1) - 1;
    }
}
