using System.Runtime.InteropServices;
using Hem.Trainer.Networks;

namespace Trainer.Tests.Networks;

/// <summary>Networks and numbers for tests, and the comparison of bits.</summary>
internal static class NetworkSamples
{
    public static readonly KernelWidth[] Widths = [KernelWidth.Bits128, KernelWidth.Bits256, KernelWidth.Bits512];

    public static NetworkDescription Describe(params int[] widths) =>
        new(widths[0], widths[1..^1], widths[^1], Initialization.HeUniform);

    /// <summary>Images (of noise) of a size, then a vector, through two dense layers.</summary>
    public static NetworkDescription DescribeImages(
        int size, int images, Padding padding = Padding.Valid, int vector = 3, int hidden = 10, int outputs = 4) =>
        new(images * size * size * 3 + vector, [hidden], outputs, Initialization.HeUniform, new ConvolutionalTrunk(size, images, padding));

    public static float[] Numbers(int count, int seed)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1).ToArray();
    }

    /// <summary>A network with random weights and biases.</summary>
    public static INetwork Create(NetworkDescription description, int threads = 1, KernelWidth kernels = KernelWidth.Auto)
    {
        var network = ManagedBackend.Create(description, new Random(5), threads, kernels);
        foreach (var layer in description.Trunk?.Layers() ?? [])
            Numbers(layer.Filters, layer.Offset + 1).CopyTo(network.Parameters.Slice(layer.BiasOffset, layer.Filters));
        foreach (var layer in description.Layers())
            Numbers(layer.Outputs, layer.Offset).CopyTo(network.Parameters.Slice(layer.BiasOffset, layer.Outputs));
        return network;
    }

    public static void ShouldHaveTheBitsOf(this ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, string what)
    {
        actual.Length.ShouldBe(expected.Length, what);
        var difference = MemoryMarshal.AsBytes(actual).CommonPrefixLength(MemoryMarshal.AsBytes(expected)) / sizeof(float);
        if (difference < actual.Length)
            throw new ShouldAssertException($"{what}: number {difference} is {actual[difference]:R} instead of {expected[difference]:R}");
    }

    public static void ShouldHaveTheBitsOf(this Span<float> actual, ReadOnlySpan<float> expected, string what) =>
        ((ReadOnlySpan<float>)actual).ShouldHaveTheBitsOf(expected, what);

    /// <summary>The largest difference over the largest expected size.</summary>
    public static double RelativeError(ReadOnlySpan<float> actual, IReadOnlyList<double> expected)
    {
        actual.Length.ShouldBe(expected.Count);
        double difference = 0;
        for (var i = 0; i < actual.Length; i++)
            difference = Math.Max(difference, Math.Abs(actual[i] - expected[i]));
        return difference / expected.Max(Math.Abs);
    }

    public static double RelativeError(ReadOnlySpan<float> actual, float[] expected) =>
        RelativeError(actual, Array.ConvertAll(expected, value => (double)value));
}
