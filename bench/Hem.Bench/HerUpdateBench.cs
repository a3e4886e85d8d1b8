using System.Diagnostics;
using System.Globalization;
using Hem.Trainer;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Networks;
using Hem.Trainer.Networks.Kernels;
using Hem.Trainer.Tasks;

namespace Hem.Bench;

/// <summary>
/// One update of HER's actor and critic (batch 256, the inputs of fetch-reach, five hidden layers of 256 each: targets, both gradients,
/// both Adam steps) here and in PyTorch, in turns on one core, as <see cref="MStepBench"/> does it for an M-step.
/// </summary>
internal static class HerUpdateBench
{
    private const int Batch = 256;
    private const int StepsPerRound = 8;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);   // for the rounds
    private static readonly string[] Variants = ["single", "foreach"];

    public static int Run(string[] args)
    {
        int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 40;
        int core = Cores.Last();
        Cores.PinTo(core);
        var peers = new List<PyTorchPeer>();
        try
        {
            foreach (string? openBlasCore in Cores.OpenBlasChoices)
            {
                if (PyTorchPeer.Start("her_update", core, openBlasCore) is not { } peer)
                    return 1;
                peers.Add(peer);
            }

            return Compare(rounds, core, peers);
        }
        finally
        {
            foreach (PyTorchPeer peer in peers)
                peer.Dispose();
        }
    }

    private static int Compare(int rounds, int core, List<PyTorchPeer> peers)
    {
        using HerDdpgAlgorithm wide = Create(KernelWidth.Bits512), narrow = Create(KernelWidth.Bits256);
        List<double> ours = [], ours256 = [];
        var settings = peers
            .SelectMany(peer => Variants.Select(variant => (Peer: peer, Variant: variant, Times: new List<double>()))).ToArray();
        var clock = Stopwatch.StartNew();
        int done = 0;
        for (; done < rounds && (done == 0 || clock.Elapsed < Longest); done++)
        {
            Time(ours, wide);
            foreach (var setting in settings)
                setting.Times.AddRange(setting.Peer.Times(setting.Variant, StepsPerRound));
            Time(ours256, narrow);
        }

        List<double> best = KernelSet.Best.Width == 512 ? ours : ours256;
        var chosen = settings.MinBy(setting => setting.Times.Min());
        double medians = settings.Min(setting => Median(setting.Times)) / Median(best);
        Console.WriteLine($"{done} rounds of {StepsPerRound} updates each, in turns on core {core}; {peers[0].About}");
        Print("Hem, 512-bit kernels", ours);
        Print("Hem, 256-bit kernels", ours256);
        foreach (var setting in settings)
            Print($"PyTorch, {setting.Peer.Kernels}, Adam {setting.Variant}", setting.Times);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"her-update ratio={chosen.Times.Min() / best.Min():F2} median_ratio={medians:F2} ours_ms={best.Min() * 1e3:F3} "
            + $"pytorch_ms={chosen.Times.Min() * 1e3:F3} pytorch_openblas={chosen.Peer.OpenBlasCore ?? "default"} "
            + $"pytorch_adam={chosen.Variant}"));
        return 0;
    }

    private static void Print(string name, List<double> times) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{name,-46} best {times.Min() * 1e3:F3} ms, median {Median(times) * 1e3:F3} ms"));

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void Time(List<double> times, HerDdpgAlgorithm algorithm)
    {
        for (int i = 0; i < StepsPerRound; i++)
        {
            long start = Stopwatch.GetTimestamp();
            algorithm.Gradients(Batch, accumulate: false);
            algorithm.Step();
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
    }

    private static HerDdpgAlgorithm Create(KernelWidth width)
    {
        var settings = new HerSettings { Iterations = 1, Workers = 1, BatchSize = Batch, BufferTrajectories = 1 };
        var algorithm = new HerDdpgAlgorithm(settings, 1, new Shape(), kernels: width);
        var random = new Random(1);
        HerDdpgAlgorithm.Transitions sampled = algorithm.Sampled;
        foreach (float[] numbers in (float[][])[sampled.States, sampled.NextStates, sampled.Actions])
        {
            foreach (ref float number in numbers.AsSpan())
                number = 2 * random.NextSingle() - 1;
        }

        Array.Fill(sampled.Rewards, -1);
        for (int i = 0; i < 20; i++)
        {
            algorithm.Gradients(Batch, accumulate: false);
            algorithm.Step();
        }

        return algorithm;
    }

    /// <summary>A task of fetch-reach's shape, which nobody runs.</summary>
    private sealed class Shape : IContinuousTask
    {
        public string Name => "fetch-reach";

        public int Horizon => 50;

        public int ActionSize => 3;

        public InputShape Input => InputShape.OfVectors(10, 3);

        public int StateBytes => 10 * sizeof(float);

        public int GoalBytes => 3 * sizeof(float);

        public int SimulationBytes => 0;

        public bool IsDeterministic => true;

        public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal) => throw Unused();

        public StepOutcome Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, ReadOnlySpan<float> action) =>
            throw Unused();

        public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) => throw Unused();

        public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) => throw Unused();

        public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input) => throw Unused();

        private static NotSupportedException Unused() => new("the bench fills the batch itself");
    }
}
