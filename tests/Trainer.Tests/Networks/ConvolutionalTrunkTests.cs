using Hem.Trainer.Networks;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Networks;

public class ConvolutionalTrunkTests
{
    public static TheoryData<int> Sizes => [.. Enumerable.Range(9, 24).Select(quarter => 4 * quarter)];

    [Theory]
    [InlineData(48, Padding.Valid, 11, 4, 1)]
    [InlineData(84, Padding.Valid, 20, 9, 4)]
    [InlineData(48, Padding.Same, 12, 6, 3)]
    [InlineData(84, Padding.Same, 21, 11, 6)]
    public void Layers_have_the_sizes_of_the_paper(int size, Padding padding, int first, int second, int third)
    {
        var trunk = new ConvolutionalTrunk(size, 2, padding);
        trunk.Layers().Select(layer => layer.OutputSize).ShouldBe([first, second, third]);
        trunk.Layers().Select(layer => layer.ParameterCount).ShouldBe([6_176, 32_832, 36_928]);
        trunk.ImageFeatures.ShouldBe(third * third * 64);
    }

    [Theory, MemberData(nameof(Sizes))]
    public void Every_size_has_the_bits_of_plain_loops_with_either_padding(int size)
    {
        Check(NetworkSamples.DescribeImages(size, 1, Padding.Valid), 1);
        Check(NetworkSamples.DescribeImages(size, 1, Padding.Same), 1);
    }

    [Theory]
    [InlineData(84, 2, Padding.Valid, 3, 0)]
    [InlineData(48, 2, Padding.Same, 5, 7)]
    [InlineData(36, 2, Padding.Valid, 19, 1)]
    [InlineData(60, 3, Padding.Valid, 4, 0)]
    [InlineData(36, 1, Padding.Same, 9, 2)]
    [InlineData(40, 3, Padding.Valid, 4, 2)]
    public void Every_width_and_thread_count_gives_the_bits_of_plain_loops(int size, int images, Padding padding, int batch, int vector) =>
        Check(NetworkSamples.DescribeImages(size, images, padding, vector), batch);

    [Theory, InlineData(Padding.Valid), InlineData(Padding.Same)]
    public void Outputs_and_gradients_agree_with_double_precision_and_finite_differences(Padding padding)
    {
        const int Batch = 3;
        var description = NetworkSamples.DescribeImages(36, 2, padding, vector: 2, hidden: 6, outputs: 5);
        int[] actions = [0, 3, 4];
        using var network = NetworkSamples.Create(description);
        var inputs = NetworkSamples.Numbers(Batch * description.Inputs, 8);
        var parameters = Array.ConvertAll(network.Parameters.ToArray(), value => (double)value);
        var doubleInputs = Array.ConvertAll(inputs, value => (double)value);
        var outputs = network.Forward(inputs, Batch);
        NetworkSamples.RelativeError(outputs, DoubleNetwork.Forward(description, parameters, doubleInputs, Batch)).ShouldBeLessThan(1e-6);

        var gradient = new float[Batch * 5];
        var inputGradients = new float[inputs.Length];
        VectorMath.SoftmaxCrossEntropy(outputs, actions, gradient);
        network.Backward(gradient, Batch, inputGradients);

        var sampled = Sampled(description);
        var expected = DoubleNetwork.Differences(
            [.. sampled.Select(i => parameters[i])], values => Loss(Put(parameters, sampled, values), doubleInputs));
        var gradients = network.Gradients.ToArray();
        NetworkSamples.RelativeError(sampled.Select(i => gradients[i]).ToArray(), expected).ShouldBeLessThan(2e-5);

        int[] vectors = [.. Enumerable.Range(0, inputs.Length).Where(i => i % description.Inputs >= description.ImageInputs)];
        expected = DoubleNetwork.Differences(
            [.. vectors.Select(i => doubleInputs[i])], values => Loss(parameters, Put(doubleInputs, vectors, values)));
        NetworkSamples.RelativeError(vectors.Select(i => inputGradients[i]).ToArray(), expected).ShouldBeLessThan(2e-5);
        inputGradients.Except(vectors.Select(i => inputGradients[i])).ShouldBe([0f], "the images' share is not computed");

        double Loss(double[] p, double[] x) => DoubleNetwork.CrossEntropy(DoubleNetwork.Forward(description, p, x, Batch), actions);

        static double[] Put(double[] all, int[] places, double[] values)
        {
            all = (double[])all.Clone();
            for (var i = 0; i < places.Length; i++)
                all[places[i]] = values[i];
            return all;
        }
    }

    [Theory, InlineData(60), InlineData(84)]
    public void What_is_computed_in_tiles_agrees_with_the_plain_sums_in_double_precision(int size)
    {
        const int Batch = 2;
        var description = NetworkSamples.DescribeImages(size, 2, Padding.Valid, vector: 0);
        description.Trunk!.Layers().Count(MinimalConvolution.Suits).ShouldBe(1);
        using var network = NetworkSamples.Create(description);
        var (inputs, slopes) = (NetworkSamples.Numbers(Batch * description.Inputs, 8), NetworkSamples.Numbers(Batch * 4, 9));
        var parameters = Array.ConvertAll(network.Parameters.ToArray(), value => (double)value);
        var trunk = new PlainTrunk<double>(description, parameters);
        var features = trunk.Forward(Array.ConvertAll(inputs, value => (double)value), Batch);
        var outputs = DoubleNetwork.Forward(description, parameters, Array.ConvertAll(inputs, value => (double)value), Batch);
        NetworkSamples.RelativeError(network.Forward(inputs, Batch), outputs).ShouldBeLessThan(1e-6);

        // The trunk's gradients, from those of the features as the dense layers alone give them.
        using var dense = ManagedBackend.Create(description with { Inputs = features.Length / Batch, Trunk = null }, random: null);
        network.Parameters[^dense.Parameters.Length..].CopyTo(dense.Parameters);
        var featureSlopes = new float[features.Length];
        dense.Forward(Array.ConvertAll(features, value => (float)value), Batch);
        dense.Backward(slopes, Batch, featureSlopes);
        var expected = new double[parameters.Length - dense.Parameters.Length];
        trunk.Backward(Array.ConvertAll(featureSlopes, value => (double)value), Batch, expected);
        network.Backward(slopes, Batch);
        NetworkSamples.RelativeError(network.Gradients[..expected.Length], expected).ShouldBeLessThan(1e-6);
    }

    [Theory, InlineData(36, Padding.Same), InlineData(60, Padding.Valid)]
    public void A_batch_in_parts_has_the_bits_of_the_whole(int size, Padding padding)
    {
        const int Batch = 13;
        var description = NetworkSamples.DescribeImages(size, 2, padding);
        var inputs = NetworkSamples.Numbers(Batch * description.Inputs, 3);
        var slopes = NetworkSamples.Numbers(Batch * 4, 4);
        using var network = NetworkSamples.Create(description, threads: 2);
        var outputs = network.Forward(inputs, Batch).ToArray();
        network.Backward(slopes, Batch);
        var gradients = network.Gradients.ToArray();

        foreach (var part in new[] { 1, 4, 6 })
        {
            for (var first = 0; first < Batch; first += part)
            {
                var rows = Math.Min(part, Batch - first);
                network.Forward(inputs.AsSpan(first * description.Inputs, rows * description.Inputs), rows)
                    .ShouldHaveTheBitsOf(outputs.AsSpan(first * 4, rows * 4), $"outputs in parts of {part}");
                network.Backward(slopes.AsSpan(first * 4, rows * 4), rows, accumulate: first > 0);
            }

            network.Gradients.ShouldHaveTheBitsOf(gradients, $"gradients in parts of {part}");
        }
    }

    [Theory, InlineData(1), InlineData(3)]
    public void Steps_allocate_nothing_once_warm(int threads)
    {
        var description = NetworkSamples.DescribeImages(36, 2);
        using var network = NetworkSamples.Create(description, threads);
        var adam = new Adam(network);
        var (gradient, actions) = (new float[8 * 4], new int[8]);
        Step(8);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 30; i++)
            Step(1 + i % 8);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

        void Step(int batch)
        {
            var outputs = network.Forward(network.InputRows(batch), batch);
            VectorMath.SoftmaxCrossEntropy(outputs, actions.AsSpan(0, batch), gradient.AsSpan(0, batch * 4));
            network.Backward(gradient.AsSpan(0, batch * 4), batch);
            adam.Step();
        }
    }

    [Fact]
    public void The_networks_own_memory_and_another_give_the_same()
    {
        var description = NetworkSamples.DescribeImages(36, 1);
        using var network = NetworkSamples.Create(description);
        var inputs = NetworkSamples.Numbers(2 * description.Inputs, 9);
        var expected = network.Forward(inputs, 2).ToArray();
        inputs.CopyTo(network.InputRows(2));
        network.Forward(network.InputRows(2), 2).ShouldHaveTheBitsOf(expected, "outputs");
    }

    [Theory]
    [InlineData(Initialization.HeUniform, 192, 512, 576)]
    [InlineData(Initialization.XavierUniform, 192 + 2048, 512 + 1024, 576 + 576)]
    public void Filters_fill_the_range_of_their_initialization(Initialization initialization, params int[] fans)
    {
        var description = NetworkSamples.DescribeImages(36, 1) with { Initialization = initialization };
        using var network = ManagedBackend.Create(description, new Random(3));
        foreach (var (layer, fan) in description.Trunk!.Layers().Zip(fans))
        {
            var limit = MathF.Sqrt(6f / fan);
            var weights = network.Parameters.Slice(layer.Offset, layer.WeightCount).ToArray();
            weights.Max().ShouldBeInRange(0.99f * limit, limit);
            weights.Min().ShouldBeInRange(-limit, -0.99f * limit);
            network.Parameters.Slice(layer.BiasOffset, layer.Filters).ToArray().ShouldAllBe(bias => bias == 0);
        }
    }

    [Fact]
    public void A_tasks_rows_describe_the_network()
    {
        NetworkDescription.Of(InputShape.OfVectors(10, 3), 4, 2, 256, 1, Initialization.XavierUniform)
            .Layers().Select(layer => layer.Inputs).ShouldBe([17, 256, 256]);
        var images = NetworkDescription.Of(new InputShape(1, 1, 84, 5, 0), 4, 1, 256, 2, Initialization.XavierUniform, Padding.Same);
        images.Trunk.ShouldBe(new ConvolutionalTrunk(84, 2, Padding.Same));
        images.VectorInputs.ShouldBe(9);
        images.Layers()[0].Inputs.ShouldBe(2 * 2304 + 9);
        using var network = ManagedBackend.Create(images, random: null);
        network.Parameters.Length.ShouldBe((int)images.ParameterCount);
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        Should.Throw<ArgumentException>(() => new ConvolutionalTrunk(32, 1).Layers()).Message.ShouldContain("32");
        Should.Throw<ArgumentException>(() => new ConvolutionalTrunk(36, 0).Layers());
        Should.Throw<ArgumentException>(() => NetworkSamples.DescribeImages(36, 1, vector: -1).Layers()).Message.ShouldContain("3888");
    }

    private static int[] Sampled(NetworkDescription description)
    {
        var random = new Random(4);
        var places = new SortedSet<int>();
        foreach (var layer in description.Trunk!.Layers())
        {
            for (var i = 0; i < 25; i++)
                places.Add(layer.Offset + random.Next(layer.WeightCount));
            for (var i = 0; i < 5; i++)
                places.Add(layer.BiasOffset + random.Next(layer.Filters));
        }

        foreach (var layer in description.Layers())
        {
            for (var i = 0; i < 10; i++)
                places.Add(layer.Offset + random.Next(layer.ParameterCount));
        }

        return [.. places];
    }

    private static void Check(NetworkDescription description, int batch)
    {
        var inputs = NetworkSamples.Numbers(batch * description.Inputs, 1);
        var slopes = NetworkSamples.Numbers(batch * description.Outputs, 2);
        PlainNetwork? plain = null;
        float[] outputs = [], inputGradients = [];
        foreach (var width in NetworkSamples.Widths)
        {
            foreach (var threads in new[] { 1, 3 })
            {
                using var network = NetworkSamples.Create(description, threads, width);
                if (plain is null)
                {
                    plain = new PlainNetwork(description, network.Parameters.ToArray());
                    outputs = plain.Forward(inputs, batch);
                    inputGradients = plain.Backward(slopes, batch);
                }

                var name = $"{description.Trunk}, batch {batch}, {threads} threads, {width}: ";
                var actualInputGradients = new float[inputs.Length];
                network.Gradients.Fill(float.NaN);
                network.Forward(inputs, batch).ShouldHaveTheBitsOf(outputs, name + "outputs");
                network.Backward(slopes, batch, actualInputGradients);
                network.Gradients.ShouldHaveTheBitsOf(plain.Gradients, name + "gradients");
                actualInputGradients.AsSpan().ShouldHaveTheBitsOf(inputGradients, name + "input gradients");
            }
        }
    }
}
