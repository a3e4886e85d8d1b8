using Hem.Trainer.Networks;

namespace Hem.Trainer.Algorithms;

/// <summary>
/// The standard deviations of a Gaussian policy, one for each component of an action and the same in all states: as given, or learned as
/// their logarithms by Adam, within the bounds of `policySigma`.
/// </summary>
internal sealed class PolicySigma
{
    private const double LogOfLowest = -6.907755278982137, LogOfHighest = 2.302585092994046;
    private const double Decay1 = 0.9, Decay2 = 0.999, Epsilon = 1e-8;

    private readonly double learningRate;
    private readonly int components;
    private readonly double[] slopes;

    /// <param name="components">Numbers in an action.</param>
    /// <param name="sigma">What all of them start from.</param>
    /// <param name="learningRate">Of Adam.</param>
    public PolicySigma(int components, double sigma, double learningRate)
    {
        (this.components, this.learningRate) = (components, learningRate);
        State = new double[3 * components + 1];
        slopes = new double[components];
        State.AsSpan(0, components).Fill(VectorMath.Log((float)sigma));
    }

    /// <summary>What a checkpoint keeps: log sigma, both moments of Adam, its steps.</summary>
    public double[] State { get; }

    /// <summary>log sigma, by component.</summary>
    public ReadOnlySpan<double> Logarithms => State.AsSpan(0, components);

    /// <summary>dl/d log sigma, by component: what a step will follow.</summary>
    public Span<double> Slopes => slopes;

    public double this[int component] => VectorMath.Exp((float)State[component]);

    /// <summary>One step of Adam along <see cref="Slopes"/>, which it clears.</summary>
    public void Step()
    {
        long steps = (long)++State[^1];
        double rate = learningRate * Math.Sqrt(1 - Adam.Power(Decay2, steps)) / (1 - Adam.Power(Decay1, steps));
        Span<double> first = State.AsSpan(components, components), second = State.AsSpan(2 * components, components);
        for (int k = 0; k < components; k++)
        {
            first[k] = Decay1 * first[k] + (1 - Decay1) * slopes[k];
            second[k] = Decay2 * second[k] + (1 - Decay2) * slopes[k] * slopes[k];
            State[k] = Math.Clamp(State[k] - rate * first[k] / (Math.Sqrt(second[k]) + Epsilon), LogOfLowest, LogOfHighest);
        }

        slopes.AsSpan().Clear();
    }
}
