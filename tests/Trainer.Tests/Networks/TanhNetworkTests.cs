using Hem.Trainer.Networks;

namespace Trainer.Tests.Networks;

public class TanhNetworkTests
{
    [Theory]
    [InlineData(6, 10, 8, 5)]
    [InlineData(3, 70, 33, 2)]
    public void Gradients_agree_with_finite_differences(params int[] widths)
    {
        const int Batch = 9;
        NetworkDescription description = NetworkSamples.Describe(widths) with { Hidden = Activation.Tanh };
        float[] inputs = NetworkSamples.Numbers(Batch * widths[0], 8), slope = new float[Batch * widths[^1]];
        int[] actions = [.. Enumerable.Range(0, Batch).Select(i => i % widths[^1])];
        using INetwork network = NetworkSamples.Create(description);
        double[] parameters = Array.ConvertAll(network.Parameters.ToArray(), value => (double)value);
        double[] doubleInputs = Array.ConvertAll(inputs, value => (double)value);

        float[] inputGradients = new float[inputs.Length];
        float loss = VectorMath.SoftmaxCrossEntropy(network.Forward(inputs, Batch), actions, slope);
        network.Backward(slope, Batch, inputGradients);

        loss.ShouldBe((float)Loss(parameters, doubleInputs), 1e-5f);
        NetworkSamples.RelativeError(network.Gradients, DoubleNetwork.Differences(parameters, p => Loss(p, doubleInputs)))
            .ShouldBeLessThan(3e-6);
        NetworkSamples.RelativeError(inputGradients, DoubleNetwork.Differences(doubleInputs, x => Loss(parameters, x)))
            .ShouldBeLessThan(3e-6);

        double Loss(double[] p, double[] x) => DoubleNetwork.CrossEntropy(DoubleNetwork.Forward(description, p, x, Batch), actions);
    }

    [Fact]
    public void Threads_widths_and_parts_give_the_same_bits()
    {
        const int Rows = 41;
        NetworkDescription description = NetworkSamples.Describe(11, 70, 45, 7) with { Hidden = Activation.Tanh };
        float[] inputs = NetworkSamples.Numbers(Rows * 11, 1), slope = NetworkSamples.Numbers(Rows * 7, 2);
        using INetwork one = NetworkSamples.Create(description);
        float[] outputs = one.Forward(inputs, Rows).ToArray();
        one.Backward(slope, Rows);
        float[] gradients = one.Gradients.ToArray();
        foreach (KernelWidth width in NetworkSamples.Widths)
        {
            foreach (int threads in (int[])[1, 3])
            {
                using INetwork other = NetworkSamples.Create(description, threads, width);
                other.Forward(inputs, Rows).ShouldHaveTheBitsOf(outputs, $"outputs, {width}, {threads} threads");
                other.Backward(slope, Rows);
                other.Gradients.ShouldHaveTheBitsOf(gradients, $"gradients, {width}, {threads} threads");
                for (int first = 0, part = 10; first < Rows; first += part)
                {
                    int rows = Math.Min(part, Rows - first);
                    other.Forward(inputs.AsSpan(first * 11, rows * 11), rows)
                        .ShouldHaveTheBitsOf(outputs.AsSpan(first * 7, rows * 7), $"part of outputs, {width}");
                    other.Backward(slope.AsSpan(first * 7, rows * 7), rows, accumulate: first > 0);
                }

                other.Gradients.ShouldHaveTheBitsOf(gradients, $"gradients by parts, {width}");
            }
        }
    }

    [Fact]
    public void Truncated_normal_weights_have_their_deviation_and_stay_within_two_of_it()
    {
        NetworkDescription description = new(100, [], 100, Initialization.TruncatedNormal) { Deviation = 0.01 };
        using INetwork network = ManagedBackend.Create(description, new Random(3));
        float[] weights = network.Parameters[..10_000].ToArray();
        weights.Max(Math.Abs).ShouldBeInRange(0.0197f, 0.02f);
        weights.Average().ShouldBe(0, 3e-4f);

        // The variance of a standard normal cut at 2 is 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.7737.
        Math.Sqrt(weights.Average(weight => (double)weight * weight)).ShouldBe(0.01 * Math.Sqrt(0.7737), 2e-4);
        network.Parameters[10_000..].ToArray().ShouldAllBe(bias => bias == 0);
    }
}
