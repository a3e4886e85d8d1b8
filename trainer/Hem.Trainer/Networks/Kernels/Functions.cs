using System.Runtime.CompilerServices;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>A function of one number, taken lane by lane.</summary>
internal interface IFunction<TVector>
{
    static abstract TVector Apply(TVector value);
}

/// <summary>
/// e^x within 2 ulp: x = n ln 2 + r, a polynomial for e^r with |r| at most ln 2 / 2, and 2^n by its bits. Results under the
/// smallest normal number are zero.
/// </summary>
internal readonly struct Exp<TLanes, TVector> : IFunction<TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    // Added to a small number, this leaves its nearest integer in the low bits.
    private const float Rounder = 12582912f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply(TVector x)
    {
        var rounder = TLanes.Broadcast(Rounder);
        var shifted = TLanes.FusedMultiplyAdd(x, TLanes.Broadcast(1.44269504f), rounder);
        var n = TLanes.Subtract(shifted, rounder);

        // ln 2 in two parts, so that r keeps its low bits.
        var r = TLanes.FusedMultiplyAdd(n, TLanes.Broadcast(-0.693145752f), x);
        r = TLanes.FusedMultiplyAdd(n, TLanes.Broadcast(-1.42860677e-6f), r);

        var p = TLanes.Broadcast(1f / 5040);
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 720));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 120));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 24));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 6));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(0.5f));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f));

        // 2^n in two factors, because n reaches 128, which one float's exponent does not.
        var bits = TLanes.SubtractBits(shifted, rounder);
        var half = TLanes.ShiftRightArithmetic(bits, 1);
        p = TLanes.Multiply(p, PowerOfTwo(half));
        p = TLanes.Multiply(p, PowerOfTwo(TLanes.SubtractBits(bits, half)));

        var low = TLanes.LessThan(x, TLanes.Broadcast(-87.3365402f));
        var high = TLanes.LessThan(TLanes.Broadcast(88.7228394f), x);
        p = TLanes.Select(high, TLanes.Broadcast(float.PositiveInfinity), TLanes.AndNot(p, low));

        // Not a number stays so: x - x is zero for every finite x.
        return TLanes.Select(TLanes.Or(low, high), p, TLanes.Add(p, TLanes.Subtract(x, x)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector PowerOfTwo(TVector n) => TLanes.ShiftLeft(TLanes.AddBits(n, TLanes.BroadcastBits(127)), 23);
}

/// <summary>
/// The natural logarithm within 2 ulp: x = 2^e m with m between sqrt(1/2) and sqrt(2), and a polynomial in m - 1 (Cephes' minimax
/// coefficients for single precision).
/// </summary>
internal readonly struct Log<TLanes, TVector> : IFunction<TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    private const float SmallestNormal = 1.17549435e-38f;
    private const float TwoTo23 = 8388608f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply(TVector x)
    {
        var subnormal = TLanes.LessThan(x, TLanes.Broadcast(SmallestNormal));
        var scaled = TLanes.Select(subnormal, TLanes.Multiply(x, TLanes.Broadcast(TwoTo23)), x);
        var exponentBits = TLanes.ShiftRightArithmetic(TLanes.SubtractBits(scaled, TLanes.Broadcast(0.707106769f)), 23);
        var f = TLanes.Subtract(TLanes.SubtractBits(scaled, TLanes.ShiftLeft(exponentBits, 23)), TLanes.Broadcast(1f));
        var e = TLanes.Subtract(TLanes.ConvertFromBits(exponentBits), TLanes.And(subnormal, TLanes.Broadcast(23f)));

        var p = TLanes.Broadcast(7.0376836292e-2f);
        p = TLanes.FusedMultiplyAdd(p, f, TLanes.Broadcast(-1.1514610310e-1f));
        p = TLanes.FusedMultiplyAdd(p, f, TLanes.Broadcast(1.1676998740e-1f));
        p = TLanes.FusedMultiplyAdd(p, f, TLanes.Broadcast(-1.2420140846e-1f));
        p = TLanes.FusedMultiplyAdd(p, f, TLanes.Broadcast(1.4249322787e-1f));
        p = TLanes.FusedMultiplyAdd(p, f, TLanes.Broadcast(-1.6668057665e-1f));
        p = TLanes.FusedMultiplyAdd(p, f, TLanes.Broadcast(2.0000714765e-1f));
        p = TLanes.FusedMultiplyAdd(p, f, TLanes.Broadcast(-2.4999993993e-1f));
        p = TLanes.FusedMultiplyAdd(p, f, TLanes.Broadcast(3.3333331174e-1f));

        // log(1 + f) = f - f²/2 + f³ p, then e ln 2 in two parts, the small one first.
        var square = TLanes.Multiply(f, f);
        var y = TLanes.Multiply(TLanes.Multiply(p, f), square);
        y = TLanes.FusedMultiplyAdd(e, TLanes.Broadcast(-2.12194440e-4f), y);
        y = TLanes.FusedMultiplyAdd(square, TLanes.Broadcast(-0.5f), y);
        y = TLanes.FusedMultiplyAdd(e, TLanes.Broadcast(0.693359375f), TLanes.Add(f, y));

        // Infinity and not-a-number are their own logarithms; zero's is minus infinity, and a negative number has none.
        y = TLanes.Select(TLanes.LessThan(x, TLanes.Broadcast(float.PositiveInfinity)), y, x);
        var negative = TLanes.LessThan(x, default);
        var rest = TLanes.Select(negative, TLanes.Broadcast(float.NaN), TLanes.Add(x, TLanes.Broadcast(float.NegativeInfinity)));
        return TLanes.Select(TLanes.LessThan(default, x), y, rest);
    }
}

/// <summary>
/// The hyperbolic tangent within 3 ulp: an odd polynomial below 0.625 (Cephes' coefficients for single precision), and
/// 1 - 2 / (e^2x + 1) from there on.
/// </summary>
internal readonly struct Tanh<TLanes, TVector> : IFunction<TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply(TVector x)
    {
        var sign = TLanes.And(x, TLanes.BroadcastBits(int.MinValue));
        var size = TLanes.AndNot(x, TLanes.BroadcastBits(int.MinValue));

        var square = TLanes.Multiply(x, x);
        var p = TLanes.Broadcast(-5.70498872745e-3f);
        p = TLanes.FusedMultiplyAdd(p, square, TLanes.Broadcast(2.06390887954e-2f));
        p = TLanes.FusedMultiplyAdd(p, square, TLanes.Broadcast(-5.37397155531e-2f));
        p = TLanes.FusedMultiplyAdd(p, square, TLanes.Broadcast(1.33314422036e-1f));
        p = TLanes.FusedMultiplyAdd(p, square, TLanes.Broadcast(-3.33332819422e-1f));
        var small = TLanes.FusedMultiplyAdd(TLanes.Multiply(p, square), x, x);

        var one = TLanes.Broadcast(1f);
        var exp = Exp<TLanes, TVector>.Apply(TLanes.Add(size, size));
        var large = TLanes.Subtract(one, TLanes.Divide(TLanes.Broadcast(2f), TLanes.Add(exp, one)));
        return TLanes.Select(TLanes.LessThan(size, TLanes.Broadcast(0.625f)), small, TLanes.Or(large, sign));
    }
}
