using Hem.Trainer.Networks.Kernels;

namespace Hem.Trainer.Networks;

/// <summary>
/// A convolution of 4 x 4 in steps of 2 by Winograd's minimal filtering, F(3 x 3, 2 x 2). Seen by the parity of rows and columns it is one
/// of 2 x 2 in steps of 1 over four times the channels; 3 x 3 of its outputs take 16 products of channels by filters instead of 36. The
/// sums around the products (by the points 0, 1, -1 and infinity) are of two or three neighbours, so that as many digits hold as in the
/// plain sum. The outputs must make whole tiles. An instance holds no numbers of a batch: several threads may use it, each with scratch of
/// its own.
/// </summary>
internal sealed unsafe class MinimalConvolution
{
    private const int Points = 16;
    private const int TileSize = 3;

    private readonly ConvolutionalLayer layer;
    private readonly KernelSet kernels;
    private readonly int images;
    private readonly Planes output;
    private readonly int tilesPerImage;
    private readonly int depth;
    private readonly PinnedTable<int> wide;
    private readonly PinnedTable<int> narrow;
    private readonly PinnedTable<Segment> segment = new([default]);

    /// <param name="layer">One that <see cref="Suits"/>.</param>
    /// <param name="kernels">What computes.</param>
    /// <param name="images">Images in a row.</param>
    /// <param name="rows">The most rows of one call.</param>
    /// <param name="output">How the outputs lie, less the padding of the layer after.</param>
    public MinimalConvolution(ConvolutionalLayer layer, KernelSet kernels, int images, int rows, Planes output)
    {
        (this.layer, this.kernels, this.images, this.output) = (layer, kernels, images, output);
        tilesPerImage = layer.OutputPixels / (TileSize * TileSize);
        depth = 4 * layer.Channels;
        var tiles = rows * images * tilesPerImage;
        wide = new(Enumerable.Range(0, tiles).Select(tile => tile * depth));
        narrow = new(Enumerable.Range(0, tiles).Select(tile => tile * layer.Filters));
        WeightFloats = Points * depth * layer.Filters;
        ScratchFloats = Points * tiles * (depth + layer.Filters);
    }

    /// <summary>Floats of weights as <see cref="Forward"/> and <see cref="InputGradients"/> want them.</summary>
    public int WeightFloats { get; }

    /// <summary>Floats of memory that a call needs for itself.</summary>
    public int ScratchFloats { get; }

    /// <summary>Whether a layer can be computed so, and has enough tiles for it to pay.</summary>
    public static bool Suits(ConvolutionalLayer layer) =>
        layer is { Kernel: 4, Stride: 2, PadBefore: 0, PadAfter: 0, OutputSize: > TileSize } && layer.OutputSize % TileSize == 0;

    /// <summary>
    /// The weights for <see cref="Forward"/>, or from transposed ones (<see cref="Convolution.Transpose"/>) for the way back.
    /// </summary>
    public void Spread(float* weights, float* target) => kernels.SpreadWeights(weights, layer.Channels * layer.Filters, target);

    /// <summary>y = relu(x W + b) for so many rows.</summary>
    public void Forward(float* x, float* y, float* weights, float* bias, int rows, float* scratch)
    {
        var tiles = rows * images * tilesPerImage;
        var (line, pixel) = ((nint)layer.InputSize * layer.Channels, 2 * layer.Channels);
        var target = scratch;
        for (var image = 0; image < rows * images; image++)
        {
            foreach (var (tileY, tileX) in new Tiles(layer.OutputSize))
            {
                var source = x + image * layer.InputFloats + 2 * tileY * line + tileX * pixel;
                kernels.SpreadInputs(source, 2 * line, pixel, target, (nint)tiles * depth);
                kernels.SpreadInputs(source + line, 2 * line, pixel, target + pixel, (nint)tiles * depth);
                target += depth;
            }
        }

        var products = scratch + Points * tiles * depth;
        Multiply(scratch, wide, depth, weights, layer.Filters, kernels.PanelColumns, products, narrow, layer.Filters, tiles, default);
        for (var image = 0; image < rows * images; image++)
        {
            foreach (var (tileY, tileX) in new Tiles(layer.OutputSize))
            {
                kernels.GatherOutputs(
                    products, (nint)tiles * layer.Filters, bias, layer.Filters,
                    y + output.Offset(image / images, image % images, tileY, tileX), (nint)output.Width * layer.Filters);
                products += layer.Filters;
            }
        }

        GC.KeepAlive(this);
    }

    /// <summary>As <see cref="Convolution.InputGradients"/>.</summary>
    public void InputGradients(float* dy, float* weights, float* x, float* dx, int rows, float* scratch, Upcoming next)
    {
        var tiles = rows * images * tilesPerImage;
        var (line, pixel) = ((nint)layer.InputSize * layer.Channels, 2 * layer.Channels);
        var target = scratch;
        for (var image = 0; image < rows * images; image++)
        {
            foreach (var (tileY, tileX) in new Tiles(layer.OutputSize))
            {
                var source = dy + image * layer.OutputFloats + (tileY * layer.OutputSize + tileX) * layer.Filters;
                kernels.SpreadGradients(
                    source, (nint)layer.OutputSize * layer.Filters, layer.Filters, target, (nint)tiles * layer.Filters);
                target += layer.Filters;
            }
        }

        var products = scratch + Points * tiles * layer.Filters;
        Multiply(
            scratch, narrow, layer.Filters, weights, kernels.PanelColumns, layer.Filters * kernels.PanelColumns, products, wide, depth,
            tiles, next);
        var count = rows * images * layer.InputFloats;
        new Span<float>(dx, count).Clear();
        for (var image = 0; image < rows * images; image++)
        {
            foreach (var (tileY, tileX) in new Tiles(layer.OutputSize))
            {
                var into = dx + image * layer.InputFloats + 2 * tileY * line + tileX * pixel;
                kernels.AddInputGradients(products, (nint)tiles * depth, pixel, into, 2 * line);
                kernels.AddInputGradients(products + pixel, (nint)tiles * depth, pixel, into + line, 2 * line);
                products += depth;
            }
        }

        kernels.Mask(dx, x, dx, count);
        GC.KeepAlive(this);
    }

    /// <summary>The products of all points, each of [tiles, deep] by [deep, columns].</summary>
    private void Multiply(
        float* a, PinnedTable<int> aOffsets, int deep, float* b, nint bStep, nint bPanel, float* c, PinnedTable<int> cOffsets, int columns,
        int tiles, Upcoming next)
    {
        var share = next.Count / Points;
        for (var point = 0; point < Points; point++)
        {
            kernels.MultiplyWindows(new WindowProduct
            {
                A = a + (nint)point * tiles * deep,
                AOffsets = aOffsets.Pointer,
                Segments = segment.Pointer,
                SegmentCount = 1,
                Depth = deep,
                B = b + (nint)point * deep * columns,
                BStep = bStep,
                BPanel = bPanel,
                C = c + (nint)point * tiles * columns,
                COffsets = cOffsets.Pointer,
                Rows = tiles,
                Columns = columns,
                Next = new Upcoming(next.Start + point * share, share),
            });
        }
    }

    /// <summary>The first outputs of an image's tiles, row by row.</summary>
    private ref struct Tiles(int size)
    {
        private int y;
        private int x = -TileSize;

        public readonly (int Y, int X) Current => (y, x);

        public readonly Tiles GetEnumerator() => this;

        public bool MoveNext()
        {
            x += TileSize;
            if (x == size)
                (y, x) = (y + TileSize, 0);
            return y < size;
        }
    }
}
