namespace Hem.Trainer.Networks;

/// <summary>
/// Adam (Kingma and Ba 2015) over a network's contiguous parameters. With t counted from 1, one step is
/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g², p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon).
/// </summary>
public sealed class Adam(
    INetwork network, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8) : IDisposable
{
    private readonly float[] first = new float[network.Parameters.Length];
    private readonly float[] second = new float[network.Parameters.Length];

    /// <summary>The step size; may be changed between steps.</summary>
    public double LearningRate { get; set; } = learningRate;

    /// <summary>Steps taken so far, t.</summary>
    public long Steps { get; set; }

    /// <summary>The running mean of the gradients, m, in the layout of the parameters.</summary>
    public Span<float> FirstMoments => first;

    /// <summary>The running mean of the squared gradients, v, in the layout of the parameters.</summary>
    public Span<float> SecondMoments => second;

    /// <summary>Takes one step along the network's gradients.</summary>
    public void Step()
    {
        Steps++;
        var rate = (float)(LearningRate * Math.Sqrt(1 - Math.Pow(beta2, Steps)) / (1 - Math.Pow(beta1, Steps)));
        var parameters = network.Parameters;
        var gradients = network.Gradients;
        for (var i = 0; i < parameters.Length; i++)
        {
            var gradient = gradients[i];
            first[i] = MathF.FusedMultiplyAdd((float)(1 - beta1), gradient, (float)beta1 * first[i]);
            second[i] = MathF.FusedMultiplyAdd((float)(1 - beta2) * gradient, gradient, (float)beta2 * second[i]);
            parameters[i] -= rate * first[i] / (MathF.Sqrt(second[i]) + (float)epsilon);
        }
    }

    public void Dispose()
    {
    }
}
