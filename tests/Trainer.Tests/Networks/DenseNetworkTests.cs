using Hem.Trainer.Networks;
using Trainer.Tests.Networks.Reference;

namespace Trainer.Tests.Networks;

public class DenseNetworkTests
{
    [Fact]
    public void Gradients_agree_with_finite_differences()
    {
        const int Batch = 9;
        var description = NetworkSamples.Describe(6, 10, 8, 5);
        var inputs = NetworkSamples.Numbers(Batch * 6, 8);
        int[] actions = [0, 1, 2, 3, 4, 0, 1, 2, 3];
        using var network = NetworkSamples.Create(description);
        var parameters = Array.ConvertAll(network.Parameters.ToArray(), value => (double)value);
        var doubleInputs = Array.ConvertAll(inputs, value => (double)value);

        var gradient = new float[Batch * 5];
        var inputGradients = new float[inputs.Length];
        var loss = VectorMath.SoftmaxCrossEntropy(network.Forward(inputs, Batch), actions, gradient);
        network.Backward(gradient, Batch, inputGradients);

        loss.ShouldBe((float)Loss(parameters, doubleInputs), 1e-6f);
        NetworkSamples.RelativeError(network.Gradients, DoubleNetwork.Differences(parameters, p => Loss(p, doubleInputs)))
            .ShouldBeLessThan(2e-6);
        NetworkSamples.RelativeError(inputGradients, DoubleNetwork.Differences(doubleInputs, x => Loss(parameters, x)))
            .ShouldBeLessThan(2e-6);

        double Loss(double[] p, double[] x) => DoubleNetwork.CrossEntropy(DoubleNetwork.Forward(description, p, x, Batch), actions);
    }

    [Fact]
    public void Loss_gradients_and_training_agree_with_recorded_PyTorch()
    {
        var batch = ReferenceValues.Actions.Length;
        using var network = ManagedBackend.Create(NetworkSamples.Describe(ReferenceValues.Widths), random: null);
        ReferenceValues.Parameters.CopyTo(network.Parameters);
        var adam = new Adam(network, 0.01);
        var gradient = new float[batch * ReferenceValues.Widths[^1]];
        var inputGradients = new float[ReferenceValues.Inputs.Length];
        for (var step = 0; step < ReferenceValues.Losses.Length; step++)
        {
            var outputs = network.Forward(ReferenceValues.Inputs, batch);
            if (step == 0)
                NetworkSamples.RelativeError(outputs, ReferenceValues.Outputs).ShouldBeLessThan(1e-6);
            VectorMath.SoftmaxCrossEntropy(outputs, ReferenceValues.Actions, gradient)
                .ShouldBe(ReferenceValues.Losses[step], 1e-5f, $"loss after {step} steps");
            network.Backward(gradient, batch, inputGradients);
            if (step == 0)
            {
                NetworkSamples.RelativeError(network.Gradients, ReferenceValues.Gradients).ShouldBeLessThan(1e-6);
                NetworkSamples.RelativeError(inputGradients, ReferenceValues.InputGradients).ShouldBeLessThan(1e-6);
            }

            if (step < ReferenceValues.Losses.Length - 1)
                adam.Step();
        }

        NetworkSamples.RelativeError(network.Parameters, ReferenceValues.TrainedParameters).ShouldBeLessThan(1e-5);
    }

    [Theory, InlineData(1), InlineData(2)]
    public void The_gradients_of_the_inputs_alone_are_the_same_and_leave_those_of_the_parameters(int threads)
    {
        using var network = NetworkSamples.Create(NetworkSamples.Describe(7, 70, 70, 3), threads);
        var (inputs, slope) = (NetworkSamples.Numbers(9 * 7, 1), NetworkSamples.Numbers(9 * 3, 2));
        float[] expected = new float[inputs.Length], alone = new float[inputs.Length];
        network.Forward(inputs, 9);
        network.Backward(slope, 9, expected);
        network.Gradients.Fill(7);
        network.Backward(slope, 9, alone, inputsOnly: true);
        alone.ShouldBe(expected);
        network.Gradients.ToArray().ShouldAllBe(gradient => gradient == 7);
    }

    [Fact]
    public void A_small_network_learns_a_curve()
    {
        const int Batch = 64;
        using var network = ManagedBackend.Create(NetworkSamples.Describe(1, 32, 32, 1), new Random(1));
        var adam = new Adam(network, 5e-3);
        float[] inputs = [.. Enumerable.Range(0, Batch).Select(i => 2f * i / (Batch - 1) - 1)];
        float[] targets = [.. inputs.Select(x => MathF.Sin(3 * x))];
        var gradient = new float[Batch];
        float error = 0;
        for (var step = 0; step < 1000; step++)
        {
            var outputs = network.Forward(inputs, Batch);
            error = 0;
            for (var i = 0; i < Batch; i++)
            {
                gradient[i] = 2 * (outputs[i] - targets[i]) / Batch;
                error += (outputs[i] - targets[i]) * (outputs[i] - targets[i]) / Batch;
            }

            network.Backward(gradient, Batch);
            adam.Step();
        }

        error.ShouldBeLessThan(1e-3f);
    }

    [Theory, InlineData(1), InlineData(3)]
    public void Steps_allocate_nothing_once_warm(int threads)
    {
        using var network = NetworkSamples.Create(NetworkSamples.Describe(60, 256, 256, 50), threads);
        var adam = new Adam(network);
        var inputs = NetworkSamples.Numbers(64 * 60, 1);
        var inputGradients = new float[inputs.Length];
        var gradient = new float[64 * 50];
        var actions = new int[64];
        Step(64);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            Step(1 + i % 64);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

        void Step(int batch)
        {
            var outputs = network.Forward(inputs.AsSpan(0, batch * 60), batch);
            VectorMath.SoftmaxCrossEntropy(outputs, actions.AsSpan(0, batch), gradient.AsSpan(0, batch * 50));
            network.Backward(gradient.AsSpan(0, batch * 50), batch, inputGradients.AsSpan(0, batch * 60));
            adam.Step();
        }
    }

    [Theory]
    [InlineData(Initialization.HeUniform, 30)]
    [InlineData(Initialization.XavierUniform, 70)]
    public void Weights_fill_the_range_of_their_initialization_and_biases_are_zero(Initialization initialization, int fan)
    {
        using var network = ManagedBackend.Create(new(30, [], 40, initialization), new Random(3));
        var limit = MathF.Sqrt(6f / fan);
        var weights = network.Parameters[..1200].ToArray();
        weights.Max().ShouldBeInRange(0.97f * limit, limit);
        weights.Min().ShouldBeInRange(-limit, -0.97f * limit);
        weights.Average().ShouldBe(0, 0.05f * limit);
        network.Parameters[1200..].ToArray().ShouldAllBe(bias => bias == 0);
    }

    [Fact]
    public void Nothing_that_is_not_a_number_is_hidden()
    {
        using var network = NetworkSamples.Create(NetworkSamples.Describe(3, 20, 2));
        network.Forward([1, float.NaN, 2], 1).ToArray().ShouldAllBe(value => float.IsNaN(value));
    }

    [Fact]
    public void Spans_and_batches_that_do_not_fit_are_refused()
    {
        using var network = NetworkSamples.Create(NetworkSamples.Describe(3, 4, 2));
        Should.Throw<ArgumentException>(() => network.Forward(new float[7], 2));
        Should.Throw<ArgumentOutOfRangeException>(() => network.Forward([], 0));
        Should.Throw<InvalidOperationException>(() => network.Backward(new float[2], 1));
        network.Forward(new float[6], 2);
        Should.Throw<ArgumentException>(() => network.Backward(new float[3], 2));
        Should.Throw<ArgumentException>(() => network.Backward(new float[4], 2, new float[5]));
        Should.Throw<InvalidOperationException>(() => network.Backward(new float[2], 1));
        Should.Throw<ArgumentException>(() => ManagedBackend.Create(NetworkSamples.Describe(3, 0, 2), null));
    }

    [Fact]
    public void A_disposed_network_says_so()
    {
        var network = NetworkSamples.Create(NetworkSamples.Describe(3, 4, 2), threads: 2);
        network.Dispose();
        network.Dispose();
        Should.Throw<ObjectDisposedException>(() => network.Forward(new float[60], 20));
    }

    [Theory]
    [InlineData("auto", KernelWidth.Auto)]
    [InlineData("512", KernelWidth.Bits512)]
    [InlineData("256", KernelWidth.Bits256)]
    [InlineData("128", KernelWidth.Bits128)]
    public void The_setting_of_the_kernels_is_read(string text, KernelWidth width) => KernelWidths.Parse(text).ShouldBe(width);

    [Fact]
    public void Another_setting_of_the_kernels_is_refused() =>
        Should.Throw<FormatException>(() => KernelWidths.Parse("1024")).Message.ShouldContain("auto, 512, 256, 128");
}
