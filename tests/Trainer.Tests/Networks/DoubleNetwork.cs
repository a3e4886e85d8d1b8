using Hem.Trainer.Networks;

namespace Trainer.Tests.Networks;

/// <summary>The forward pass in double precision, and gradients from it by central differences.</summary>
internal static class DoubleNetwork
{
    public static double[] Forward(NetworkDescription description, double[] parameters, double[] inputs, int batch)
    {
        var x = description.Trunk is null ? inputs : new PlainTrunk<double>(description, parameters).Forward(inputs, batch);
        var layers = description.Layers();
        foreach (var layer in layers)
        {
            var y = new double[batch * layer.Outputs];
            for (var i = 0; i < y.Length; i++)
            {
                var (row, j) = (i / layer.Outputs, i % layer.Outputs);
                y[i] = parameters[layer.BiasOffset + j];
                for (var k = 0; k < layer.Inputs; k++)
                    y[i] += x[row * layer.Inputs + k] * parameters[layer.Offset + k * layer.Outputs + j];
                if (layer != layers[^1])
                    y[i] = description.Hidden == Activation.Tanh ? Math.Tanh(y[i]) : Math.Max(y[i], 0);
            }

            x = y;
        }

        return x;
    }

    public static double CrossEntropy(double[] logits, int[] actions)
    {
        var columns = logits.Length / actions.Length;
        return actions.Select((action, row) =>
        {
            var values = logits.AsSpan(row * columns, columns).ToArray();
            return Math.Log(values.Sum(value => Math.Exp(value - values.Max()))) + values.Max() - values[action];
        }).Average();
    }

    public static double[] Differences(double[] at, Func<double[], double> function)
    {
        const double H = 1e-6;
        var point = (double[])at.Clone();
        return [.. at.Select((value, i) =>
        {
            point[i] = value + H;
            var above = function(point);
            point[i] = value - H;
            var below = function(point);
            point[i] = value;
            return (above - below) / (2 * H);
        })];
    }
}
