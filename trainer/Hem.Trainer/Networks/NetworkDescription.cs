using Hem.Trainer.Tasks;

namespace Hem.Trainer.Networks;

/// <summary>How the weights of a layer are drawn; biases start at zero.</summary>
public enum Initialization
{
    /// <summary>Uniform in ±sqrt(6 / inputs) (He et al. 2015, fan-in, gain sqrt 2).</summary>
    HeUniform,

    /// <summary>Uniform in ±sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010).</summary>
    XavierUniform,

    /// <summary>
    /// Normal with mean 0 and the description's <see cref="NetworkDescription.Deviation"/>, drawn again beyond two deviations.
    /// </summary>
    TruncatedNormal,
}

/// <summary>What a hidden dense layer does to its sums. A convolutional trunk has ReLU always.</summary>
public enum Activation
{
    Relu,

    Tanh,
}

/// <summary>
/// A multilayer perceptron: dense layers with ReLU, or tanh, between them and a linear output. No hidden layers makes a linear map. With a
/// <paramref name="Trunk"/> a row of the input starts with images, and the dense layers see their features in their place.
/// </summary>
/// <param name="Inputs">Numbers in one row of the input, those of images included, at least 1.</param>
/// <param name="HiddenUnits">Units of each hidden layer, input side first, each at least 1; may be empty.</param>
/// <param name="Outputs">Numbers in one row of the output, at least 1.</param>
/// <param name="Initialization">How the weights are drawn.</param>
/// <param name="Trunk">What makes features of the images that a row of the input starts with; null: there are none.</param>
public sealed record NetworkDescription(
    int Inputs, IReadOnlyList<int> HiddenUnits, int Outputs, Initialization Initialization, ConvolutionalTrunk? Trunk = null)
{
    /// <summary>Of the hidden dense layers.</summary>
    public Activation Hidden { get; init; }

    /// <summary>The standard deviation of <see cref="Initialization.TruncatedNormal"/>, before the cut.</summary>
    public double Deviation { get; init; } = 0.01;

    /// <summary>Floats of a row of the input that are images.</summary>
    public int ImageInputs => Trunk is null ? 0 : checked(Trunk.Images * Trunk.ImageFloats);

    /// <summary>Floats of a row of the input that follow the images.</summary>
    public int VectorInputs => Inputs - ImageInputs;

    /// <summary>Numbers in the contiguous buffer of parameters.</summary>
    public long ParameterCount =>
        Layers().Sum(layer => (long)layer.ParameterCount) + (Trunk?.Layers().Sum(layer => (long)layer.ParameterCount) ?? 0);

    /// <summary>Products of a number and a parameter that one row of the input takes to go through the network.</summary>
    public long ProductsPerRow =>
        Layers().Sum(layer => (long)layer.WeightCount)
        + (Trunk?.Layers().Sum(layer => (long)layer.WeightCount * layer.OutputPixels) * Trunk?.Images ?? 0);

    /// <summary>The network for a task's rows: with a trunk where they hold images.</summary>
    /// <param name="input">How a task's row lies.</param>
    /// <param name="extra">Floats that the algorithm appends to each row, an action for instance.</param>
    /// <param name="hiddenLayers">Hidden dense layers.</param>
    /// <param name="hiddenUnits">Units of each.</param>
    /// <param name="outputs">Numbers in one row of the output.</param>
    /// <param name="initialization">How the weights are drawn.</param>
    /// <param name="padding">Of the trunk, where there is one.</param>
    internal static NetworkDescription Of(
        InputShape input, int extra, int hiddenLayers, int hiddenUnits, int outputs, Initialization initialization,
        Padding padding = Padding.Valid) => new(
            input.Total + extra, [.. Enumerable.Repeat(hiddenUnits, hiddenLayers)], outputs, initialization,
            input.Images == 0 ? null : new ConvolutionalTrunk(input.ImageSize, input.Images, padding));

    /// <summary>The dense layers in order, each with its place in the contiguous buffer of parameters.</summary>
    internal DenseLayer[] Layers()
    {
        if (VectorInputs < 0)
            throw new ArgumentException($"a row of {Inputs} inputs has no room for its images, which take {ImageInputs}");
        var first = VectorInputs + (Trunk is null ? 0 : checked(Trunk.Images * Trunk.ImageFeatures));
        int[] widths = [first, .. HiddenUnits, Outputs];
        if (Array.Exists(widths, width => width < 1))
            throw new ArgumentException($"every layer needs at least one unit; the widths given are {string.Join(", ", widths)}");

        var layers = new DenseLayer[widths.Length - 1];
        var offset = Trunk?.Layers().Sum(layer => layer.ParameterCount) ?? 0;
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = new DenseLayer(widths[i], widths[i + 1], offset);
            offset = checked(offset + layers[i].ParameterCount);
        }

        return layers;
    }
}

/// <summary>
/// One dense layer, y = x W + b, and where it lies in the buffer of parameters: W row-major [Inputs, Outputs], then b [Outputs].
/// </summary>
internal readonly record struct DenseLayer(int Inputs, int Outputs, int Offset)
{
    public int ParameterCount => checked((Inputs + 1) * Outputs);

    public int WeightCount => Inputs * Outputs;

    public int BiasOffset => Offset + WeightCount;
}
