using Hem.Trainer.Networks;

namespace Trainer.Tests.Networks;

/// <summary>
/// The specification of the managed backend, bit by bit, in plain loops: every number is one chain of fused multiply-adds in a fixed order.
/// </summary>
internal sealed class PlainNetwork(NetworkDescription description, float[] parameters)
{
    private readonly DenseLayer[] layers = description.Layers();
    private readonly PlainTrunk<float>? trunk = description.Trunk is null ? null : new(description, parameters);
    private float[][] activations = [];

    public float[] Gradients { get; } = new float[parameters.Length];

    public float[] Forward(float[] inputs, int batch)
    {
        activations = [trunk?.Forward(inputs, batch) ?? inputs, .. layers.Select(layer => new float[batch * layer.Outputs])];
        for (var l = 0; l < layers.Length; l++)
        {
            var layer = layers[l];
            var (x, y) = (activations[l], activations[l + 1]);
            Each(batch, layer.Outputs, (row, j) =>
            {
                var sum = parameters[layer.BiasOffset + j];
                for (var k = 0; k < layer.Inputs; k++)
                    sum = MathF.FusedMultiplyAdd(x[row * layer.Inputs + k], parameters[layer.Offset + k * layer.Outputs + j], sum);
                y[row * layer.Outputs + j] = l < layers.Length - 1 && sum < 0 ? 0 : sum;
            });
        }

        return activations[^1];
    }

    /// <summary>Fills <see cref="Gradients"/> and returns the gradient of the inputs, zero for images.</summary>
    public float[] Backward(float[] outputGradients, int batch)
    {
        var dy = outputGradients;
        for (var l = layers.Length - 1; l >= 0; l--)
        {
            var (layer, x) = (layers[l], activations[l]);
            var dx = new float[batch * layer.Inputs];
            Each(layer.Inputs, layer.Outputs, (k, j) =>
            {
                float sum = 0;
                for (var row = 0; row < batch; row++)
                    sum = MathF.FusedMultiplyAdd(x[row * layer.Inputs + k], dy[row * layer.Outputs + j], sum);
                Gradients[layer.Offset + k * layer.Outputs + j] = sum;
            });
            Each(1, layer.Outputs, (_, j) =>
            {
                float sum = 0;
                for (var row = 0; row < batch; row++)
                    sum += dy[row * layer.Outputs + j];
                Gradients[layer.BiasOffset + j] = sum;
            });
            Each(batch, layer.Inputs, (row, k) =>
            {
                float sum = 0;
                for (var j = 0; j < layer.Outputs; j++)
                    sum = MathF.FusedMultiplyAdd(dy[row * layer.Outputs + j], parameters[layer.Offset + k * layer.Outputs + j], sum);
                dx[row * layer.Inputs + k] = l > 0 && !(x[row * layer.Inputs + k] > 0) ? 0 : sum;
            });
            dy = dx;
        }

        if (trunk is null)
            return dy;
        trunk.Backward(dy, batch, Gradients);
        var inputGradients = new float[batch * description.Inputs];
        var (vector, dense) = (description.VectorInputs, layers[0].Inputs);
        for (var row = 1; row <= batch; row++)
            Array.Copy(dy, row * dense - vector, inputGradients, row * description.Inputs - vector, vector);
        return inputGradients;
    }

    private static void Each(int rows, int columns, Action<int, int> action)
    {
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                action(row, column);
        }
    }
}
