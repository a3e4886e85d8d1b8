namespace Hem.Trainer.Networks.Kernels;

/// <summary>A stretch of a window that lies without a gap, and the place of its weights.</summary>
/// <param name="A">Floats from the start of the window.</param>
/// <param name="B">Floats from the start of B.</param>
internal readonly record struct Segment(int A, int B);

/// <summary>
/// C(row) = the sum over the segments s and k of A(row, s, k) B(s, k): a product whose rows of A are windows on an image, read where they
/// lie. Every element of C is one chain of fused multiply-adds in the order of the segments and of k. Offsets are in floats.
/// </summary>
internal unsafe struct WindowProduct
{
    /// <summary>A(row, s, k) = A[AOffsets[row] + Segments[s].A + k].</summary>
    public float* A;
    public int* AOffsets;
    public Segment* Segments;
    public int SegmentCount;

    /// <summary>Floats of a segment.</summary>
    public int Depth;

    /// <summary>B(s, k, column) = B[Segments[s].B + k * BStep + column] in the first panel of columns.</summary>
    public float* B;
    public nint BStep;

    /// <summary>From a panel of B to the next: <see cref="KernelSet.PanelColumns"/> columns.</summary>
    public nint BPanel;

    /// <summary>C(row, column) = C[COffsets[row] + column].</summary>
    public float* C;
    public int* COffsets;

    public int Rows;

    /// <summary>A multiple of 32.</summary>
    public int Columns;

    /// <summary>What a sum starts from, by column; null means zero.</summary>
    public float* Bias;

    /// <summary>Whether negative results become zero.</summary>
    public bool Relu;

    /// <summary>C becomes zero where Mask[MaskOffsets[row] + column] is not positive; null means nowhere.</summary>
    public float* Mask;
    public int* MaskOffsets;

    /// <summary>Whether the sums start from what C holds.</summary>
    public bool Accumulate;

    /// <summary>What will be read soon after: fetched into the second cache meanwhile.</summary>
    public Upcoming Next;
}

/// <summary>
/// C(row, column) = the sum over windows w, in their order, of A(w, row) B(w, column), from zero or from what C holds: each element one
/// chain of fused multiply-adds.
/// </summary>
internal unsafe struct WindowSums
{
    /// <summary>A(w, row) = A[AOffsets[w] + RowOffsets[row]].</summary>
    public float* A;
    public int* AOffsets;
    public int* RowOffsets;

    /// <summary>B(w, column) = B[w * BStep + column].</summary>
    public float* B;
    public nint BStep;

    /// <summary>C(row, column) = C[row * CRow + column].</summary>
    public float* C;
    public nint CRow;

    public int Rows;

    /// <summary>A multiple of 32.</summary>
    public int Columns;

    public int Windows;
    public bool Accumulate;

    /// <summary>As in <see cref="WindowProduct"/>.</summary>
    public Upcoming Next;
}

/// <summary>Memory that will be read soon, none or some.</summary>
internal readonly unsafe struct Upcoming(float* start, long count)
{
    public readonly float* Start = start;
    public readonly long Count = count;
}
