using Hem.Trainer.Networks.Kernels;

namespace Hem.Trainer.Networks;

/// <summary>
/// Dense layers on the kernels. Forward gives each thread rows to take through all layers; Backward goes layer by layer and shares
/// out the tiles of the layer's three sums.
/// </summary>
internal sealed unsafe class DenseNetwork : INetwork
{
    private readonly DenseLayer[] layers;
    private readonly PinnedBuffer parameters;
    private readonly PinnedBuffer gradients;
    private readonly PinnedBuffer[] activations;
    private readonly ForwardWork forward;
    private readonly BackwardWork[] backward;
    private PinnedBuffer outputSide;
    private PinnedBuffer inputSide;
    private int capacity;
    private int lastBatch;

    public DenseNetwork(NetworkDescription description, int threads, KernelWidth kernels)
    {
        Description = description;
        Kernels = KernelSet.For(kernels);
        Workers = new WorkerPool(threads);
        layers = description.Layers();
        parameters = new PinnedBuffer(layers[^1].Offset + layers[^1].ParameterCount);
        gradients = new PinnedBuffer(parameters.Length);
        activations = new PinnedBuffer[layers.Length + 1];
        outputSide = inputSide = new PinnedBuffer(0);
        forward = new ForwardWork(this);
        var scratch = Array.ConvertAll(new int[threads], _ => new PinnedBuffer(Kernels.ScratchLength));
        backward = Array.ConvertAll(layers, layer => new BackwardWork(this, layer, scratch));
        EnsureCapacity(1);
    }

    public NetworkDescription Description { get; }

    public Span<float> Parameters => parameters.Span;

    public Span<float> Gradients => gradients.Span;

    public KernelSet Kernels { get; }

    public WorkerPool Workers { get; }

    public void Initialize(Random random)
    {
        foreach (var layer in layers)
        {
            var fan = Description.Initialization == Initialization.HeUniform ? layer.Inputs : layer.Inputs + layer.Outputs;
            var limit = Math.Sqrt(6.0 / fan);
            foreach (ref var weight in Parameters.Slice(layer.Offset, layer.WeightCount))
                weight = (float)((2 * random.NextDouble() - 1) * limit);
            Parameters.Slice(layer.BiasOffset, layer.Outputs).Clear();
        }
    }

    public ReadOnlySpan<float> Forward(ReadOnlySpan<float> inputs, int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        RequireLength(inputs.Length, batch, Description.Inputs, nameof(inputs));
        EnsureCapacity(batch);
        lastBatch = batch;
        inputs.CopyTo(activations[0].Span);
        forward.Run();
        return activations[^1].Span[..(batch * Description.Outputs)];
    }

    public void Backward(
        ReadOnlySpan<float> outputGradients, int batch, Span<float> inputGradients = default, bool accumulate = false,
        bool inputsOnly = false)
    {
        if (batch != lastBatch)
            throw new InvalidOperationException($"Backward of {batch} rows does not fit the last Forward, which had {lastBatch}");
        RequireLength(outputGradients.Length, batch, Description.Outputs, nameof(outputGradients));
        if (!inputGradients.IsEmpty)
            RequireLength(inputGradients.Length, batch, Description.Inputs, nameof(inputGradients));

        outputGradients.CopyTo(outputSide.Span);
        for (var i = layers.Length - 1; i >= 0; i--)
        {
            backward[i].Run(activations[i], wantsInputGradients: i > 0 || !inputGradients.IsEmpty, masked: i > 0, accumulate, inputsOnly);
            (outputSide, inputSide) = (inputSide, outputSide);
        }

        if (!inputGradients.IsEmpty)
            outputSide.Span[..inputGradients.Length].CopyTo(inputGradients);
    }

    public void Dispose() => Workers.Dispose();

    private static void RequireLength(int length, int batch, int width, string name)
    {
        if (length != (long)batch * width)
            throw new ArgumentException($"{length} numbers are not {batch} rows of {width}", name);
    }

    private void EnsureCapacity(int rows)
    {
        if (rows <= capacity)
            return;
        var widest = Description.Inputs;
        activations[0] = new PinnedBuffer(checked(rows * Description.Inputs));
        for (var i = 0; i < layers.Length; i++)
        {
            activations[i + 1] = new PinnedBuffer(checked(rows * layers[i].Outputs));
            widest = Math.Max(widest, layers[i].Outputs);
        }

        outputSide = new PinnedBuffer(checked(rows * widest));
        inputSide = new PinnedBuffer(checked(rows * widest));
        capacity = rows;
    }

    private sealed class ForwardWork(DenseNetwork network) : IParallelWork
    {
        private int rowsPerPiece;

        public void Run()
        {
            var (rows, threads) = (network.lastBatch, network.Workers.Threads);
            rowsPerPiece = Math.Max((rows + threads - 1) / threads, Math.Min(rows, 4));
            network.Workers.Run(this, (rows + rowsPerPiece - 1) / rowsPerPiece);
        }

        public void Do(int piece, int worker)
        {
            var row = piece * rowsPerPiece;
            var rows = Math.Min(rowsPerPiece, network.lastBatch - row);
            var p = network.parameters.Pointer;
            for (var i = 0; i < network.layers.Length; i++)
            {
                var layer = network.layers[i];
                network.Kernels.Multiply(new Product
                {
                    A = network.activations[i].Pointer + (nint)row * layer.Inputs,
                    ARow = layer.Inputs,
                    AStep = 1,
                    B = p + layer.Offset,
                    BStep = layer.Outputs,
                    C = network.activations[i + 1].Pointer + (nint)row * layer.Outputs,
                    CRow = layer.Outputs,
                    Rows = rows,
                    Columns = layer.Outputs,
                    Depth = layer.Inputs,
                    Bias = p + layer.BiasOffset,
                    Relu = i < network.layers.Length - 1,
                });
            }

            GC.KeepAlive(network);
        }
    }

    /// <summary>
    /// One layer backward, with x its inputs and dy the gradient of its outputs: dx = dy W^T, zero where the ReLU before gave
    /// zero; dW = x^T dy; db = the sum of dy over the rows. Pieces: panels of dx, groups of rows of dW, and db.
    /// </summary>
    private sealed class BackwardWork(DenseNetwork network, DenseLayer layer, PinnedBuffer[] scratch) : IParallelWork
    {
        private const int WeightRowsPerPiece = 48;

        private PinnedBuffer? x;
        private bool mask;
        private bool addsUp;
        private int panels;

        public void Run(PinnedBuffer inputs, bool wantsInputGradients, bool masked, bool accumulate, bool inputsOnly)
        {
            (x, mask, addsUp) = (inputs, masked, accumulate);
            panels = wantsInputGradients ? Pieces(layer.Inputs, network.Kernels.PanelColumns) : 0;
            network.Workers.Run(this, panels + (inputsOnly ? 0 : Pieces(layer.Inputs, WeightRowsPerPiece) + 1));
        }

        public void Do(int piece, int worker)
        {
            if (piece < panels)
                InputGradients(piece, worker);
            else if (piece - panels < Pieces(layer.Inputs, WeightRowsPerPiece))
                WeightGradients(piece - panels);
            else
                BiasGradients();
            GC.KeepAlive(network);
        }

        private static int Pieces(int count, int size) => (count + size - 1) / size;

        private void InputGradients(int panel, int worker)
        {
            var column = panel * network.Kernels.PanelColumns;
            network.Kernels.MultiplyTransposed(
                new Product
                {
                    A = network.outputSide.Pointer,
                    ARow = layer.Outputs,
                    AStep = 1,
                    B = network.parameters.Pointer + layer.Offset + (nint)column * layer.Outputs,
                    BStep = layer.Outputs,
                    C = network.inputSide.Pointer + column,
                    CRow = layer.Inputs,
                    Rows = network.lastBatch,
                    Columns = Math.Min(network.Kernels.PanelColumns, layer.Inputs - column),
                    Depth = layer.Outputs,
                    Mask = mask ? x!.Pointer + column : null,
                },
                scratch[worker].Pointer);
        }

        private void WeightGradients(int group)
        {
            var row = group * WeightRowsPerPiece;
            network.Kernels.Multiply(new Product
            {
                A = x!.Pointer + row,
                ARow = 1,
                AStep = layer.Inputs,
                B = network.outputSide.Pointer,
                BStep = layer.Outputs,
                C = network.gradients.Pointer + layer.Offset + (nint)row * layer.Outputs,
                CRow = layer.Outputs,
                Rows = Math.Min(WeightRowsPerPiece, layer.Inputs - row),
                Columns = layer.Outputs,
                Depth = network.lastBatch,
                Accumulate = addsUp,
            });
        }

        private void BiasGradients() => network.Kernels.SumRows(
            network.outputSide.Pointer,
            layer.Outputs,
            network.lastBatch,
            layer.Outputs,
            network.gradients.Pointer + layer.BiasOffset,
            addsUp);
    }
}
