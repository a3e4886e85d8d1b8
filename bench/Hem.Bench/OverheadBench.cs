using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Results;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Replay;
using Hem.Trainer.Trials;

namespace Hem.Bench;

/// <summary>
/// What Hem costs: a sweep of trials whose training loop burns a known amount of processor time, run by the real `hem` with the trainer's
/// own start, connection, reports and end around that loop. ratio = ideal time / time from start to exit of `hem run`, where the ideal is
/// trials x seconds / slots by the clock; beside it the same loops in bare processes, one a slot, run before and after: what the
/// machine takes from any program is no cost of Hem's.
/// </summary>
internal static partial class OverheadBench
{
    private const int Slots = 2;
    private const int Points = 10;

    /// <param name="arguments">None, or TRIALS SECONDS for a quick look.</param>
    public static int Run(string[] arguments)
    {
        if (Environment.ProcessorCount < Slots) Console.WriteLine($"warning: {Slots} slots on {Environment.ProcessorCount} core");
        string repository = Repository();
        string trainer = Path.Combine(AppContext.BaseDirectory, "hem-bench");
        var (trials, seconds) = arguments is [var count, var each]
            ? (int.Parse(count, CultureInfo.InvariantCulture), double.Parse(each, CultureInfo.InvariantCulture))
            : (40, 5);
        if (arguments.Length == 0)
        {
            var (brief, briefBeside) = Measure(repository, trainer, trials: 200, seconds: 1);
            Console.WriteLine(Text($"200 trials of 1 s: ratio {brief:0.000} (at least 0.85), {briefBeside:0.000} against bare processes"));
        }

        var (ratio, beside) = Measure(repository, trainer, trials, seconds);
        Console.WriteLine(Text($"overhead ratio={ratio:0.000} ({beside:0.000} against bare processes)"));
        return 0;
    }

    /// <summary>`hem-bench overhead-trial SECONDS`: a trial, with the trainer's own plumbing around a loop that only burns time.</summary>
    public static int RunTrial(string seconds)
    {
        TrialEnvironment environment = TrialEnvironment.Read(Environment.GetEnvironmentVariable);
        var log = new Log(Console.Error, TimeProvider.System);
        TrialDocument trial = TrialDocument.Parse(environment.Trial).Document!;
        using ProgressClient progress = ProgressClient.Start(new ProgressClientOptions
        {
            Address = environment.ProgressAddress,
            Trial = trial.Name,
            Attempt = environment.Attempt,
            TokenFile = environment.TokenFile!,
            Log = log.Line,
        });
        if (!progress.Granted.GetAwaiter().GetResult()) return ExitCode.Left;
        var checkpoints = new CheckpointFolder(
            environment.CheckpointFolder!, Identity.TrialHash(trial.Parameters, trial.Seed), "overhead", log.Line);
        using var burner = new Burner(double.Parse(seconds, CultureInfo.InvariantCulture));
        return new TrialRun(burner, checkpoints, progress, TimeSpan.FromMinutes(1), TimeProvider.System, log, CancellationToken.None).Run();
    }

    /// <summary>`hem-bench overhead-bare SECONDS`: the loop alone.</summary>
    public static int RunBare(string seconds)
    {
        using var burner = new Burner(double.Parse(seconds, CultureInfo.InvariantCulture));
        var watch = Stopwatch.StartNew();
        burner.Burn(until: 1);
        Console.WriteLine(Text($"{watch.Elapsed.TotalSeconds}"));
        return 0;
    }

    private static (double Ratio, double Beside) Measure(string repository, string trainer, int trials, double seconds)
    {
        double ideal = trials * seconds / Slots;
        double before = Bare(trainer, ideal / 4);
        double real = Sweep(repository, trainer, trials, seconds);
        double after = Bare(trainer, ideal / 4);
        return (ideal / real, (before + after) * 2 / real);
    }

    /// <summary>Seconds that bare processes, one a slot, take for so much processor time each.</summary>
    private static double Bare(string trainer, double seconds)
    {
        Process[] burning = [.. Enumerable.Range(0, Slots).Select(_ => Process.Start(
            new ProcessStartInfo(trainer, ["overhead-bare", Text($"{seconds}")]) { RedirectStandardOutput = true })!)];
        return burning.Average(process =>
        {
            using (process) return double.Parse(process.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture);
        });
    }

    private static double Sweep(string repository, string trainer, int trials, double seconds)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("hem-overhead-");
        try
        {
            string file = Path.Combine(folder.FullName, "sweep.yaml"), store = Path.Combine(folder.FullName, "store");
            File.WriteAllText(file, Text($$"""
                apiVersion: hem.dev/v1alpha1
                kind: HemSweep
                metadata: {name: overhead}
                spec:
                  base: {algorithm: hem, task: flipbit-2, iterations: {{Points}}}
                  seeds: {count: {{trials}}}
                  parallelism: {{Slots}}
                  trainer: {command: ['{{trainer}}', overhead-trial, '{{seconds}}']}
                """));
            var watch = Stopwatch.StartNew();
            using Process hem = Process.Start(
                new ProcessStartInfo(Path.Combine(repository, "bin/hem"), ["run", file, "--store", store, "--plain"])
                {
                    RedirectStandardOutput = true,
                })!;
            string output = hem.StandardOutput.ReadToEnd();
            hem.WaitForExit();
            double real = watch.Elapsed.TotalSeconds;
            if (hem.ExitCode != 0) throw new InvalidOperationException($"hem run ended with {hem.ExitCode}:\n{output}");
            Explain(store, trials, seconds, real);
            return real;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Where the time went: in trials outside their loop, between trials, and before and after all of them.</summary>
    private static void Explain(string directory, int trials, double seconds, double real)
    {
        using ResultStore store = ResultStore.OpenReadOnly(directory);
        string uid = store.FindSweep("overhead")!.Uid;
        AttemptRecord[] attempts = [.. store.ReadAttempts(uid).OrderBy(attempt => attempt.Started)];
        double alive = attempts.Average(attempt => (attempt.Ended!.Value - attempt.Started).TotalSeconds);
        double loop = store.ReadTrials(uid).Average(trial => trial.Finished!.WallSeconds);
        double span = (attempts.Max(attempt => attempt.Ended!.Value) - attempts[0].Started).TotalSeconds;
        double between = (span * Slots - alive * trials) / trials;
        Console.WriteLine(
            Text($"{trials} trials of {seconds} s in {real:0.0} s, of which hem before the first and after the last {real - span:0.00} s"));
        Console.WriteLine(
            Text($"  a trial: {loop * 1000:0} ms of loop, {(alive - loop) * 1000:0} ms around it, {between * 1000:0} ms to the next"));
    }

    private static string Repository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Hem.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("run this from the repository's artifacts folder");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Burns processor time of its thread: waiting for a core does not count.</summary>
    private sealed partial class Burner(double seconds) : IAlgorithm
    {
        private const int ThreadCpuClock = 3;
        private double? start;
        private double sum = 1;

        public long Iteration { get; private set; }

        public bool StoppedEarly => false;

        public ReplayBuffer? Replay => null;

        /// <summary>Up to this share of all the seconds since the first call.</summary>
        public void Burn(double until)
        {
            start ??= CpuSeconds();
            while (CpuSeconds() - start < seconds * until)
            {
                for (int i = 0; i < 10_000; i++) sum = Math.FusedMultiplyAdd(sum, 0.999999, 1e-6);
            }
        }

        public bool Train(ITrainingHost host)
        {
            while (Iteration < Points)
            {
                if (!host.Continue()) return false;
                Burn((Iteration + 1.0) / Points);
                Iteration++;
                host.Evaluated(new Evaluation(Iteration, Iteration, Iteration, Iteration, Math.Min(1, sum), double.NaN));
            }

            return true;
        }

        public void Save(BinaryWriter writer) => writer.Write(Iteration);

        public void Load(BinaryReader reader) => Iteration = reader.ReadInt64();

        public void Dispose()
        {
        }

        private static double CpuSeconds()
        {
            _ = clock_gettime(ThreadCpuClock, out Timespec time);
            return time.Seconds + time.Nanoseconds * 1e-9;
        }

        [StructLayout(LayoutKind.Sequential)]
        private struct Timespec
        {
            public long Seconds;
            public long Nanoseconds;
        }

        [LibraryImport("libc")]
        private static partial int clock_gettime(int clock, out Timespec time);
    }
}
