using Hem.Trainer.Networks.Kernels;

namespace Hem.Trainer.Networks;

/// <summary>
/// One convolution over a few rows of the batch at once: tables of where its windows and outputs lie, and the kernels on them. No window
/// is copied. An instance holds no numbers of a batch: several threads may use it.
/// </summary>
internal sealed unsafe class Convolution
{
    private readonly ConvolutionalLayer layer;
    private readonly KernelSet kernels;
    private readonly int windowsPerRow;
    private readonly PinnedTable<int> windows;
    private readonly PinnedTable<int> outputs;
    private readonly PinnedTable<int> windowRows;
    private readonly PinnedTable<Segment> segments;
    private readonly InputClass[] inputClasses;
    private readonly long productsPerRow;

    /// <param name="layer">The layer.</param>
    /// <param name="kernels">What computes.</param>
    /// <param name="images">Images in a row.</param>
    /// <param name="rows">The most rows of one call.</param>
    /// <param name="input">How the padded inputs lie.</param>
    /// <param name="output">How the outputs lie, less the padding of the layer after.</param>
    public Convolution(ConvolutionalLayer layer, KernelSet kernels, int images, int rows, Planes input, Planes output)
    {
        (this.layer, this.kernels) = (layer, kernels);
        windowsPerRow = images * layer.OutputPixels;
        var all = Each(rows, images, layer.OutputSize).ToArray();
        windows = new(all.Select(at => input.Offset(at.Row, at.Image, at.Y * layer.Stride, at.X * layer.Stride)));
        outputs = new(all.Select(at => output.Offset(at.Row, at.Image, at.Y, at.X)));
        windowRows = new(Enumerable.Range(0, layer.Depth).Select(k =>
            k / (layer.Kernel * layer.Channels) * layer.PaddedSize * layer.Channels + k % (layer.Kernel * layer.Channels)));
        segments = new(Enumerable.Range(0, layer.Kernel).Select(y =>
            new Segment(y * layer.PaddedSize * layer.Channels, y * layer.Kernel * layer.Channels * layer.Filters)));
        inputClasses = InputClass.Of(layer, images, rows, input);
        productsPerRow = inputClasses.Sum(inputs => (long)inputs.PerRow * inputs.Places.Length);
    }

    /// <summary>y = relu(x W + b) for so many rows.</summary>
    /// <param name="x">The first row's inputs.</param>
    /// <param name="y">The first row's outputs.</param>
    /// <param name="parameters">The network's.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="next">What will be read after.</param>
    public void Forward(float* x, float* y, float* parameters, int rows, Upcoming next = default)
    {
        kernels.MultiplyWindows(new WindowProduct
        {
            A = x,
            AOffsets = windows.Pointer,
            Segments = segments.Pointer,
            SegmentCount = layer.Kernel,
            Depth = layer.Kernel * layer.Channels,
            B = parameters + layer.Offset,
            BStep = layer.Filters,
            BPanel = kernels.PanelColumns,
            C = y,
            COffsets = outputs.Pointer,
            Rows = rows * windowsPerRow,
            Columns = layer.Filters,
            Bias = parameters + layer.BiasOffset,
            Relu = true,
            Next = next,
        });
        GC.KeepAlive(this);
    }

    /// <summary>The weights as <see cref="InputGradients"/> wants them: for each place in the window, filters by channels.</summary>
    public void Transpose(float* parameters, float* target)
    {
        var place = layer.Channels * layer.Filters;
        for (var i = 0; i < layer.Kernel * layer.Kernel; i++)
        {
            kernels.Transpose(
                parameters + layer.Offset + i * place, layer.Filters, layer.Channels, layer.Filters, target + i * place);
        }
    }

    /// <summary>
    /// dx = the sum over the windows that an input lies in of dy W^T, zero where the input, an output of the layer before, was cut off by
    /// ReLU.
    /// </summary>
    /// <param name="dy">[rows, images, output pixels, filters].</param>
    /// <param name="transposed">By <see cref="Transpose"/>.</param>
    /// <param name="x">The first row's inputs.</param>
    /// <param name="dx">[rows, images, input pixels, channels], without padding.</param>
    /// <param name="rows">Rows.</param>
    public void InputGradients(float* dy, float* transposed, float* x, float* dx, int rows, Upcoming next = default)
    {
        long done = 0;
        foreach (var inputs in inputClasses)
        {
            var share = next.Count * inputs.PerRow * inputs.Places.Length / Math.Max(1, productsPerRow);
            kernels.MultiplyWindows(new WindowProduct
            {
                A = dy,
                AOffsets = inputs.Gradients.Pointer,
                Segments = inputs.Places.Pointer,
                SegmentCount = inputs.Places.Length,
                Depth = layer.Filters,
                B = transposed,
                BStep = kernels.PanelColumns,
                BPanel = layer.Filters * kernels.PanelColumns,
                C = dx,
                COffsets = inputs.Targets.Pointer,
                Rows = rows * inputs.PerRow,
                Columns = layer.Channels,
                Mask = x,
                MaskOffsets = inputs.Inputs.Pointer,
                Next = new Upcoming(next.Start + done, share),
            });
            done += share;
        }

        GC.KeepAlive(this);
    }

    /// <summary>Some rows of dW = the sum over windows of x^T dy.</summary>
    public void WeightGradients(
        float* x, float* dy, float* gradients, int rows, int firstWeight, int weights, bool accumulate, Upcoming next = default)
    {
        kernels.SumWindows(new WindowSums
        {
            A = x,
            AOffsets = windows.Pointer,
            RowOffsets = windowRows.Pointer + firstWeight,
            B = dy,
            BStep = layer.Filters,
            C = gradients + layer.Offset + firstWeight * layer.Filters,
            CRow = layer.Filters,
            Rows = weights,
            Columns = layer.Filters,
            Windows = rows * windowsPerRow,
            Accumulate = accumulate,
            Next = next,
        });
        GC.KeepAlive(this);
    }

    /// <summary>db = the sum of dy over windows.</summary>
    public void BiasGradients(float* dy, float* gradients, int rows, bool accumulate) => kernels.SumRows(
        dy, layer.Filters, rows * windowsPerRow, layer.Filters, gradients + layer.BiasOffset, accumulate);

    private static IEnumerable<(int Row, int Image, int Y, int X)> Each(int rows, int images, int size) =>
        from row in Enumerable.Range(0, rows)
        from image in Enumerable.Range(0, images)
        from y in Enumerable.Range(0, size)
        from x in Enumerable.Range(0, size)
        select (row, image, y, x);

    /// <summary>
    /// Inputs that lie alike in the windows around them: in as many, at the same places, which are neighbours in the same way. One product
    /// gives the gradients of all of them.
    /// </summary>
    private sealed record InputClass(
        int PerRow, PinnedTable<int> Gradients, PinnedTable<int> Targets, PinnedTable<int> Inputs, PinnedTable<Segment> Places)
    {
        public static InputClass[] Of(ConvolutionalLayer layer, int images, int rows, Planes input)
        {
            var compactInput = new Planes(images * layer.InputFloats, layer.InputFloats, layer.InputSize, layer.Channels);
            var compactOutput = new Planes(images * layer.OutputFloats, layer.OutputFloats, layer.OutputSize, layer.Filters);
            var classes =
                from at in Each(1, 1, layer.InputSize)
                let windows = Windows(layer, at.Y, at.X).ToArray()
                let first = windows.Length == 0 ? 0 : windows[0].Output
                group (at.Y, at.X, First: first)
                    by string.Join(' ', windows.Select(window => $"{window.Output - first},{window.Place}")) into alike
                select alike;
            return [.. classes.Select(alike =>
            {
                var sample = alike.First();
                var all = (
                    from row in Enumerable.Range(0, rows)
                    from image in Enumerable.Range(0, images)
                    from at in alike
                    select (Row: row, Image: image, at.Y, at.X, at.First)).ToArray();
                return new InputClass(
                    images * alike.Count(),
                    new(all.Select(at => compactOutput.Offset(at.Row, at.Image, 0, 0) + at.First * layer.Filters)),
                    new(all.Select(at => compactInput.Offset(at.Row, at.Image, at.Y, at.X))),
                    new(all.Select(at => input.Offset(at.Row, at.Image, at.Y + layer.PadBefore, at.X + layer.PadBefore))),
                    new(Windows(layer, sample.Y, sample.X).Select(window => new Segment(
                        (window.Output - sample.First) * layer.Filters, window.Place * layer.Channels * layer.Filters))));
            })];
        }

        /// <summary>The windows that an input lies in, and its place in each, in the order of the places.</summary>
        private static IEnumerable<(int Output, int Place)> Windows(ConvolutionalLayer layer, int inputY, int inputX)
        {
            for (var place = 0; place < layer.Kernel * layer.Kernel; place++)
            {
                var y = inputY + layer.PadBefore - place / layer.Kernel;
                var x = inputX + layer.PadBefore - place % layer.Kernel;
                if (y >= 0 && x >= 0 && y % layer.Stride == 0 && x % layer.Stride == 0
                    && y / layer.Stride < layer.OutputSize && x / layer.Stride < layer.OutputSize)
                    yield return (y / layer.Stride * layer.OutputSize + x / layer.Stride, place);
            }
        }
    }
}

/// <summary>How the pixels of the images of a batch lie.</summary>
/// <param name="RowFloats">From a row of the batch to the next.</param>
/// <param name="ImageFloats">From an image of a row to the next.</param>
/// <param name="Width">Pixels in a line of an image.</param>
/// <param name="Channels">Floats of a pixel.</param>
internal readonly record struct Planes(int RowFloats, int ImageFloats, int Width, int Channels)
{
    public int Offset(int row, int image, int y, int x) => checked(row * RowFloats + image * ImageFloats + (y * Width + x) * Channels);
}
