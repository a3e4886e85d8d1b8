using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vector = System.Runtime.Intrinsics.Vector512<float>;

namespace Hem.Trainer.Networks.Kernels;

/// <summary>Vectors of 16 floats.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Vector>
{
    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector BroadcastBits(int value) => Vector512.Create(value).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Load(float* source) => Vector512.Load(source);

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
    public static Vector SquareRoot(Vector a) => Vector512.Sqrt(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector FusedMultiplyAdd(Vector a, Vector b, Vector c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector LessThan(Vector a, Vector b) => Vector512.LessThan(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector And(Vector a, Vector b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Or(Vector a, Vector b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector AndNot(Vector a, Vector b) => Vector512.AndNot(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector Select(Vector mask, Vector a, Vector b) => Vector512.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector AddBits(Vector a, Vector b) => (a.AsInt32() + b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector SubtractBits(Vector a, Vector b) => (a.AsInt32() - b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector ShiftLeft(Vector a, int count) => (a.AsInt32() << count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector ShiftRightArithmetic(Vector a, int count) => (a.AsInt32() >> count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector LesserBits(Vector a, Vector b) => Vector512.Min(a.AsInt32(), b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasNegativeZero(Vector a) => Vector512.EqualsAny(a.AsInt32(), Vector512.Create(int.MinValue));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint NonZeros(Vector a) => (uint)~Vector512.Equals(a, Vector512<float>.Zero).ExtractMostSignificantBits() & 0xFFFF;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector ConvertFromBits(Vector a) => Vector512.ConvertToSingle(a.AsInt32());
}
