using System.Runtime.Intrinsics;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>The numeric kernels at one vector width. All widths give the same bits.</summary>
internal abstract unsafe class KernelSet
{
    private static readonly KernelSet Bits128 = new Kernels<Lanes128, Vector128<float>>();
    private static readonly KernelSet Bits256 = new Kernels<Lanes256, Vector256<float>>();
    private static readonly KernelSet Bits512 = new Kernels<Lanes512, Vector512<float>>();

    /// <summary>The widest that this processor computes in hardware.</summary>
    public static KernelSet Best { get; } =
        Vector512.IsHardwareAccelerated ? Bits512 : Vector256.IsHardwareAccelerated ? Bits256 : Bits128;

    /// <summary>Bits in a vector.</summary>
    public abstract int Width { get; }

    /// <summary>Columns in a panel of <see cref="Transpose"/>.</summary>
    public abstract int PanelColumns { get; }

    /// <summary>Floats of scratch memory that products need.</summary>
    public abstract int ScratchLength { get; }

    /// <summary>The kernels of a width; any can be had on any processor, slowly where the hardware lacks it.</summary>
    public static KernelSet For(KernelWidth width) => width switch
    {
        KernelWidth.Auto => Best,
        KernelWidth.Bits128 => Bits128,
        KernelWidth.Bits256 => Bits256,
        KernelWidth.Bits512 => Bits512,
        _ => throw new ArgumentOutOfRangeException(nameof(width), width, "no kernels of this width"),
    };

    /// <summary>C = A B, every product taken.</summary>
    public abstract void Multiply(in Product product);

    /// <summary>As <see cref="Multiply(in Product)"/>, skipping A's zeros where they are known and many.</summary>
    public abstract void Multiply(in Product product, float* scratch);

    /// <summary>
    /// As <see cref="Multiply(in Product, float*)"/> with B transposed: B(k, column) = B[column * BStep + k]. B is not read past its end.
    /// </summary>
    public abstract void MultiplyTransposed(in Product product, float* scratch);

    /// <summary>
    /// As <see cref="Multiply(in Product, float*)"/> where ARow is 1: the known nonzeros are those of A transposed, as A lies in memory.
    /// </summary>
    public abstract void SumOuterProducts(in Product product, float* scratch);

    /// <summary>
    /// Bit column % 64 of words[row * wordStride + column / 64]: whether matrix[row * stride + column] is not zero. Up to 63 floats after
    /// a row may be read.
    /// </summary>
    public abstract void NonZeros(float* matrix, nint stride, int rows, int columns, ulong* words, nint wordStride);

    /// <summary>A convolution's outputs, or the gradient of its inputs.</summary>
    public abstract void MultiplyWindows(in WindowProduct product);

    /// <summary>The gradient of a convolution's weights.</summary>
    public abstract void SumWindows(in WindowSums sums);

    /// <summary>
    /// A window's weights for <see cref="MinimalConvolution"/>: of each two by two places of equal parity 4 x 4 planes, each
    /// [parity of the row, parity of the column, count]. Columns g0, g1 become g0, (g0 + g1) / 2, (g0 - g1) / 2, g1; then rows alike.
    /// </summary>
    public abstract void SpreadWeights(float* weights, int count, float* target);

    /// <summary>
    /// 4 x 4 pixels of so many numbers, a line apart, to one row of each of 4 x 4 planes: d0 - d2, d1 + d2, d2 - d1, d3 - d1.
    /// </summary>
    public abstract void SpreadInputs(float* x, nint line, int count, float* target, nint plane);

    /// <summary>
    /// One row of each of 4 x 4 planes to 3 x 3 outputs: m0 + (m1 + m2), m1 - m2, (m1 + m2) + m3; then the bias, and ReLU.
    /// </summary>
    public abstract void GatherOutputs(float* products, nint plane, float* bias, int count, float* y, nint line);

    /// <summary>The way of <see cref="GatherOutputs"/> back: y0, (y0 + y2) + y1, (y0 + y2) - y1, y2.</summary>
    public abstract void SpreadGradients(float* dy, nint line, int count, float* target, nint plane);

    /// <summary>
    /// The way of <see cref="SpreadInputs"/> back, added to what dx holds: m0, (m1 - m2) - m3, (m1 + m2) - m0, m3.
    /// </summary>
    public abstract void AddInputGradients(float* products, nint plane, int count, float* dx, nint line);

    /// <summary>Panel after panel of <see cref="PanelColumns"/> columns, target(k, column) = source[column * stride + k].</summary>
    public abstract void Transpose(float* source, nint stride, int columns, int depth, float* target);

    /// <summary>
    /// sums[column] = the sum of matrix[row, column] in the order of the rows, from zero or from what sums holds; a stride lies between
    /// rows.
    /// </summary>
    public abstract void SumRows(float* matrix, nint stride, int rows, int columns, float* sums, bool accumulate);

    /// <summary>results[i] = values[i], or zero where mask[i] is not positive; the count is a multiple of 16.</summary>
    public abstract void Mask(float* values, float* mask, float* results, int count);

    /// <summary>
    /// gradients[row, column] *= 1 - values[row, column]^2, the slope of a tanh by its value; a stride lies between rows.
    /// </summary>
    public abstract void TanhSlopes(float* gradients, float* values, nint stride, int rows, int columns);

    /// <summary>One step of Adam over so many parameters.</summary>
    public abstract void Adam(in AdamStep step, float* parameters, float* gradients, float* first, float* second, int count);

    public abstract void Exp(float* values, float* results, int count);

    public abstract void Log(float* values, float* results, int count);

    public abstract void Tanh(float* values, float* results, int count);
}

/// <summary>The numbers of one step of Adam.</summary>
/// <param name="Rate">The learning rate with the corrections of both biases.</param>
/// <param name="Decay1">b1.</param>
/// <param name="Gain1">1 - b1.</param>
/// <param name="Decay2">b2.</param>
/// <param name="Gain2">1 - b2.</param>
/// <param name="Epsilon">What keeps the quotient finite.</param>
internal readonly record struct AdamStep(float Rate, float Decay1, float Gain1, float Decay2, float Gain2, float Epsilon);
