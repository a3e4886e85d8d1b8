using Hem.Trainer.Networks.Kernels;

namespace Hem.Trainer.Networks;

/// <summary>
/// The convolutional trunk of a network. A few images at a time go through all layers, forward and back, so that what is between the layers
/// stays in the second cache. Threads share out the rows, except for the sums over the batch: there they share out the weights.
/// </summary>
internal sealed unsafe class Trunk
{
    private const int ImagesAtOnce = 2;

    // What the threads take together between two meetings.
    private const int ImagesPerChunk = 16;

    private readonly NetworkDescription description;
    private readonly ConvolutionalTrunk shape;
    private readonly ConvolutionalLayer[] layers;
    private readonly Convolution[] convolutions;
    private readonly Minimal?[] minimal;
    private readonly KernelSet kernels;
    private readonly WorkerPool workers;
    private readonly PinnedBuffer parameters;
    private readonly PinnedBuffer gradients;
    private readonly PinnedBuffer[] transposed;
    private readonly PinnedBuffer[] slopes;
    private readonly PinnedBuffer[] planes;
    private readonly Planes[] geometry;
    private readonly int groupRows;
    private readonly int chunkRows;
    private readonly int weightsPerPiece;
    private readonly ForwardWork forward;
    private readonly InputGradientWork inputGradients;
    private readonly WeightGradientWork weightGradients;

    private PinnedBuffer inputs = new(0);
    private PinnedBuffer features = new(0);
    private float* featureGradients;
    private int rows;

    public Trunk(
        NetworkDescription description, KernelSet kernels, WorkerPool workers, PinnedBuffer parameters, PinnedBuffer gradients)
    {
        (this.description, this.kernels, this.workers) = (description, kernels, workers);
        (this.parameters, this.gradients) = (parameters, gradients);
        shape = description.Trunk!;
        layers = shape.Layers();
        groupRows = Math.Max(1, ImagesAtOnce / shape.Images);
        chunkRows = workers.Threads == 1 ? groupRows : Math.Max(1, ImagesPerChunk / shape.Images / groupRows) * groupRows;
        weightsPerPiece = workers.Threads == 1 ? int.MaxValue : 96;
        var last = layers[^1];
        geometry =
        [
            .. layers.Select(layer => new Planes(
                shape.Images * layer.PaddedFloats, layer.PaddedFloats, layer.PaddedSize, layer.Channels)),
            new Planes(description.Layers()[0].Inputs, last.OutputFloats, last.OutputSize, last.Filters),
        ];
        if (!CopiesInputs)
            geometry[0] = geometry[0] with { RowFloats = description.Inputs };
        convolutions = [.. layers.Select((layer, i) => new Convolution(
            layer, kernels, shape.Images, groupRows, geometry[i], geometry[i + 1]))];
        minimal = [.. layers.Select((layer, i) => !MinimalConvolution.Suits(layer) ? null : new Minimal(
            new(layer, kernels, shape.Images, groupRows, geometry[i + 1]), workers.Threads))];
        transposed = [.. layers.Select((layer, i) => new PinnedBuffer(i == 0 ? 0 : layer.WeightCount))];
        slopes = [.. layers.Select(layer => new PinnedBuffer(chunkRows * shape.Images * layer.OutputFloats))];
        planes = Array.ConvertAll(layers, _ => new PinnedBuffer(0));
        forward = new ForwardWork(this);
        inputGradients = new InputGradientWork(this);
        weightGradients = new WeightGradientWork(this);
    }

    /// <summary>Padding makes the images larger than they are in a row of the input.</summary>
    private bool CopiesInputs => layers[0].PaddedSize != layers[0].InputSize;

    /// <summary>Makes room for so many rows.</summary>
    public void Reserve(int capacity)
    {
        for (var i = CopiesInputs ? 0 : 1; i < layers.Length; i++)
            planes[i] = new PinnedBuffer(checked(capacity * geometry[i].RowFloats));
    }

    /// <summary>From rows of inputs [batch, Inputs] to the features at the start of rows of the dense layers.</summary>
    public void Forward(PinnedBuffer inputRows, PinnedBuffer denseRows, int batch)
    {
        (inputs, features, rows) = (inputRows, denseRows, batch);
        for (var i = 0; i < layers.Length; i++)
            minimal[i]?.Convolution.Spread(parameters.Pointer + layers[i].Offset, minimal[i]!.Weights.Pointer);
        forward.Run();
    }

    /// <summary>From the gradients of the dense layers' inputs to those of the trunk's parameters.</summary>
    public void Backward(float* denseGradients, bool accumulate)
    {
        featureGradients = denseGradients;
        for (var i = 1; i < layers.Length; i++)
        {
            convolutions[i].Transpose(parameters.Pointer, transposed[i].Pointer);
            minimal[i]?.Convolution.Spread(transposed[i].Pointer, minimal[i]!.Transposed.Pointer);
        }

        for (var row = 0; row < rows; row += chunkRows)
        {
            var chunk = Math.Min(chunkRows, rows - row);
            inputGradients.Run(row, chunk);
            weightGradients.Run(row, chunk, accumulate || row > 0);
        }

        GC.KeepAlive(this);
    }

    private static int Pieces(int count, int size) => (count + size - 1) / size;

    /// <summary>Where a row of what goes into a layer, or of the features, starts.</summary>
    private float* Row(int layer, int row)
    {
        var buffer = layer == layers.Length ? features : layer == 0 && !CopiesInputs ? inputs : planes[layer];
        return buffer.Pointer + (nint)row * geometry[layer].RowFloats;
    }

    /// <summary>Where a row of a chunk of the gradients of a layer's outputs starts.</summary>
    private float* Slope(int layer, int row) => slopes[layer].Pointer + row * shape.Images * layers[layer].OutputFloats;

    /// <summary>The inputs of a layer for the rows from one on: of as many rows as a group has, or as there are.</summary>
    private Upcoming Group(int layer, int row, int end) =>
        row >= end ? default : new Upcoming(Row(layer, row), (long)Math.Min(groupRows, end - row) * geometry[layer].RowFloats);

    /// <summary>A layer that is computed so, its weights made for that, and the memory that each thread needs.</summary>
    private sealed class Minimal(MinimalConvolution convolution, int threads)
    {
        public MinimalConvolution Convolution { get; } = convolution;

        public PinnedBuffer Weights { get; } = new(convolution.WeightFloats);

        public PinnedBuffer Transposed { get; } = new(convolution.WeightFloats);

        public PinnedBuffer[] Scratch { get; } = Array.ConvertAll(new int[threads], _ => new PinnedBuffer(convolution.ScratchFloats));
    }

    private sealed class ForwardWork(Trunk trunk) : IParallelWork
    {
        private int rowsPerPiece;

        public void Run()
        {
            var groups = Pieces(trunk.rows, trunk.groupRows);
            rowsPerPiece = Pieces(groups, trunk.workers.Threads == 1 ? 1 : 4 * trunk.workers.Threads) * trunk.groupRows;
            trunk.workers.Run(this, Pieces(trunk.rows, rowsPerPiece));
        }

        public void Do(int piece, int worker)
        {
            var end = Math.Min((piece + 1) * rowsPerPiece, trunk.rows);
            for (var first = piece * rowsPerPiece; first < end; first += trunk.groupRows)
                Do(first, Math.Min(trunk.groupRows, end - first), end, worker);
            GC.KeepAlive(trunk);
        }

        private void Do(int first, int rows, int end, int worker)
        {
            if (trunk.CopiesInputs)
                CopyInputs(first, rows);
            for (var i = 0; i < trunk.layers.Length; i++)
            {
                // Outputs go to where the next layer's inputs are, past its padding, which stays zero.
                var inner = i + 1 < trunk.layers.Length ? trunk.layers[i + 1].PadBefore : 0;
                var y = trunk.Row(i + 1, first) + trunk.geometry[i + 1].Offset(0, 0, inner, inner);
                if (trunk.minimal[i] is { } minimal)
                {
                    minimal.Convolution.Forward(
                        trunk.Row(i, first), y, minimal.Weights.Pointer, trunk.parameters.Pointer + trunk.layers[i].BiasOffset, rows,
                        minimal.Scratch[worker].Pointer);
                    continue;
                }

                var next = i == 0 ? trunk.Group(0, first + trunk.groupRows, end) : default;
                trunk.convolutions[i].Forward(trunk.Row(i, first), y, trunk.parameters.Pointer, rows, next);
            }
        }

        private void CopyInputs(int first, int rows)
        {
            var layer = trunk.layers[0];
            var line = layer.InputSize * layer.Channels;
            for (var image = 0; image < rows * trunk.shape.Images; image++)
            {
                var (row, inRow) = (first + image / trunk.shape.Images, image % trunk.shape.Images);
                var source = trunk.inputs.Pointer + (nint)row * trunk.description.Inputs + inRow * layer.InputFloats;
                var target = trunk.Row(0, row) + trunk.geometry[0].Offset(0, inRow, layer.PadBefore, layer.PadBefore);
                for (var y = 0; y < layer.InputSize; y++, source += line, target += layer.PaddedSize * layer.Channels)
                    new ReadOnlySpan<float>(source, line).CopyTo(new Span<float>(target, line));
            }
        }
    }

    /// <summary>The gradients of all layers' outputs, for some rows of a chunk.</summary>
    private sealed class InputGradientWork(Trunk trunk) : IParallelWork
    {
        private int first;
        private int count;

        public void Run(int firstRow, int rowCount)
        {
            (first, count) = (firstRow, rowCount);
            trunk.workers.Run(this, Pieces(count, trunk.groupRows));
        }

        public void Do(int piece, int worker)
        {
            var start = piece * trunk.groupRows;
            var rows = Math.Min(trunk.groupRows, count - start);
            var last = trunk.layers.Length - 1;
            var width = trunk.shape.Images * trunk.layers[last].OutputFloats;
            for (var row = start; row < start + rows; row++)
            {
                var offset = (nint)(first + row) * trunk.geometry[last + 1].RowFloats;
                trunk.kernels.Mask(
                    trunk.featureGradients + offset, trunk.features.Pointer + offset, trunk.Slope(last, row), width);
            }

            for (var i = last; i > 0; i--)
            {
                float* dy = trunk.Slope(i, start), x = trunk.Row(i, first + start), dx = trunk.Slope(i - 1, start);
                var next = trunk.Group(i - 1, first + start, first + count);
                if (trunk.minimal[i] is { } minimal)
                {
                    minimal.Convolution.InputGradients(
                        dy, minimal.Transposed.Pointer, x, dx, rows, minimal.Scratch[worker].Pointer, next);
                }
                else
                    trunk.convolutions[i].InputGradients(dy, trunk.transposed[i].Pointer, x, dx, rows, next);
            }

            GC.KeepAlive(trunk);
        }
    }

    /// <summary>The gradients of some of a layer's weights, over all rows of a chunk in their order.</summary>
    private sealed class WeightGradientWork(Trunk trunk) : IParallelWork
    {
        private readonly (int Layer, int First, int Count)[] pieces =
        [
            .. trunk.layers.SelectMany((layer, i) =>
                from first in Enumerable.Range(0, Pieces(layer.Depth, Math.Min(layer.Depth, trunk.weightsPerPiece)))
                select (i, first * trunk.weightsPerPiece, Math.Min(trunk.weightsPerPiece, layer.Depth - first * trunk.weightsPerPiece))),
        ];

        private int firstRow;
        private int count;
        private bool addsUp;

        public void Run(int row, int rowCount, bool accumulate)
        {
            (firstRow, count, addsUp) = (row, rowCount, accumulate);
            trunk.workers.Run(this, pieces.Length);
        }

        public void Do(int piece, int worker)
        {
            var (layer, first, weights) = pieces[piece];
            var convolution = trunk.convolutions[layer];
            var gradients = trunk.gradients.Pointer;
            for (var start = 0; start < count; start += trunk.groupRows)
            {
                var rows = Math.Min(trunk.groupRows, count - start);
                var slope = trunk.Slope(layer, start);
                var accumulate = addsUp || start > 0;
                var next = start + rows < count ? trunk.Group(layer, firstRow + start + rows, firstRow + count)
                    : layer == trunk.layers.Length - 1 ? trunk.Group(layer, firstRow + count, trunk.rows) : default;
                convolution.WeightGradients(
                    trunk.Row(layer, firstRow + start), slope, gradients, rows, first, weights, accumulate, next);
                if (first == 0)
                    convolution.BiasGradients(slope, gradients, rows, accumulate);
            }

            GC.KeepAlive(trunk);
        }
    }
}
