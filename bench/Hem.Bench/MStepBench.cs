using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Hem.Trainer.Networks;
using Hem.Trainer.Networks.Kernels;

namespace Hem.Bench;

/// <summary>
/// One M-step (batch 64, input 60, five hidden layers of 256, 50-way cross-entropy, backward, Adam) here and in PyTorch, in turns on one
/// core: PyTorch in a process for each choice of OpenBLAS kernels, with either way of its Adam, and at its best. Also how much of the
/// multipliers' peak it reaches at each vector width.
/// </summary>
internal static class MStepBench
{
    private const int Batch = 64;
    private const int StepsPerRound = 25;
    private const int Inputs = 60;
    private const int Actions = 50;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(45);   // for the rounds
    private static readonly string[] Variants = ["single", "foreach"];     // how Adam walks PyTorch's parameters
    private static readonly int[] Hidden = [256, 256, 256, 256, 256];

    public static int Run(string[] args)
    {
        var rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 40;
        var core = Cores.Last();
        Cores.PinTo(core);
        var peers = new List<PyTorchPeer>();
        try
        {
            foreach (var openBlasCore in Cores.OpenBlasChoices)
            {
                if (PyTorchPeer.Start("mstep", core, openBlasCore) is not { } peer)
                    return 1;
                peers.Add(peer);
            }
            return Compare(rounds, core, peers);
        }
        finally
        {
            foreach (var peer in peers)
                peer.Dispose();
        }
    }

    private static int Compare(int rounds, int core, List<PyTorchPeer> peers)
    {
        using var wide = new MStep(KernelWidth.Bits512);
        using var narrow = new MStep(KernelWidth.Bits256);
        List<double> ours = [], ours256 = [], peak512 = [], peak256 = [];
        var settings = peers
            .SelectMany(peer => Variants.Select(variant => (Peer: peer, Variant: variant, Times: new List<double>()))).ToArray();
        var clock = Stopwatch.StartNew();
        var done = 0;
        for (; done < rounds && (done == 0 || clock.Elapsed < Longest); done++)
        {
            Time(ours, wide.Step);
            foreach (var setting in settings)
                setting.Times.AddRange(setting.Peer.Times(setting.Variant, StepsPerRound));
            Time(ours256, narrow.Step);
            peak512.Add(PeakFma<Lanes512, Vector512<float>>.GigaFlops());
            peak256.Add(PeakFma<Lanes256, Vector256<float>>.GigaFlops());
        }

        var flops = MStep.Flops;
        var best = KernelSet.Best.Width == 512 ? ours : ours256;
        var chosen = settings.MinBy(setting => setting.Times.Min());
        var theirs = chosen.Times;
        var medians = settings.Min(setting => Median(setting.Times)) / Median(best);
        Console.WriteLine(
            $"{done} rounds of {StepsPerRound} steps each, in turns on core {core}; {flops / 1e6:F1} MFLOP a step; {peers[0].About}");
        Print("Hem, 512-bit kernels", ours);
        Print("Hem, 256-bit kernels", ours256);
        foreach (var setting in settings)
            Print($"PyTorch, {setting.Peer.Kernels}, Adam {setting.Variant}", setting.Times);
        var (reached512, reached256) = (Share(ours, peak512), Share(ours256, peak256));
        Console.WriteLine($"peak FMA at 512 bits {peak512.Max():F1} GFLOP/s, the M-step reaches {reached512:P0}");
        Console.WriteLine($"peak FMA at 256 bits {peak256.Max():F1} GFLOP/s, the M-step reaches {reached256:P0}");
        Console.WriteLine(
            $"mstep ratio={theirs.Min() / best.Min():F2} median_ratio={medians:F2} ours_ms={best.Min() * 1e3:F3} " +
            $"pytorch_ms={theirs.Min() * 1e3:F3} peak512={reached512 * 100:F0}% peak256={reached256 * 100:F0}% " +
            $"pytorch_openblas={chosen.Peer.OpenBlasCore ?? "default"} pytorch_adam={chosen.Variant}");
        return 0;

        double Share(List<double> times, List<double> peak) => flops / times.Min() / 1e9 / peak.Max();

        void Print(string name, List<double> times) => Console.WriteLine(
            $"{name,-46} best {times.Min() * 1e3:F3} ms, median {Median(times) * 1e3:F3} ms, " +
            $"{flops / times.Min() / 1e9:F0} GFLOP/s at best");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void Time(List<double> times, Action step)
    {
        for (var i = 0; i < StepsPerRound; i++)
        {
            var start = Stopwatch.GetTimestamp();
            step();
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
    }

    private sealed class MStep : IDisposable
    {
        private readonly INetwork network;
        private readonly Adam adam;
        private readonly float[] inputs = new float[Batch * Inputs];
        private readonly int[] actions = new int[Batch];
        private readonly float[] gradient = new float[Batch * Actions];

        public MStep(KernelWidth width)
        {
            var random = new Random(1);
            network = ManagedBackend.Create(new(Inputs, Hidden, Actions, Initialization.HeUniform), random, kernels: width);
            adam = new Adam(network);
            foreach (ref var input in inputs.AsSpan())
                input = random.NextSingle() * 2 - 1;
            foreach (ref var action in actions.AsSpan())
                action = random.Next(Actions);
            for (var i = 0; i < 50; i++)
                Step();
        }

        /// <summary>Multiplications and additions of the matrix products alone.</summary>
        public static double Flops
        {
            get
            {
                int[] widths = [Inputs, .. Hidden, Actions];
                var weights = widths.Zip(widths.Skip(1), (i, o) => (double)i * o).Sum();
                return 2 * Batch * (3 * weights - (double)Inputs * Hidden[0]);
            }
        }

        public void Step()
        {
            var logits = network.Forward(inputs, Batch);
            VectorMath.SoftmaxCrossEntropy(logits, actions, gradient);
            network.Backward(gradient, Batch);
            adam.Step();
        }

        public void Dispose() => network.Dispose();
    }

    /// <summary>Fused multiply-adds on registers alone: the most that the core can do at a width.</summary>
    private static unsafe class PeakFma<TLanes, TVector>
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        private const int Turns = 40_000;
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
}
