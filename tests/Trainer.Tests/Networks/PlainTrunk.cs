using System.Numerics;
using Hem.Trainer.Networks;

namespace Trainer.Tests.Networks;

/// <summary>
/// The convolutional trunk in plain loops, in floats (the bits of the managed backend: every number one chain of fused multiply-adds, but
/// where <see cref="PlainMinimal"/> tells) or in doubles.
/// </summary>
internal sealed class PlainTrunk<T>(NetworkDescription description, T[] parameters)
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly ConvolutionalLayer[] layers = description.Trunk!.Layers();
    private readonly int images = description.Trunk.Images;
    private readonly int denseInputs = description.Layers()[0].Inputs;

    /// <summary>[layer][image of the batch], each [rows, columns, channels]; the last are the features.</summary>
    private T[][][] activations = [];

    /// <summary>The rows that the dense layers see.</summary>
    public T[] Forward(T[] inputs, int batch)
    {
        activations = new T[layers.Length + 1][][];
        activations[0] = [.. Each(batch, (row, image) =>
            inputs.AsSpan(row * description.Inputs + image * layers[0].InputFloats, layers[0].InputFloats).ToArray())];
        for (var l = 0; l < layers.Length; l++)
            activations[l + 1] = Array.ConvertAll(activations[l], x => Forward(layers[l], x));

        var rows = new T[batch * denseInputs];
        for (var row = 0; row < batch; row++)
        {
            for (var image = 0; image < images; image++)
                activations[^1][row * images + image].CopyTo(rows, row * denseInputs + image * layers[^1].OutputFloats);
            var vector = description.VectorInputs;
            Array.Copy(inputs, (row + 1) * description.Inputs - vector, rows, (row + 1) * denseInputs - vector, vector);
        }

        return rows;
    }

    /// <summary>From the gradient of the dense layers' rows to the parameters' of the trunk.</summary>
    public void Backward(T[] rows, int batch, T[] gradients)
    {
        var size = layers[^1].OutputFloats;
        T[][] slopes = [.. Each(batch, (row, image) => rows.AsSpan(row * denseInputs + image * size, size).ToArray())];
        for (var l = layers.Length - 1; l >= 0; l--)
        {
            for (var n = 0; n < slopes.Length; n++)
            {
                for (var i = 0; i < slopes[n].Length; i++)
                    slopes[n][i] = activations[l + 1][n][i] > T.Zero ? slopes[n][i] : T.Zero;
                AddWeights(layers[l], activations[l][n], slopes[n], gradients);
            }

            if (l > 0)
                slopes = Array.ConvertAll(slopes, slope => InputGradients(layers[l], slope));
        }
    }

    private IEnumerable<T[]> Each(int batch, Func<int, int, T[]> make) =>
        Enumerable.Range(0, batch * images).Select(n => make(n / images, n % images));

    private T[] Forward(ConvolutionalLayer layer, T[] x)
    {
        if (x is float[] floats && MinimalConvolution.Suits(layer))
            return (T[])(object)PlainMinimal.Forward(layer, (float[])(object)parameters, floats);
        var y = new T[layer.OutputFloats];
        Array.Fill(y, T.NaN);
        for (var pixel = 0; pixel < layer.OutputPixels; pixel++)
        {
            var sums = parameters.AsSpan(layer.BiasOffset, layer.Filters).ToArray();
            foreach (var (input, k) in Window(layer, pixel))
            {
                for (var filter = 0; filter < layer.Filters; filter++)
                    sums[filter] = T.FusedMultiplyAdd(x[input], parameters[layer.Offset + k * layer.Filters + filter], sums[filter]);
            }

            for (var filter = 0; filter < layer.Filters; filter++)
                y[pixel * layer.Filters + filter] = sums[filter] < T.Zero ? T.Zero : sums[filter];
        }

        return y;
    }

    private static void AddWeights(ConvolutionalLayer layer, T[] x, T[] slope, T[] gradients)
    {
        for (var pixel = 0; pixel < layer.OutputPixels; pixel++)
        {
            foreach (var (input, k) in Window(layer, pixel))
            {
                for (var filter = 0; filter < layer.Filters; filter++)
                {
                    ref var sum = ref gradients[layer.Offset + k * layer.Filters + filter];
                    sum = T.FusedMultiplyAdd(x[input], slope[pixel * layer.Filters + filter], sum);
                }
            }

            for (var filter = 0; filter < layer.Filters; filter++)
                gradients[layer.BiasOffset + filter] += slope[pixel * layer.Filters + filter];
        }
    }

    /// <summary>In the order of the places in the window, and then of the filters.</summary>
    private T[] InputGradients(ConvolutionalLayer layer, T[] slope)
    {
        if (slope is float[] floats && MinimalConvolution.Suits(layer))
            return (T[])(object)PlainMinimal.InputGradients(layer, (float[])(object)parameters, floats);
        var dx = new T[layer.InputFloats];
        for (var k = 0; k < layer.Depth; k++)
        {
            for (var pixel = 0; pixel < layer.OutputPixels; pixel++)
            {
                if (Input(layer, pixel, k) is not { } input)
                    continue;
                for (var filter = 0; filter < layer.Filters; filter++)
                {
                    dx[input] = T.FusedMultiplyAdd(
                        slope[pixel * layer.Filters + filter], parameters[layer.Offset + k * layer.Filters + filter], dx[input]);
                }
            }
        }

        return dx;
    }

    private static IEnumerable<(int Input, int K)> Window(ConvolutionalLayer layer, int pixel)
    {
        for (var k = 0; k < layer.Depth; k++)
        {
            if (Input(layer, pixel, k) is { } input)
                yield return (input, k);
        }
    }

    /// <summary>Which input number k of an output's window is; null: one of the padding.</summary>
    private static int? Input(ConvolutionalLayer layer, int pixel, int k)
    {
        var (place, channel) = (k / layer.Channels, k % layer.Channels);
        var y = pixel / layer.OutputSize * layer.Stride + place / layer.Kernel - layer.PadBefore;
        var x = pixel % layer.OutputSize * layer.Stride + place % layer.Kernel - layer.PadBefore;
        return y < 0 || x < 0 || y >= layer.InputSize || x >= layer.InputSize ? null : (y * layer.InputSize + x) * layer.Channels + channel;
    }
}
