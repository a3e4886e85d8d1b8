using Hem.Trainer.Networks;

namespace Trainer.Tests.Networks;

/// <summary>
/// A convolution by Winograd's F(3 x 3, 2 x 2) in plain loops, with the bits of <see cref="MinimalConvolution"/>. With g the two weights of
/// an axis, d four inputs and m the products of the four points:
/// <code>
///     g: g0, (g0 + g1)/2, (g0 - g1)/2, g1        d: d0 - d2, d1 + d2, d2 - d1, d3 - d1        y: m0 + (m1 + m2), m1 - m2, (m1 + m2) + m3
/// </code>
/// and the transposes of the last two on the way back; first down, then along.
/// </summary>
internal static class PlainMinimal
{
    public static float[] Forward(ConvolutionalLayer layer, float[] parameters, float[] x)
    {
        var y = new float[layer.OutputFloats];
        var weights = Weights(layer, parameters);
        foreach (var (tileY, tileX) in Tiles(layer))
        {
            var inputs = Make(4 * layer.Channels, k => Both(
                At(4, (i, j) => x[Input(layer, tileY + i, tileX + j, k)]), d => [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1]]));
            for (var f = 0; f < layer.Filters; f++)
            {
                var products = At(4, (i, j) => Chain(inputs.Length, k => inputs[k][i][j], k => weights[k][f][i][j]));
                var outputs = Both(products, m => [m[0] + (m[1] + m[2]), m[1] - m[2], m[1] + m[2] + m[3]]);
                Each(3, (i, j) =>
                {
                    var sum = outputs[i][j] + parameters[layer.BiasOffset + f];
                    y[((tileY + i) * layer.OutputSize + tileX + j) * layer.Filters + f] = sum < 0 ? 0 : sum;
                });
            }
        }

        return y;
    }

    public static float[] InputGradients(ConvolutionalLayer layer, float[] parameters, float[] dy)
    {
        var dx = new float[layer.InputFloats];
        var weights = Weights(layer, parameters);
        foreach (var (tileY, tileX) in Tiles(layer))
        {
            var slopes = Make(layer.Filters, f => Both(
                At(3, (i, j) => dy[((tileY + i) * layer.OutputSize + tileX + j) * layer.Filters + f]),
                y => [y[0], y[0] + y[2] + y[1], y[0] + y[2] - y[1], y[2]]));
            for (var k = 0; k < 4 * layer.Channels; k++)
            {
                var products = At(4, (i, j) => Chain(layer.Filters, f => slopes[f][i][j], f => weights[k][f][i][j]));
                var gradients = Both(products, m => [m[0], m[1] - m[2] - m[3], m[1] + m[2] - m[0], m[3]]);
                Each(4, (i, j) => dx[Input(layer, tileY + i, tileX + j, k)] += gradients[i][j]);
            }
        }

        return dx;
    }

    /// <summary>[parity of the row, parity of the column, channel][filter], at 4 x 4 points.</summary>
    private static float[][][][] Weights(ConvolutionalLayer layer, float[] parameters) => Make(4 * layer.Channels, k =>
    {
        var (parity, channel) = (k / layer.Channels, k % layer.Channels);
        return Make(layer.Filters, f => Both(
            At(2, (u, v) => parameters[
                layer.Offset + (((2 * u + parity / 2) * 4 + 2 * v + parity % 2) * layer.Channels + channel) * layer.Filters + f]),
            g => [g[0], 0.5f * (g[0] + g[1]), 0.5f * (g[0] - g[1]), g[1]]));
    });

    private static int Input(ConvolutionalLayer layer, int y, int x, int k)
    {
        var (parity, channel) = (k / layer.Channels, k % layer.Channels);
        return ((2 * y + parity / 2) * layer.InputSize + 2 * x + parity % 2) * layer.Channels + channel;
    }

    private static IEnumerable<(int Y, int X)> Tiles(ConvolutionalLayer layer) =>
        from y in Enumerable.Range(0, layer.OutputSize / 3)
        from x in Enumerable.Range(0, layer.OutputSize / 3)
        select (3 * y, 3 * x);

    /// <summary>An axis' sums down the columns, and then along the rows.</summary>
    private static float[][] Both(float[][] tile, Func<float[], float[]> sums)
    {
        var down = Make(tile[0].Length, j => sums(Make(tile.Length, i => tile[i][j])));
        return Make(down[0].Length, i => sums(Make(down.Length, j => down[j][i])));
    }

    private static float Chain(int length, Func<int, float> a, Func<int, float> b)
    {
        float sum = 0;
        for (var k = 0; k < length; k++)
            sum = MathF.FusedMultiplyAdd(a(k), b(k), sum);
        return sum;
    }

    private static float[][] At(int size, Func<int, int, float> value) => Make(size, i => Make(size, j => value(i, j)));

    private static T[] Make<T>(int count, Func<int, T> value) => [.. Enumerable.Range(0, count).Select(value)];

    private static void Each(int size, Action<int, int> action)
    {
        for (var i = 0; i < size * size; i++)
            action(i / size, i % size);
    }
}
