using System.Diagnostics;
using System.Globalization;
using Hem.Trainer.Networks;
using Hem.Trainer.Networks.Kernels;

namespace Hem.Bench;

/// <summary>
/// One step on images (batch 64, two images a sample through a shared trunk, five dense layers of 256, 50-way cross-entropy, backward,
/// Adam) here and in PyTorch, in turns on one core, at 48x48 and 84x84: PyTorch in a process for each setting of OpenBLAS and malloc, in
/// either layout of its images, and at its best. Then what a second thread brings here.
/// </summary>
internal static class ConvBench
{
    private const int Batch = 64;
    private const int Actions = 50;
    private const int StepsPerRound = 3;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(40);   // for the rounds of one size
    private static readonly int[] Sizes = [48, 84];
    private static readonly string[] Layouts = ["nhwc", "nchw"];

    // glibc gives large blocks back to the system when they are freed, and PyTorch faults them in again at each step; so it keeps them.
    private static readonly (string Name, string Value)[] KeepMemory =
        [("MALLOC_MMAP_MAX_", "0"), ("MALLOC_TRIM_THRESHOLD_", "4294967296"), ("MALLOC_TOP_PAD_", "268435456")];

    public static int Run(string[] args)
    {
        var rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 20;
        var core = Cores.Last();
        var allowed = Process.GetCurrentProcess().ProcessorAffinity;
        Cores.PinTo(core);
        var peers = new List<(PyTorchPeer Peer, string Malloc)>();
        try
        {
            foreach (var openBlasCore in Cores.OpenBlasChoices)
            {
                foreach (var keeps in new[] { false, true })
                {
                    if (PyTorchPeer.Start("conv", core, openBlasCore, keeps ? KeepMemory : []) is not { } peer)
                        return 1;
                    peers.Add((peer, keeps ? "kept memory" : "default malloc"));
                }
            }

            Console.WriteLine($"in turns on core {core}; {peers[0].Peer.About}");
            var lines = Sizes.Select(size => Compare(size, rounds, peers)).ToArray();
            foreach (var size in Sizes)
                CompareThreads(size, allowed);
            Cores.PinTo(core);
            Console.WriteLine(lines[0]);
            Console.WriteLine(lines[1]);
            return 0;
        }
        finally
        {
            foreach (var (peer, _) in peers)
                peer.Dispose();
        }
    }

    private static string Compare(int size, int rounds, List<(PyTorchPeer Peer, string Malloc)> peers)
    {
        using var best = new Step(size, KernelWidth.Auto, threads: 1);
        using var narrow = new Step(size, KernelWidth.Bits256, threads: 1);
        List<double> ours = [], ours256 = [];
        var settings = (
            from peer in peers
            from layout in Layouts
            select (peer.Peer, peer.Malloc, Layout: layout, Times: new List<double>())).ToArray();
        var clock = Stopwatch.StartNew();
        var done = 0;
        for (; done < rounds && (done == 0 || clock.Elapsed < Longest); done++)
        {
            best.Time(ours, StepsPerRound);
            foreach (var setting in settings)
                setting.Times.AddRange(setting.Peer.Times($"{size}-{setting.Layout}", StepsPerRound));
            narrow.Time(ours256, StepsPerRound);
        }

        var chosen = settings.MinBy(setting => setting.Times.Min());
        Console.WriteLine($"{size}x{size}: {done} rounds of {StepsPerRound} steps each, {best.Flops / 1e6:F0} MFLOP a step");
        Print($"Hem, {KernelSet.Best.Width}-bit kernels", ours);
        Print("Hem, 256-bit kernels", ours256);
        foreach (var setting in settings)
            Print($"PyTorch, {setting.Peer.Kernels}, {setting.Malloc}, {setting.Layout}", setting.Times);
        var medians = settings.Min(setting => Median(setting.Times)) / Median(ours);
        return $"conv{(size == 84 ? "" : size.ToString(CultureInfo.InvariantCulture))} ratio={chosen.Times.Min() / ours.Min():F2} " +
            $"median_ratio={medians:F2} size={size} ours_ms={ours.Min() * 1e3:F2} pytorch_ms={chosen.Times.Min() * 1e3:F2} " +
            $"ours256_ms={ours256.Min() * 1e3:F2} pytorch_openblas={chosen.Peer.OpenBlasCore ?? "default"} " +
            $"pytorch_malloc={chosen.Malloc.Replace(' ', '-')} pytorch_layout={chosen.Layout}";

        void Print(string name, List<double> times) => Console.WriteLine(
            $"{name,-62} best {times.Min() * 1e3:F2} ms, median {Median(times) * 1e3:F2} ms, " +
            $"{best.Flops / times.Min() / 1e9:F0} GFLOP/s at best");
    }

    private static void CompareThreads(int size, nint allowed)
    {
        if (OperatingSystem.IsLinux())
            Process.GetCurrentProcess().ProcessorAffinity = allowed;
        List<double> one = [], two = [];
        using var alone = new Step(size, KernelWidth.Auto, threads: 1);
        using var both = new Step(size, KernelWidth.Auto, threads: 2);
        for (var round = 0; round < 20; round++)
        {
            alone.Time(one, StepsPerRound);
            both.Time(two, StepsPerRound);
        }

        Console.WriteLine(
            $"{size}x{size}, two threads {two.Min() * 1e3:F2} ms, one {one.Min() * 1e3:F2} ms: {one.Min() / two.Min():F2} times as fast " +
            $"(median {Median(one) / Median(two):F2})");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private sealed class Step : IDisposable
    {
        private readonly INetwork network;
        private readonly Adam adam;
        private readonly int[] actions = new int[Batch];
        private readonly float[] gradient = new float[Batch * Actions];

        public Step(int size, KernelWidth width, int threads)
        {
            var random = new Random(1);
            var trunk = new ConvolutionalTrunk(size, Images: 2);
            network = ManagedBackend.Create(
                new(2 * trunk.ImageFloats, [256, 256, 256, 256, 256], Actions, Initialization.HeUniform, trunk), random, threads, width);
            adam = new Adam(network, 1e-4);
            foreach (ref var pixel in network.InputRows(Batch))
                pixel = random.NextSingle();
            foreach (ref var action in actions.AsSpan())
                action = random.Next(Actions);
            for (var i = 0; i < 5; i++)
                Once();
            var first = trunk.Layers()[0];
            Flops = 2.0 * Batch * (3 * network.Description.ProductsPerRow - 2.0 * first.WeightCount * first.OutputPixels);
        }

        /// <summary>
        /// Multiplications and additions of the products alone, each convolution as a plain sum (Hem takes fewer where it pays); none for
        /// gradients of the images.
        /// </summary>
        public double Flops { get; }

        public void Time(List<double> times, int steps)
        {
            for (var i = 0; i < steps; i++)
            {
                var start = Stopwatch.GetTimestamp();
                Once();
                times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        public void Dispose() => network.Dispose();

        private void Once()
        {
            var logits = network.Forward(network.InputRows(Batch), Batch);
            VectorMath.SoftmaxCrossEntropy(logits, actions, gradient);
            network.Backward(gradient, Batch);
            adam.Step();
        }
    }
}
