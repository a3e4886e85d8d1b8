using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Hem.Trainer.Networks.Kernels;

namespace Hem.Trainer.Networks;

/// <summary>
/// Dense layers on the kernels, behind a convolutional trunk where the inputs hold images. Forward gives each thread rows to take through
/// all layers; Backward goes layer by layer and shares out the tiles of the layer's three sums. After a ReLU about half of all numbers
/// are zero, forward and backward: where they are not is noted once, and the kernels skip the rest.
/// </summary>
internal sealed unsafe class ManagedNetwork : INetwork
{
    private readonly DenseLayer[] layers;
    private readonly bool hasTanh;
    private readonly PinnedBuffer parameters;
    private readonly PinnedBuffer gradients;
    private readonly PinnedBuffer[] activations;
    private readonly PinnedTable<ulong>[] nonZeros;   // of each layer's inputs
    private readonly PinnedBuffer[] scratch;          // of each thread
    private readonly Trunk? trunk;
    private readonly ForwardWork forward;
    private readonly BackwardWork[] backward;
    private PinnedBuffer inputRows;
    private PinnedBuffer outputSide;
    private PinnedBuffer inputSide;
    private PinnedTable<ulong> outputSideNonZeros;
    private PinnedTable<ulong> inputSideNonZeros;
    private int capacity;
    private int lastBatch;

    public ManagedNetwork(NetworkDescription description, int threads, KernelWidth kernels)
    {
        Description = description;
        Kernels = KernelSet.For(kernels);
        Workers = new WorkerPool(threads);
        layers = description.Layers();
        hasTanh = description.Hidden == Activation.Tanh;
        parameters = new PinnedBuffer(layers[^1].Offset + layers[^1].ParameterCount);
        gradients = new PinnedBuffer(parameters.Length);
        activations = new PinnedBuffer[layers.Length + 1];
        inputRows = outputSide = inputSide = new PinnedBuffer(0);
        nonZeros = new PinnedTable<ulong>[layers.Length];
        outputSideNonZeros = inputSideNonZeros = new PinnedTable<ulong>([]);
        scratch = Array.ConvertAll(new int[threads], _ => new PinnedBuffer(Kernels.ScratchLength));
        forward = new ForwardWork(this);
        backward = Array.ConvertAll(layers, layer => new BackwardWork(this, layer));
        if (description.Trunk is not null)
            trunk = new Trunk(description, Kernels, Workers, parameters, gradients);
        EnsureCapacity(1);
    }

    public NetworkDescription Description { get; }

    public Span<float> Parameters => parameters.Span;

    public Span<float> Gradients => gradients.Span;

    public KernelSet Kernels { get; }

    public WorkerPool Workers { get; }

    public void Initialize(Random random)
    {
        foreach (var layer in Description.Trunk?.Layers() ?? [])
        {
            // A filter's fan-in is what its window sees; its fan-out what is seen of it through windows.
            Draw(random, layer.Offset, layer.WeightCount, layer.Depth, layer.Kernel * layer.Kernel * layer.Filters);
            Parameters.Slice(layer.BiasOffset, layer.Filters).Clear();
        }

        foreach (var layer in layers)
        {
            Draw(random, layer.Offset, layer.WeightCount, layer.Inputs, layer.Outputs);
            Parameters.Slice(layer.BiasOffset, layer.Outputs).Clear();
        }
    }

    public Span<float> InputRows(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        EnsureCapacity(batch);
        return inputRows.Span[..(batch * Description.Inputs)];
    }

    public ReadOnlySpan<float> Forward(ReadOnlySpan<float> inputs, int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        RequireLength(inputs.Length, batch, Description.Inputs, nameof(inputs));
        EnsureCapacity(batch);
        lastBatch = batch;
        if (!Unsafe.AreSame(in MemoryMarshal.GetReference(inputs), in MemoryMarshal.GetReference<float>(inputRows.Span)))
            inputs.CopyTo(inputRows.Span);
        if (trunk is not null)
        {
            trunk.Forward(inputRows, activations[0], batch);
            CopyVectors(inputRows.Span, Description.Inputs, activations[0].Span, layers[0].Inputs);
        }

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
        var wantsInputs = (trunk is not null && !inputsOnly) || !inputGradients.IsEmpty;
        for (var i = layers.Length - 1; i >= 0; i--)
        {
            backward[i].Run(i, wantsInputs || i > 0, accumulate, inputsOnly);
            (outputSide, inputSide) = (inputSide, outputSide);
            (outputSideNonZeros, inputSideNonZeros) = (inputSideNonZeros, outputSideNonZeros);
        }

        if (!inputsOnly)
            trunk?.Backward(outputSide.Pointer, accumulate);
        if (inputGradients.IsEmpty)
            return;
        if (trunk is not null)
        {
            inputGradients.Clear();
            CopyVectors(outputSide.Span, layers[0].Inputs, inputGradients, Description.Inputs);
        }
        else
            outputSide.Span[..inputGradients.Length].CopyTo(inputGradients);
    }

    public void Dispose() => Workers.Dispose();

    private static void RequireLength(int length, int batch, int width, string name)
    {
        if (length != (long)batch * width)
            throw new ArgumentException($"{length} numbers are not {batch} rows of {width}", name);
    }

    private void Draw(Random random, int offset, int count, int inputs, int outputs)
    {
        if (Description.Initialization == Initialization.TruncatedNormal)
        {
            DrawNormals(random, Parameters.Slice(offset, count));
            return;
        }

        var limit = Math.Sqrt(6.0 / (Description.Initialization == Initialization.HeUniform ? inputs : inputs + outputs));
        foreach (ref var weight in Parameters.Slice(offset, count))
            weight = (float)((2 * random.NextDouble() - 1) * limit);
    }

    /// <summary>
    /// By Marsaglia's polar method, as <see cref="RandomStream.NextNormals"/>; what lies beyond two deviations is drawn again.
    /// </summary>
    private void DrawNormals(Random random, Span<float> weights)
    {
        for (var i = 0; i < weights.Length;)
        {
            float u = (float)(2 * random.NextDouble() - 1), v = (float)(2 * random.NextDouble() - 1);
            var s = u * u + v * v;
            if (s is >= 1 or 0)
                continue;
            var normal = u * MathF.Sqrt(-2 * VectorMath.Log(s) / s);
            if (Math.Abs(normal) <= 2)
                weights[i++] = (float)(normal * Description.Deviation);
        }
    }

    /// <summary>Copies what follows the images in each row: the last numbers of a row in either layout.</summary>
    private void CopyVectors(ReadOnlySpan<float> source, int sourceRow, Span<float> target, int targetRow)
    {
        var count = Description.VectorInputs;
        for (var row = 1; count > 0 && row <= lastBatch; row++)
            source.Slice(row * sourceRow - count, count).CopyTo(target[(row * targetRow - count)..]);
    }

    /// <summary>Words that hold a bit for each column of a row.</summary>
    private static int Words(int columns) => (columns + 63) / 64;

    private void EnsureCapacity(int rows)
    {
        if (rows <= capacity)
            return;
        var widest = layers[0].Inputs;
        inputRows = new PinnedBuffer(checked(rows * Description.Inputs));
        activations[0] = trunk is null ? inputRows : new PinnedBuffer(checked(rows * layers[0].Inputs));
        trunk?.Reserve(rows);
        for (var i = 0; i < layers.Length; i++)
        {
            activations[i + 1] = new PinnedBuffer(checked(rows * layers[i].Outputs));
            nonZeros[i] = new(new ulong[checked(rows * Words(layers[i].Inputs))]);
            widest = Math.Max(widest, layers[i].Outputs);
        }

        outputSide = new PinnedBuffer(checked(rows * widest));
        inputSide = new PinnedBuffer(checked(rows * widest));
        outputSideNonZeros = new(new ulong[rows * Words(widest)]);
        inputSideNonZeros = new(new ulong[rows * Words(widest)]);
        capacity = rows;
    }

    private sealed class ForwardWork(ManagedNetwork network) : IParallelWork
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
                var words = Words(layer.Inputs);
                var x = network.activations[i].Pointer + (nint)row * layer.Inputs;
                var known = network.nonZeros[i].Pointer + (nint)row * words;
                network.Kernels.NonZeros(x, layer.Inputs, rows, layer.Inputs, known, words);
                var product = new Product
                {
                    A = x,
                    ARow = layer.Inputs,
                    AStep = 1,
                    NonZeros = known,
                    NonZeroRow = words,
                    B = p + layer.Offset,
                    BStep = layer.Outputs,
                    C = network.activations[i + 1].Pointer + (nint)row * layer.Outputs,
                    CRow = layer.Outputs,
                    Rows = rows,
                    Columns = layer.Outputs,
                    Depth = layer.Inputs,
                    Bias = p + layer.BiasOffset,
                    Relu = i < network.layers.Length - 1 && !network.hasTanh,
                };
                network.Kernels.Multiply(product, network.scratch[worker].Pointer);
                if (network.hasTanh && i < network.layers.Length - 1)
                {
                    var outputs = network.activations[i + 1].Pointer + (nint)row * layer.Outputs;
                    network.Kernels.Tanh(outputs, outputs, rows * layer.Outputs);
                }
            }

            GC.KeepAlive(network);
        }
    }

    /// <summary>
    /// One layer backward, with x its inputs and dy the gradient of its outputs: dx = dy W^T, zero where the ReLU before gave
    /// zero, or times 1 - x^2 where x is a tanh; dW = x^T dy; db = the sum of dy over the rows. Pieces: blocks of dx, groups of rows of
    /// dW, and db.
    /// </summary>
    private sealed class BackwardWork(ManagedNetwork network, DenseLayer layer) : IParallelWork
    {
        // Whole words of what is known of zeros.
        private const int WeightRowsPerPiece = 64;
        private const int InputColumnsPerPiece = 128;

        private int number;
        private bool addsUp;
        private int panels;
        private int rowsPerPiece;
        private int inputPieces;

        /// <summary>x came out of a layer before.</summary>
        private bool IsHidden => number > 0;

        private PinnedBuffer X => network.activations[number];

        public void Run(int index, bool wantsInputGradients, bool accumulate, bool inputsOnly)
        {
            (number, addsUp) = (index, accumulate);
            panels = Pieces(layer.Inputs, InputColumnsPerPiece);
            rowsPerPiece = Math.Max(Pieces(network.lastBatch, Pieces(network.Workers.Threads, panels)), Math.Min(network.lastBatch, 64));
            inputPieces = wantsInputGradients ? panels * Pieces(network.lastBatch, rowsPerPiece) : 0;
            network.Workers.Run(this, inputPieces + (inputsOnly ? 0 : Pieces(layer.Inputs, WeightRowsPerPiece) + 1));
        }

        public void Do(int piece, int worker)
        {
            if (piece < inputPieces)
                InputGradients(piece % panels * InputColumnsPerPiece, piece / panels * rowsPerPiece, worker);
            else if (piece - inputPieces < Pieces(layer.Inputs, WeightRowsPerPiece))
                WeightGradients(piece - inputPieces, worker);
            else
                BiasGradients();
            GC.KeepAlive(network);
        }

        private static int Pieces(int count, int size) => (count + size - 1) / size;

        private void InputGradients(int column, int row, int worker)
        {
            var words = Words(layer.Outputs);
            var rows = Math.Min(rowsPerPiece, network.lastBatch - row);
            var columns = Math.Min(InputColumnsPerPiece, layer.Inputs - column);
            var place = (nint)row * layer.Inputs + column;
            float* x = X.Pointer + place, dx = network.inputSide.Pointer + place;
            var product = new Product
            {
                A = network.outputSide.Pointer + (nint)row * layer.Outputs,
                ARow = layer.Outputs,
                AStep = 1,
                NonZeros = number == network.layers.Length - 1 ? null : network.outputSideNonZeros.Pointer + (nint)row * words,
                NonZeroRow = words,
                B = network.parameters.Pointer + layer.Offset + (nint)column * layer.Outputs,
                BStep = layer.Outputs,
                C = dx,
                CRow = layer.Inputs,
                Rows = rows,
                Columns = columns,
                Depth = layer.Outputs,
                Mask = IsHidden && !network.hasTanh ? x : null,
            };
            network.Kernels.MultiplyTransposed(product, network.scratch[worker].Pointer);
            if (!IsHidden)
                return;
            if (network.hasTanh)
                network.Kernels.TanhSlopes(dx, x, layer.Inputs, rows, columns);
            words = Words(layer.Inputs);
            network.Kernels.NonZeros(
                dx, layer.Inputs, rows, columns, network.inputSideNonZeros.Pointer + (nint)row * words + column / 64, words);
        }

        private void WeightGradients(int group, int worker)
        {
            var row = group * WeightRowsPerPiece;
            var product = new Product
            {
                A = X.Pointer + row,
                ARow = 1,
                AStep = layer.Inputs,
                NonZeros = network.nonZeros[number].Pointer + row / 64,
                NonZeroRow = Words(layer.Inputs),
                B = network.outputSide.Pointer,
                BStep = layer.Outputs,
                C = network.gradients.Pointer + layer.Offset + (nint)row * layer.Outputs,
                CRow = layer.Outputs,
                Rows = Math.Min(WeightRowsPerPiece, layer.Inputs - row),
                Columns = layer.Outputs,
                Depth = network.lastBatch,
                Accumulate = addsUp,
            };
            network.Kernels.SumOuterProducts(product, network.scratch[worker].Pointer);
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
