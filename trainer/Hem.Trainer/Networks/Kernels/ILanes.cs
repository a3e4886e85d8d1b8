namespace Hem.Trainer.Networks.Kernels;

/// <summary>
/// What the kernels ask of a vector of floats. Every operation acts on each lane by itself and is exact or correctly rounded, so a lane
/// holds the same bits whatever the width. The bit operations see a lane as a 32-bit integer.
/// </summary>
internal unsafe interface ILanes<TVector>
    where TVector : struct
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Count { get; }

    static abstract TVector Broadcast(float value);

    static abstract TVector BroadcastBits(int value);

    static abstract TVector Load(float* source);

    static abstract void Store(float* target, TVector value);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Subtract(TVector a, TVector b);

    static abstract TVector Multiply(TVector a, TVector b);

    static abstract TVector Divide(TVector a, TVector b);

    static abstract TVector SquareRoot(TVector a);

    /// <summary>a b + c, rounded once.</summary>
    static abstract TVector FusedMultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>All bits set in the lanes where a is less than b.</summary>
    static abstract TVector LessThan(TVector a, TVector b);

    static abstract TVector And(TVector a, TVector b);

    static abstract TVector Or(TVector a, TVector b);

    /// <summary>a without the bits that are set in b.</summary>
    static abstract TVector AndNot(TVector a, TVector b);

    /// <summary>The bits of a where the mask is set, of b elsewhere.</summary>
    static abstract TVector Select(TVector mask, TVector a, TVector b);

    static abstract TVector AddBits(TVector a, TVector b);

    static abstract TVector SubtractBits(TVector a, TVector b);

    static abstract TVector ShiftLeft(TVector a, int count);

    static abstract TVector ShiftRightArithmetic(TVector a, int count);

    /// <summary>The lesser of two signed integers.</summary>
    static abstract TVector LesserBits(TVector a, TVector b);

    /// <summary>Whether any lane is -0.</summary>
    static abstract bool HasNegativeZero(TVector a);

    /// <summary>A bit for each lane, the first lane's lowest: whether it is neither zero nor -0.</summary>
    static abstract uint NonZeros(TVector a);

    /// <summary>The lanes, read as integers, converted to floats.</summary>
    static abstract TVector ConvertFromBits(TVector a);
}
