namespace Hem.Trainer.Networks.Kernels;

/// <summary>
/// C = A B for a range of C, with what comes before and after the sum. Every element of C is one chain of fused multiply-adds in the
/// order of k, whatever the tile, the thread or the vector that it is computed in. Strides are in floats. B and C may be read (never
/// written) up to <see cref="PinnedBuffer.Slack"/> floats past their ends.
/// </summary>
internal unsafe struct Product
{
    /// <summary>A(row, k) = A[row * ARow + k * AStep].</summary>
    public float* A;
    public nint ARow;
    public nint AStep;

    /// <summary>
    /// Where A is not zero, by <see cref="KernelSet.NonZeros"/> of A as it lies in memory; null: not known. It decides speed alone.
    /// </summary>
    public ulong* NonZeros;
    public nint NonZeroRow;

    /// <summary>B(k, column) = B[k * BStep + column].</summary>
    public float* B;
    public nint BStep;

    /// <summary>C(row, column) = C[row * CRow + column].</summary>
    public float* C;
    public nint CRow;

    public int Rows;
    public int Columns;
    public int Depth;

    /// <summary>What a sum starts from, by column; null means zero.</summary>
    public float* Bias;

    /// <summary>Where this is not positive C becomes zero; laid out as C; null means nowhere.</summary>
    public float* Mask;

    /// <summary>Whether negative results become zero.</summary>
    public bool Relu;

    /// <summary>Whether the sums start from what C holds.</summary>
    public bool Accumulate;
}
