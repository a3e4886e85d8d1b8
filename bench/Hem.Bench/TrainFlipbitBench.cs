using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Tasks;

namespace Hem.Bench;

/// <summary>
/// Whole hEM training on flip bit 25, evaluation included, against the same in plain PyTorch (bench/peers/train_flipbit.py): same sizes,
/// episodes and updates, each in a process of its own on the same single core, one after the other; PyTorch with the OpenBLAS kernels and
/// the Adam that are fastest for it in a first, short look. Start-up and one warm-up iteration are not counted.
/// </summary>
internal static class TrainFlipbitBench
{
    private const string Ours = "--ours";
    private const string Python = "/usr/bin/python3";
    private static readonly string[] Adams = ["single", "foreach"];

    public static int Run(string[] args)
    {
        if (args is [Ours, ..])
            return Train(args[1..].Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToArray());

        int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
        double wide = Compare("batch 1920 (30 workers x 64)", iterations: 3, workers: 30, Math.Max(1, rounds - 2));
        double narrow = Compare("batch 64 (1 worker)", iterations: 50, workers: 1, rounds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"train-flipbit batch=1920 ratio={wide:F2}"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"train-flipbit ratio={narrow:F2} batch=64 peer=pytorch unit=pytorch-time/ours"));
        return 0;
    }

    private static double Compare(string what, int iterations, int workers, int rounds)
    {
        var ours = new List<double>();
        var peers = new List<double>();
        int core = Cores.Last();
        var (blas, adam) = BestSettings(core, iterations, workers, turns: workers == 1 ? 3 : 1);
        Console.WriteLine($"{what}: PyTorch at its best with OPENBLAS_CORETYPE {blas ?? "unset"}, Adam {adam}");
        for (int round = 1; round <= rounds; round++)
        {
            (double Seconds, double Success) mine = Measure(
                core, null, Environment.ProcessPath!, "train-flipbit", Ours, Text(iterations), Text(workers), Text(round));
            (double Seconds, double Success) peer = Measure(
                core, blas, Python, Peer(), "--adam", adam,
                "--iterations", Text(iterations), "--workers", Text(workers), "--seed", Text(round));
            ours.Add(mine.Seconds);
            peers.Add(peer.Seconds);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what}, {iterations} iterations, round {round}: ours {mine.Seconds:F2} s (success {mine.Success:F2}), "
                + $"PyTorch {peer.Seconds:F2} s (success {peer.Success:F2}), ratio {peer.Seconds / mine.Seconds:F2}"));
        }

        double ratio = peers.Min() / ours.Min();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what}, best of {rounds}: ours {ours.Min():F2} s, PyTorch {peers.Min():F2} s, ratio {ratio:F2} "
            + $"(of medians {Median(peers) / Median(ours):F2})"));
        return ratio;
    }

    /// <summary>The child that trains: prints the same line as the peer.</summary>
    private static int Train(int[] options)
    {
        var settings = new HemSettings { Iterations = options[0], Workers = options[1] };
        var host = new Host();
        using (var warm = new HemAlgorithm(settings with { Iterations = 1 }, options[2], new FlipBit(25)))
            warm.Train(host);
        host.Curve.Clear();
        using var algorithm = new HemAlgorithm(settings, options[2], new FlipBit(25));
        var clock = Stopwatch.StartNew();
        algorithm.Train(host);
        string curve = string.Join(", ", host.Curve.Select(rate => rate.ToString(CultureInfo.InvariantCulture)));
        string seconds = clock.Elapsed.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        Console.WriteLine($$"""{"seconds": {{seconds}}, "curve": [{{curve}}]}""");
        return 0;
    }

    /// <summary>
    /// What PyTorch is fastest with here: the best of a few short trainings for every choice of OpenBLAS kernels and of Adam, in turns.
    /// </summary>
    private static (string? OpenBlasCore, string Adam) BestSettings(int core, int iterations, int workers, int turns)
    {
        var choices = Cores.OpenBlasChoices.SelectMany(blas => Adams.Select(adam => (Blas: blas, Adam: adam))).ToArray();
        var best = new double[choices.Length];
        Array.Fill(best, double.PositiveInfinity);
        string shortened = Text(Math.Max(1, iterations / 10));
        for (int turn = 0; turn < turns; turn++)
        {
            for (int i = 0; i < choices.Length; i++)
            {
                (double seconds, _) = Measure(
                    core, choices[i].Blas, Python, Peer(), "--adam", choices[i].Adam,
                    "--iterations", shortened, "--workers", Text(workers));
                best[i] = Math.Min(best[i], seconds);
            }
        }

        return choices[Array.IndexOf(best, best.Min())];
    }

    /// <summary>Runs a child on a core.</summary>
    private static (double Seconds, double Success) Measure(int core, string? openBlasCore, string program, params string[] arguments)
    {
        using Process process = Process.Start(Cores.On(core, openBlasCore, program, arguments))!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
        using JsonDocument result = JsonDocument.Parse(output);
        return (
            result.RootElement.GetProperty("seconds").GetDouble(),
            result.RootElement.GetProperty("curve").EnumerateArray().TakeLast(5).Average(rate => rate.GetDouble()));
    }

    private static string Peer()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "bench", "peers", "train_flipbit.py");
            if (File.Exists(path))
                return path;
        }

        throw new FileNotFoundException("bench/peers/train_flipbit.py is not above " + AppContext.BaseDirectory);
    }

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private sealed class Host : ITrainingHost
    {
        public List<double> Curve { get; } = [];

        public bool LeaveNow => false;

        public bool Continue() => true;

        public void Evaluated(Evaluation point) => Curve.Add(point.SuccessRate);
    }
}
