using System.Diagnostics;
using System.Runtime.CompilerServices;
using Hem.Trainer.Networks;
using Hem.Trainer.Networks.Kernels;

namespace Hem.Bench;

/// <summary>One layer's product, without a zero in it.</summary>
internal sealed unsafe class DenseProduct
{
    private const int Batch = 64;
    private const int Width = 256;

    private readonly KernelSet kernels;
    private readonly PinnedBuffer x = new(Batch * Width);
    private readonly PinnedBuffer weights = new(Width * Width);
    private readonly PinnedBuffer y = new(Batch * Width);

    public DenseProduct(KernelWidth width)
    {
        kernels = KernelSet.For(width);
        var random = new Random(1);
        foreach (ref var number in x.Span)
            number = 1 - random.NextSingle();
        foreach (ref var number in weights.Span)
            number = 1 - random.NextSingle();
    }

    public static string Name => $"a {Batch} x {Width} x {Width} product";

    public static double Flops => 2.0 * Batch * Width * Width;

    public void Run()
    {
        kernels.Multiply(new Product
        {
            A = x.Pointer,
            ARow = Width,
            AStep = 1,
            B = weights.Pointer,
            BStep = Width,
            C = y.Pointer,
            CRow = Width,
            Rows = Batch,
            Columns = Width,
            Depth = Width,
        });
        GC.KeepAlive(this);
    }
}

/// <summary>Fused multiply-adds on registers alone: the most that the core can do at a width.</summary>
internal static unsafe class PeakFma<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    private const int Turns = 2_000;   // short, so that some try of it is left alone on a busy machine
    private const int Chains = 12;

    public static double GigaFlops()
    {
        var sink = stackalloc float[Chains * TLanes.Count];
        var start = Stopwatch.GetTimestamp();
        Work(sink);
        return 2.0 * Turns * Chains * TLanes.Count / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    // Without a call in it: across one, vectors live in memory, and would all through the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Work(float* sink)
    {
        TVector x = TLanes.Broadcast(0.5f);
        TVector c0 = x, c1 = x, c2 = x, c3 = x, c4 = x, c5 = x, c6 = x, c7 = x, c8 = x, c9 = x, c10 = x, c11 = x;
        for (var i = 0; i < Turns; i++)
        {
            c0 = TLanes.FusedMultiplyAdd(c0, x, x);
            c1 = TLanes.FusedMultiplyAdd(c1, x, x);
            c2 = TLanes.FusedMultiplyAdd(c2, x, x);
            c3 = TLanes.FusedMultiplyAdd(c3, x, x);
            c4 = TLanes.FusedMultiplyAdd(c4, x, x);
            c5 = TLanes.FusedMultiplyAdd(c5, x, x);
            c6 = TLanes.FusedMultiplyAdd(c6, x, x);
            c7 = TLanes.FusedMultiplyAdd(c7, x, x);
            c8 = TLanes.FusedMultiplyAdd(c8, x, x);
            c9 = TLanes.FusedMultiplyAdd(c9, x, x);
            c10 = TLanes.FusedMultiplyAdd(c10, x, x);
            c11 = TLanes.FusedMultiplyAdd(c11, x, x);
        }

        TLanes.Store(sink + 0 * TLanes.Count, c0);
        TLanes.Store(sink + 1 * TLanes.Count, c1);
        TLanes.Store(sink + 2 * TLanes.Count, c2);
        TLanes.Store(sink + 3 * TLanes.Count, c3);
        TLanes.Store(sink + 4 * TLanes.Count, c4);
        TLanes.Store(sink + 5 * TLanes.Count, c5);
        TLanes.Store(sink + 6 * TLanes.Count, c6);
        TLanes.Store(sink + 7 * TLanes.Count, c7);
        TLanes.Store(sink + 8 * TLanes.Count, c8);
        TLanes.Store(sink + 9 * TLanes.Count, c9);
        TLanes.Store(sink + 10 * TLanes.Count, c10);
        TLanes.Store(sink + 11 * TLanes.Count, c11);
    }
}
