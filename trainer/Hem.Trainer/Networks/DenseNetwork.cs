namespace Hem.Trainer.Networks;

internal sealed class DenseNetwork : INetwork
{
    private readonly DenseLayer[] layers;
    private readonly float[] parameters;
    private readonly float[] gradients;
    private float[][] activations = [];
    private int lastBatch;

    public DenseNetwork(NetworkDescription description, int threads, KernelWidth kernels)
    {
        _ = (threads, kernels);
        Description = description;
        layers = description.Layers();
        parameters = new float[layers[^1].Offset + layers[^1].ParameterCount];
        gradients = new float[parameters.Length];
    }

    public NetworkDescription Description { get; }

    public Span<float> Parameters => parameters;

    public Span<float> Gradients => gradients;

    public void Initialize(Random random)
    {
        foreach (var layer in layers)
        {
            var fan = Description.Initialization == Initialization.HeUniform ? layer.Inputs : layer.Inputs + layer.Outputs;
            var limit = Math.Sqrt(6.0 / fan);
            foreach (ref var weight in parameters.AsSpan(layer.Offset, layer.WeightCount))
                weight = (float)((2 * random.NextDouble() - 1) * limit);
        }
    }

    public ReadOnlySpan<float> Forward(ReadOnlySpan<float> inputs, int batch)
    {
        if (inputs.Length != (long)batch * Description.Inputs)
            throw new ArgumentException($"{inputs.Length} inputs are not {batch} rows of {Description.Inputs}", nameof(inputs));

        if (lastBatch != batch)
            activations = [new float[inputs.Length], .. layers.Select(layer => new float[batch * layer.Outputs])];
        lastBatch = batch;
        inputs.CopyTo(activations[0]);
        for (var l = 0; l < layers.Length; l++)
        {
            var (layer, x, y) = (layers[l], activations[l], activations[l + 1]);
            for (var row = 0; row < batch; row++)
            {
                for (var j = 0; j < layer.Outputs; j++)
                {
                    var sum = parameters[layer.BiasOffset + j];
                    for (var k = 0; k < layer.Inputs; k++)
                        sum = MathF.FusedMultiplyAdd(x[row * layer.Inputs + k], parameters[layer.Offset + k * layer.Outputs + j], sum);
                    y[row * layer.Outputs + j] = l < layers.Length - 1 && sum <= 0 ? 0 : sum;
                }
            }
        }

        return activations[^1];
    }

    public void Backward(ReadOnlySpan<float> outputGradients, int batch, Span<float> inputGradients = default)
    {
        if (batch != lastBatch)
            throw new InvalidOperationException($"Backward of {batch} rows follows Forward of {lastBatch}");

        var dy = outputGradients.ToArray();
        for (var l = layers.Length - 1; l >= 0; l--)
        {
            var (layer, x) = (layers[l], activations[l]);
            var dx = new float[batch * layer.Inputs];
            for (var k = 0; k < layer.Inputs; k++)
            {
                for (var j = 0; j < layer.Outputs; j++)
                {
                    float sum = 0;
                    for (var row = 0; row < batch; row++)
                        sum = MathF.FusedMultiplyAdd(x[row * layer.Inputs + k], dy[row * layer.Outputs + j], sum);
                    gradients[layer.Offset + k * layer.Outputs + j] = sum;
                }
            }

            for (var j = 0; j < layer.Outputs; j++)
            {
                float sum = 0;
                for (var row = 0; row < batch; row++)
                    sum += dy[row * layer.Outputs + j];
                gradients[layer.BiasOffset + j] = sum;
            }

            for (var row = 0; row < batch; row++)
            {
                for (var k = 0; k < layer.Inputs; k++)
                {
                    float sum = 0;
                    for (var j = 0; j < layer.Outputs; j++)
                        sum = MathF.FusedMultiplyAdd(dy[row * layer.Outputs + j], parameters[layer.Offset + k * layer.Outputs + j], sum);
                    dx[row * layer.Inputs + k] = l > 0 && x[row * layer.Inputs + k] <= 0 ? 0 : sum;
                }
            }

            dy = dx;
        }

        if (!inputGradients.IsEmpty)
            dy.CopyTo(inputGradients);
    }

    public void Dispose()
    {
    }
}
