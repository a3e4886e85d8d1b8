using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vector = System.Runtime.Intrinsics.Vector128<float>;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>Vectors of 4 floats.</summary>
internal readonly unsafe struct Lanes128 : ILanes<Vector>
{
    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector BroadcastBits(int value) => Vector128.Create(value).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector value) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Add(Vector a, Vector b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Subtract(Vector a, Vector b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Multiply(Vector a, Vector b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Divide(Vector a, Vector b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector SquareRoot(Vector a) => Vector128.Sqrt(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector FusedMultiplyAdd(Vector a, Vector b, Vector c) => Vector128.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector LessThan(Vector a, Vector b) => Vector128.LessThan(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector And(Vector a, Vector b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Or(Vector a, Vector b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector AndNot(Vector a, Vector b) => Vector128.AndNot(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Select(Vector mask, Vector a, Vector b) => Vector128.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector AddBits(Vector a, Vector b) => (a.AsInt32() + b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector SubtractBits(Vector a, Vector b) => (a.AsInt32() - b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector ShiftLeft(Vector a, int count) => (a.AsInt32() << count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector ShiftRightArithmetic(Vector a, int count) => (a.AsInt32() >> count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector LesserBits(Vector a, Vector b) => Vector128.Min(a.AsInt32(), b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasNegativeZero(Vector a) => Vector128.EqualsAny(a.AsInt32(), Vector128.Create(int.MinValue));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint NonZeros(Vector a) => ~Vector128.Equals(a, Vector128<float>.Zero).ExtractMostSignificantBits() & 0xF;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector ConvertFromBits(Vector a) => Vector128.ConvertToSingle(a.AsInt32());
}
