namespace Hem.Trainer.Networks;

/// <summary>
/// A network as the algorithms see it. Rows are samples. Each row of an output has the same bits whatever the size of the batch it
/// came in, the number of threads and the width of the vectors. One instance serves one caller at a time.
/// </summary>
public interface INetwork : IDisposable
{
    NetworkDescription Description { get; }

    /// <summary>
    /// All parameters, layer by layer, those of the trunk first: weights [inputs, outputs] row-major (a convolution's are [rows of the
    /// window, columns, channels, filters]), then biases. May be written between calls.
    /// </summary>
    Span<float> Parameters { get; }

    /// <summary>Gradients in the layout of <see cref="Parameters"/>: written, or gone on from, by <see cref="Backward"/>.</summary>
    Span<float> Gradients { get; }

    /// <summary>
    /// Memory of the network for a batch of inputs, [batch, Inputs]: filled and given to <see cref="Forward"/>, it is not copied, which
    /// counts where rows hold images. It holds until a larger batch comes.
    /// </summary>
    Span<float> InputRows(int batch);

    /// <summary>
    /// Maps inputs [batch, Inputs], row-major, to outputs [batch, Outputs]. The result lies in the network's memory and holds until
    /// the next call.
    /// </summary>
    /// <exception cref="ArgumentException">The number of inputs is not batch times Inputs.</exception>
    ReadOnlySpan<float> Forward(ReadOnlySpan<float> inputs, int batch);

    /// <summary>
    /// Back-propagates through the last <see cref="Forward"/>, with the parameters it used: from the gradient of a loss with respect
    /// to the outputs, [batch, Outputs], to its gradients with respect to the parameters and, where a span is given, to the
    /// inputs, [batch, Inputs]. Sums over the batch run in the order of its rows.
    /// </summary>
    /// <param name="outputGradients">[batch, Outputs].</param>
    /// <param name="batch">Rows of the last Forward.</param>
    /// <param name="inputGradients">
    /// [batch, Inputs], written; empty: not wanted. Where rows hold images, zero is written for them: nobody asks what would change an
    /// image, and it would cost a third layer's work.
    /// </param>
    /// <param name="accumulate">
    /// Go on with the sums that <see cref="Gradients"/> holds: a batch taken in parts, in the order of its rows, gives the same bits as
    /// the whole.
    /// </param>
    /// <param name="inputsOnly">
    /// Only the gradients with respect to the inputs are wanted: <see cref="Gradients"/> stays as it is.
    /// </param>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    /// <exception cref="InvalidOperationException">The batch is not that of the last Forward.</exception>
    void Backward(
        ReadOnlySpan<float> outputGradients, int batch, Span<float> inputGradients = default, bool accumulate = false,
        bool inputsOnly = false);
}
