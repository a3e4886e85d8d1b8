using FsCheck;
using FsCheck.Fluent;
using Hem.Trainer.Networks;

namespace Trainer.Tests.Networks;

public class KernelBitsTests
{
    private static readonly int[] Units = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 50, 60, 63, 64, 65, 70, 129];

    public static TheoryData<int[], int> Shapes => new()
    {
        { [60, 256, 256, 50], 64 },
        { [3, 2], 1 },
        { [1, 1, 1], 1 },
        { [300, 5, 5, 5, 5, 5, 7], 20 },
        { [5, 520, 3], 7 },
        { [6, 40, 4], 600 },
        { [4, 33, 9], 1920 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Every_width_and_thread_count_gives_the_bits_of_plain_loops(int[] widths, int batch) => Check(widths, batch);

    [Fact]
    public void Random_shapes_give_the_bits_of_plain_loops()
    {
        var unit = Gen.Elements(Units);
        var shape =
            from depth in Gen.Choose(2, 5)
            from widths in Gen.ArrayOf(unit, depth)
            from batch in Gen.Choose(1, 40)
            select (widths, batch);
        Prop.ForAll(shape.ToArbitrary(), sample => Check(sample.widths, sample.batch)).QuickCheckThrowOnFailure();
    }

    [Theory, InlineData(2), InlineData(6), InlineData(13), InlineData(64)]
    public void A_row_has_the_same_bits_in_any_batch(int batch)
    {
        var description = NetworkSamples.Describe(60, 70, 256, 50);
        var inputs = NetworkSamples.Numbers(batch * 60, 3);
        foreach (var width in NetworkSamples.Widths)
        {
            using var network = NetworkSamples.Create(description, kernels: width);
            var together = network.Forward(inputs, batch).ToArray();
            for (var row = 0; row < batch; row++)
            {
                network.Forward(inputs.AsSpan(row * 60, 60), 1)
                    .ShouldHaveTheBitsOf(together.AsSpan(row * 50, 50), $"row {row} alone, {width}");
            }
        }
    }

    [Fact]
    public void Training_gives_the_same_bits_at_every_width_and_thread_count()
    {
        var expected = Train(1, KernelWidth.Bits128);
        foreach (var width in NetworkSamples.Widths)
        {
            foreach (var threads in new[] { 1, 2, 3 })
                Train(threads, width).AsSpan().ShouldHaveTheBitsOf(expected, $"{threads} threads, {width}");
        }
    }

    private static float[] Train(int threads, KernelWidth width)
    {
        using var network = NetworkSamples.Create(NetworkSamples.Describe(11, 64, 130, 9), threads, width);
        var adam = new Adam(network, 0.01);
        var gradient = new float[30 * 9];
        for (var step = 0; step < 20; step++)
        {
            var outputs = network.Forward(NetworkSamples.Numbers(30 * 11, step), 30);
            VectorMath.SoftmaxCrossEntropy(outputs, [.. Enumerable.Range(0, 30).Select(row => row % 9)], gradient);
            network.Backward(gradient, 30);
            adam.Step();
        }

        return [.. network.Parameters, .. adam.FirstMoments, .. adam.SecondMoments];
    }

    private static void Check(int[] widths, int batch)
    {
        var description = NetworkSamples.Describe(widths);
        var inputs = NetworkSamples.Numbers(batch * widths[0], 1);
        var outputGradients = NetworkSamples.Numbers(batch * widths[^1], 2);
        PlainNetwork? plain = null;
        float[] outputs = [], inputGradients = [];
        foreach (var width in NetworkSamples.Widths)
        {
            foreach (var threads in new[] { 1, 2, 3 })
            {
                using var network = NetworkSamples.Create(description, threads, width);
                if (plain is null)
                {
                    plain = new PlainNetwork(description, network.Parameters.ToArray());
                    outputs = plain.Forward(inputs, batch);
                    inputGradients = plain.Backward(outputGradients, batch);
                }

                var name = $"widths {string.Join('-', widths)}, batch {batch}, {threads} threads, {width}: ";
                var actualInputGradients = new float[inputs.Length];
                network.Gradients.Fill(float.NaN);
                network.Forward(inputs, batch).ShouldHaveTheBitsOf(outputs, name + "outputs");
                network.Backward(outputGradients, batch, actualInputGradients);
                network.Gradients.ShouldHaveTheBitsOf(plain.Gradients, name + "gradients");
                actualInputGradients.AsSpan().ShouldHaveTheBitsOf(inputGradients, name + "input gradients");
            }
        }
    }
}
