namespace Hem.Trainer.Networks;

/// <summary>What a convolution sees beyond the edge of its input.</summary>
public enum Padding
{
    /// <summary>Nothing: a window lies within the input, and what is left over at the right and the bottom is not looked at.</summary>
    Valid,

    /// <summary>
    /// Zeros, so many that the output has one number for each stride begun: ceil(size / stride). Where their number is odd, the one more
    /// lies to the right and the bottom.
    /// </summary>
    Same,
}

/// <summary>
/// Features of images: convolutions of [filters, kernel, stride] = [32, 8, 4], [64, 4, 2], [64, 3, 2], each followed by ReLU, applied with
/// the same weights to each image of a row. A row of the network's input starts with its images, each ImageSize x ImageSize x 3 floats
/// (rows, columns, colours); a row of the dense layers' input with their features in the same order.
/// </summary>
/// <param name="ImageSize">Width and height, at least 36 with <see cref="Padding.Valid"/>.</param>
/// <param name="Images">Images in a row of the input, at least 1.</param>
/// <param name="Padding">At the edges of all three layers.</param>
public sealed record ConvolutionalTrunk(int ImageSize, int Images, Padding Padding = Padding.Valid)
{
    private const int Colours = 3;

    private static readonly (int Filters, int Kernel, int Stride)[] Shapes = [(32, 8, 4), (64, 4, 2), (64, 3, 2)];

    /// <summary>Floats of one image.</summary>
    public int ImageFloats => checked(ImageSize * ImageSize * Colours);

    /// <summary>Features of one image.</summary>
    public int ImageFeatures => Layers()[^1].OutputFloats;

    /// <summary>The layers in order, each with its place in the contiguous buffer of parameters, which they begin.</summary>
    internal ConvolutionalLayer[] Layers()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Images, 1);
        var layers = new ConvolutionalLayer[Shapes.Length];
        var (size, channels, offset) = (ImageSize, Colours, 0);
        for (var i = 0; i < layers.Length; i++)
        {
            var (filters, kernel, stride) = Shapes[i];
            var output = Padding == Padding.Same ? (size + stride - 1) / stride : size < kernel ? 0 : (size - kernel) / stride + 1;
            if (output < 1)
                throw new ArgumentException($"an image of {ImageSize} x {ImageSize} is too small for three convolutions");
            var padding = Math.Max(0, (output - 1) * stride + kernel - size);
            layers[i] = new ConvolutionalLayer(size, channels, kernel, stride, filters, output, padding / 2, padding - padding / 2, offset);
            (size, channels, offset) = (output, filters, offset + layers[i].ParameterCount);
        }

        return layers;
    }
}

/// <summary>
/// One convolution and where it lies in the buffer of parameters: weights [Kernel, Kernel, Channels, Filters] row-major (row of the window,
/// column, channel of the input, filter), then a bias for each filter. Inputs and outputs are [rows, columns, channels].
/// </summary>
internal readonly record struct ConvolutionalLayer(
    int InputSize, int Channels, int Kernel, int Stride, int Filters, int OutputSize, int PadBefore, int PadAfter, int Offset)
{
    /// <summary>Width and height of the input with its padding.</summary>
    public int PaddedSize => InputSize + PadBefore + PadAfter;

    public int PaddedFloats => PaddedSize * PaddedSize * Channels;

    public int InputFloats => InputSize * InputSize * Channels;

    public int OutputPixels => OutputSize * OutputSize;

    public int OutputFloats => OutputPixels * Filters;

    /// <summary>Numbers in a window.</summary>
    public int Depth => Kernel * Kernel * Channels;

    public int WeightCount => Depth * Filters;

    public int ParameterCount => WeightCount + Filters;

    public int BiasOffset => Offset + WeightCount;
}
