using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Hem.Trainer.Networks;
using Hem.Trainer.Networks.Kernels;

namespace Hem.Bench;

/// <summary>
/// One M-step (batch 64, input 60, five hidden layers of 256, 50-way cross-entropy, backward, Adam) here and in PyTorch, in turns on one
/// core: PyTorch in a process for each choice of OpenBLAS kernels, with either way of its Adam, and at its best. Both get the same
/// batches, of flip bit as hEM sees it: states and goals as bits, the goal reached from the state by so many flips, the action one of
/// them; and both train on them from weights as initialised. Hem skips products with zero: what share of the numbers is not zero is
/// printed. Also how much of the multipliers' peak a product without zeros reaches at each vector width.
/// </summary>
internal static class MStepBench
{
    private const int Batch = 64;
    private const int StepsPerRound = 25;
    private const int Batches = 50;   // different ones, in turns
    private const int Bits = 30;
    private const int Inputs = 2 * Bits;
    private const int Actions = 50;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(45);   // for the rounds
    private static readonly string[] Variants = ["single", "foreach"];     // how Adam walks PyTorch's parameters
    private static readonly int[] Hidden = [256, 256, 256, 256, 256];

    public static int Run(string[] args)
    {
        var rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 40;
        var core = Cores.Last();
        Cores.PinTo(core);
        var samples = new Samples(new Random(1));
        var peers = new List<PyTorchPeer>();
        var file = Path.GetTempFileName();
        try
        {
            samples.Write(file);
            foreach (var openBlasCore in Cores.OpenBlasChoices)
            {
                if (PyTorchPeer.Start("mstep", core, openBlasCore, ("HEM_BENCH_SAMPLES", file)) is not { } peer)
                    return 1;
                peers.Add(peer);
            }

            return Compare(rounds, core, samples, peers);
        }
        finally
        {
            File.Delete(file);
            foreach (var peer in peers)
                peer.Dispose();
        }
    }

    private static int Compare(int rounds, int core, Samples samples, List<PyTorchPeer> peers)
    {
        using var wide = new MStep(KernelWidth.Bits512, samples);
        using var narrow = new MStep(KernelWidth.Bits256, samples);
        var dense512 = new DenseProduct(KernelWidth.Bits512);
        var dense256 = new DenseProduct(KernelWidth.Bits256);
        List<double> ours = [], ours256 = [], product512 = [], product256 = [], peak512 = [], peak256 = [];
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
            Time(product512, dense512.Run);
            Time(product256, dense256.Run);
            for (var i = 0; i < StepsPerRound; i++)
            {
                peak512.Add(PeakFma<Lanes512, Vector512<float>>.GigaFlops());
                peak256.Add(PeakFma<Lanes256, Vector256<float>>.GigaFlops());
            }
        }

        var flops = MStep.Flops;
        var best = KernelSet.Best.Width == 512 ? ours : ours256;
        var chosen = settings.MinBy(setting => setting.Times.Min());
        var theirs = chosen.Times;
        var medians = settings.Min(setting => Median(setting.Times)) / Median(best);
        Console.WriteLine(
            $"{done} rounds of {StepsPerRound} steps each, in turns on core {core}; {flops / 1e6:F1} MFLOP a step; {peers[0].About}");
        Console.WriteLine($"not zero after {wide.Steps} steps: {wide.Densities()}");
        Print("Hem, 512-bit kernels", ours);
        Print("Hem, 256-bit kernels", ours256);
        foreach (var setting in settings)
            Print($"PyTorch, {setting.Peer.Kernels}, Adam {setting.Variant}", setting.Times);
        Console.WriteLine($"parts of a step at 512 bits, each at its best: {wide.Parts()}");
        Console.WriteLine($"parts of a step at 256 bits, each at its best: {narrow.Parts()}");
        var (reached512, reached256) = (Share(product512, peak512), Share(product256, peak256));
        Console.WriteLine($"peak FMA at 512 bits {peak512.Max():F1} GFLOP/s, {DenseProduct.Name} without zeros reaches {reached512:P0}");
        Console.WriteLine($"peak FMA at 256 bits {peak256.Max():F1} GFLOP/s, {DenseProduct.Name} without zeros reaches {reached256:P0}");
        Console.WriteLine(
            $"mstep ratio={theirs.Min() / best.Min():F2} median_ratio={medians:F2} ours_ms={best.Min() * 1e3:F3} " +
            $"pytorch_ms={theirs.Min() * 1e3:F3} peak512={reached512 * 100:F0}% peak256={reached256 * 100:F0}% " +
            $"pytorch_openblas={chosen.Peer.OpenBlasCore ?? "default"} pytorch_adam={chosen.Variant}");
        return 0;

        double Share(List<double> times, List<double> peak) => DenseProduct.Flops / times.Min() / 1e9 / peak.Max();

        void Print(string name, List<double> times) => Console.WriteLine(
            $"{name,-46} best {times.Min() * 1e3:F3} ms, median {Median(times) * 1e3:F3} ms, " +
            $"{flops / times.Min() / 1e9:F0} GFLOP/s at best, zeros counted in");
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

    /// <summary>Batches of flip bit: inputs [Batches, Batch, Inputs] and actions [Batches, Batch].</summary>
    private sealed class Samples
    {
        private readonly float[] inputs = new float[Batches * Batch * Inputs];
        private readonly int[] actions = new int[Batches * Batch];

        public Samples(Random random)
        {
            for (var row = 0; row < Batches * Batch; row++)
            {
                var state = inputs.AsSpan(row * Inputs, Bits);
                var goal = inputs.AsSpan(row * Inputs + Bits, Bits);
                foreach (ref var bit in state)
                    bit = random.Next(2);
                state.CopyTo(goal);
                var flips = Enumerable.Range(0, Bits).ToArray();
                random.Shuffle(flips);
                foreach (var bit in flips.AsSpan(0, 1 + random.Next(Bits)))
                    goal[bit] = 1 - goal[bit];
                actions[row] = flips[0];
            }
        }

        public ReadOnlySpan<float> InputsOf(int batch) => inputs.AsSpan(batch * Batch * Inputs, Batch * Inputs);

        public ReadOnlySpan<int> ActionsOf(int batch) => actions.AsSpan(batch * Batch, Batch);

        /// <summary>The inputs, then the actions, for the peer.</summary>
        public void Write(string path)
        {
            using var file = File.Create(path);
            file.Write(MemoryMarshal.AsBytes<float>(inputs));
            file.Write(MemoryMarshal.AsBytes<int>(actions));
        }
    }

    private sealed class MStep : IDisposable
    {
        private readonly Samples samples;
        private readonly INetwork network;
        private readonly Adam adam;
        private readonly float[] gradient = new float[Batch * Actions];
        private readonly double[] parts = [double.MaxValue, double.MaxValue, double.MaxValue, double.MaxValue];

        public MStep(KernelWidth width, Samples samples)
        {
            this.samples = samples;
            network = ManagedBackend.Create(new(Inputs, Hidden, Actions, Initialization.HeUniform), new Random(1), kernels: width);
            adam = new Adam(network);
            for (var i = 0; i < 50; i++)
                Step();
        }

        public int Steps { get; private set; }

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
            var batch = Steps++ % Batches;
            var start = Stopwatch.GetTimestamp();
            var logits = network.Forward(samples.InputsOf(batch), Batch);
            var forward = Stopwatch.GetTimestamp();
            VectorMath.SoftmaxCrossEntropy(logits, samples.ActionsOf(batch), gradient);
            var loss = Stopwatch.GetTimestamp();
            network.Backward(gradient, Batch);
            var backward = Stopwatch.GetTimestamp();
            adam.Step();
            var end = Stopwatch.GetTimestamp();
            Note(0, start, forward);
            Note(1, forward, loss);
            Note(2, loss, backward);
            Note(3, backward, end);
        }

        public string Parts() => string.Create(
            CultureInfo.InvariantCulture,
            $"forward {parts[0] * 1e3:F3}, loss {parts[1] * 1e3:F3}, backward {parts[2] * 1e3:F3}, Adam {parts[3] * 1e3:F3} ms");

        /// <summary>Of a batch's inputs and of what each hidden layer makes of them; the gradients there have the same zeros.</summary>
        public string Densities()
        {
            var x = samples.InputsOf(0).ToArray();
            var parameters = network.Parameters;
            var text = $"inputs {Density(x):P0}, hidden layers";
            var offset = 0;
            int[] widths = [Inputs, .. Hidden];
            foreach (var (width, units) in widths.Zip(Hidden))
            {
                var y = new float[Batch * units];
                for (var i = 0; i < y.Length; i++)
                {
                    var sum = parameters[offset + width * units + i % units];
                    for (var k = 0; k < width; k++)
                        sum += x[i / units * width + k] * parameters[offset + k * units + i % units];
                    y[i] = Math.Max(0, sum);
                }

                text += $" {Density(y):P0}";
                x = y;
                offset += (width + 1) * units;
            }

            return text;
        }

        public void Dispose() => network.Dispose();

        private static double Density(float[] numbers) => (double)numbers.Count(number => number != 0) / numbers.Length;

        private void Note(int part, long start, long end) =>
            parts[part] = Math.Min(parts[part], Stopwatch.GetElapsedTime(start, end).TotalSeconds);
    }
}
