using Hem.Trainer.Networks;

namespace Hem.Trainer.Torch;

/// <summary>
/// A network in libtorch. Its gradients are autograd's. Parameters, gradients and moments are where libtorch computes; the spans show a
/// copy, fetched when asked for and taken over before the next call, so that they serve checkpoints and targets, not inner loops. Results
/// depend on the device, and on a GPU may differ between runs in their last bits.
/// </summary>
internal sealed unsafe class TorchNetwork : INetwork, IHasAdam
{
    private readonly HemTorchLibrary library = HemTorchLibrary.Get();
    private readonly Mirror[] mirrors;
    private nint handle;
    private PinnedBuffer inputRows = new(0);
    private PinnedBuffer outputs = new(0);
    private int lastBatch;

    public TorchNetwork(NetworkDescription description, string device)
    {
        Description = description;
        var dense = description.Layers();
        TorchConvolution[] convolutions = [.. (description.Trunk?.Layers() ?? []).Select(layer => new TorchConvolution(
            layer.Channels, layer.Filters, layer.Kernel, layer.Stride, layer.PadBefore, layer.PadAfter))];
        long[] widths = [dense[0].Inputs, .. dense.Select(layer => (long)layer.Outputs)];
        fixed (TorchConvolution* convolution = convolutions)
        fixed (long* width = widths)
        fixed (nint* created = &handle)
        {
            var shape = new TorchShape
            {
                Inputs = description.Inputs,
                Images = description.Trunk?.Images ?? 0,
                ImageSize = description.Trunk?.ImageSize ?? 0,
                ConvolutionCount = convolutions.Length,
                WidthCount = widths.Length,
                HiddenTanh = description.Hidden == Activation.Tanh ? 1 : 0,
                Convolutions = convolution,
                Widths = width,
            };
            library.Check(library.Create(&shape, device == "cpu" ? 0 : 1, created));
        }

        var count = checked((int)library.ParameterCount(handle));
        mirrors = [.. Enumerable.Range(0, 4).Select(which => new Mirror(this, which, count))];
    }

    ~TorchNetwork() => Release();

    public NetworkDescription Description { get; }

    public Span<float> Parameters => mirrors[0].Span;

    public Span<float> Gradients => mirrors[1].Span;

    public Span<float> FirstMoments => mirrors[2].Span;

    public Span<float> SecondMoments => mirrors[3].Span;

    public Span<float> InputRows(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        var numbers = checked(batch * Description.Inputs);
        if (inputRows.Length < numbers)
            inputRows = new PinnedBuffer(numbers);
        return inputRows.Span[..numbers];
    }

    public ReadOnlySpan<float> Forward(ReadOnlySpan<float> inputs, int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        RequireLength(inputs.Length, batch, Description.Inputs, nameof(inputs));
        TakeOver();
        if (outputs.Length < batch * Description.Outputs)
            outputs = new PinnedBuffer(checked(batch * Description.Outputs));
        lastBatch = batch;
        fixed (float* rows = inputs)
            library.Check(library.Forward(handle, rows, batch, 1, outputs.Pointer));
        return outputs.Span[..(batch * Description.Outputs)];
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
        if (inputsOnly && inputGradients.IsEmpty)
            return;
        if (accumulate)
            mirrors[1].TakeOver();
        fixed (float* slopes = outputGradients, inputSlopes = inputGradients)
            library.Check(library.Backward(handle, slopes, batch, inputsOnly ? 0 : 1, accumulate ? 1 : 0, inputSlopes));
        if (!inputsOnly)
            mirrors[1].Renewed();
    }

    public void AdamStep(double rate, double beta1, double beta2, double epsilon)
    {
        TakeOver();
        library.Check(library.Adam(handle, rate, beta1, beta2, epsilon));
        Stepped();
    }

    /// <summary>
    /// Captures a whole step: forward, softmax cross-entropy, backward, Adam, on batches of this size. On a GPU it becomes a CUDA graph; on
    /// the processor replaying it takes the same way through the same buffers.
    /// </summary>
    /// <exception cref="InvalidOperationException">libtorch cannot.</exception>
    public void CaptureStep(int batch, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    {
        TakeOver();
        library.Check(library.Capture(handle, batch, beta1, beta2, epsilon));
    }

    /// <summary>Takes the captured step and returns the loss before it.</summary>
    /// <param name="inputs">[batch, Inputs].</param>
    /// <param name="actions">[batch].</param>
    /// <param name="rate">Adam's, with the corrections of both biases.</param>
    public float ReplayStep(ReadOnlySpan<float> inputs, ReadOnlySpan<long> actions, double rate)
    {
        RequireLength(inputs.Length, actions.Length, Description.Inputs, nameof(inputs));
        TakeOver();
        float loss;
        fixed (float* rows = inputs)
        fixed (long* taken = actions)
            library.Check(library.Replay(handle, rows, taken, actions.Length, rate, &loss));
        mirrors[1].Renewed();
        Stepped();
        return loss;
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private static void RequireLength(int length, int batch, int width, string name)
    {
        if (length != (long)batch * width)
            throw new ArgumentException($"{length} numbers are not {batch} rows of {width}", name);
    }

    /// <summary>What was perhaps written into the copies counts from now on.</summary>
    private void TakeOver()
    {
        ObjectDisposedException.ThrowIf(handle == 0, this);
        foreach (var mirror in mirrors)
            mirror.TakeOver();
    }

    private void Stepped()
    {
        mirrors[0].Renewed();
        mirrors[2].Renewed();
        mirrors[3].Renewed();
    }

    private void Release()
    {
        if (handle != 0)
            library.Dispose(handle);
        handle = 0;
    }

    /// <summary>A copy of some numbers of libtorch's.</summary>
    private sealed class Mirror(TorchNetwork network, int which, int count)
    {
        private readonly PinnedBuffer buffer = new(count);
        private bool fresh;
        private bool shown;

        /// <summary>The numbers as they are; whoever has the span may write it until the network's next call.</summary>
        public Span<float> Span
        {
            get
            {
                ObjectDisposedException.ThrowIf(network.handle == 0, network);
                if (!fresh)
                    Copy(toHost: true);
                shown = true;
                return buffer.Span;
            }
        }

        /// <summary>Those of libtorch's have changed.</summary>
        public void Renewed() => (fresh, shown) = (false, false);

        public void TakeOver()
        {
            if (shown)
                Copy(toHost: false);
            shown = false;
        }

        private void Copy(bool toHost)
        {
            network.library.Check(network.library.Copy(network.handle, which, toHost ? 1 : 0, buffer.Pointer));
            fresh = true;
        }
    }
}
