using System.Diagnostics;
using System.Globalization;
using Hem.Trainer;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Networks;
using Hem.Trainer.Tasks;

namespace Hem.Bench;

/// <summary>
/// hEM on fetch-reach, 20 iterations from a fixed seed on one thread, against what its parts take alone: Debian's `mujoco-testspeed` for
/// the same number of simulator steps, and the M-steps on a batch that lies ready. After every iteration each part takes its turn on the
/// same core, while the training's clock stands.
/// </summary>
internal static class TrainFetchReachBench
{
    private const int Iterations = 20;
    private const int Substeps = 20;   // simulator steps of an action
    private const int StepsPerTurn = 15_000, UpdatesPerTurn = 10;

    public static int Run(string[] args)
    {
        int iterations = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : Iterations;
        int core = Cores.Last();
        Cores.PinTo(core);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("hem-bench-");
        try
        {
            var settings = new HemSettings { Iterations = iterations, Workers = 4, EvaluationEpisodes = 50 };
            var task = new Fetch(FetchSettings.Reach, normalize: true);
            using (var warm = new HemAlgorithm(settings with { Iterations = 2 }, 2, task))
                warm.Train(new Turns(() => { }));

            string model = TestSpeed.WriteModel(task, folder.FullName);
            using var kernels = new MSteps(task, settings);
            var counted = new Counted(task);
            using var algorithm = new HemAlgorithm(settings, 1, counted);
            var clock = new Stopwatch();
            double simulator = 0, updating = 0;
            long actions = 0, rounds = 0;
            var host = new Turns(() =>
            {
                clock.Stop();
                simulator += (counted.Actions - actions) * Substeps / TestSpeed.StepsPerSecond(core, model, StepsPerTurn);
                updating += (rounds++ == 0 ? 0 : settings.Updates) * kernels.SecondsPerStep(UpdatesPerTurn);
                actions = counted.Actions;
                clock.Start();
            });
            clock.Start();
            algorithm.Train(host);
            clock.Stop();

            double wall = clock.Elapsed.TotalSeconds;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{iterations} iterations, {actions * Substeps} simulator steps, {iterations * settings.Updates} updates of "
                + $"{settings.Workers * settings.BatchSize} rows, on core {core}; success {host.SuccessRate:F2}"));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"train-fetch-reach ratio={(simulator + updating) / wall:F3} wall_s={wall:F2} testspeed_s={simulator:F2} "
                + $"kernels_s={updating:F2}"));
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The others' turns come after each evaluation.</summary>
    private sealed class Turns(Action turn) : ITrainingHost
    {
        public double SuccessRate { get; private set; }

        public bool LeaveNow => false;

        public bool Continue() => true;

        public void Evaluated(Evaluation point)
        {
            SuccessRate = point.SuccessRate;
            turn();
        }
    }

    /// <summary>M-steps on one batch, of the same network.</summary>
    private sealed class MSteps : IDisposable
    {
        private readonly INetwork network;
        private readonly Adam adam;
        private readonly int batch, outputs;
        private readonly float[] inputs, actions, gradient;

        public MSteps(Fetch task, HemSettings settings)
        {
            (batch, outputs) = (settings.Workers * settings.BatchSize, task.ActionSize);
            var description = NetworkDescription.Of(
                task.Input, 0, settings.HiddenLayers, settings.HiddenUnits, outputs, Initialization.XavierUniform);
            var random = new Random(1);
            network = ManagedBackend.Create(description, random);
            adam = new Adam(network);
            inputs = Numbers(batch * task.Input.Total);
            actions = Numbers(batch * outputs);
            gradient = new float[batch * outputs];
            SecondsPerStep(50);

            float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => 2 * random.NextSingle() - 1)];
        }

        public double SecondsPerStep(int steps)
        {
            var clock = Stopwatch.StartNew();
            for (int i = 0; i < steps; i++)
            {
                Losses.GaussianNegativeLogLikelihood(network.Forward(inputs, batch), actions, outputs, sigma: 1, gradient, batch);
                network.Backward(gradient, batch);
                adam.Step();
            }

            return clock.Elapsed.TotalSeconds / steps;
        }

        public void Dispose() => network.Dispose();
    }

    /// <summary>Counts the actions that are simulated, those of evaluations included.</summary>
    private sealed class Counted(Fetch task) : IContinuousTask
    {
        public long Actions { get; private set; }

        public string Name => task.Name;

        public int Horizon => task.Horizon;

        public int ActionSize => task.ActionSize;

        public int StateBytes => task.StateBytes;

        public int GoalBytes => task.GoalBytes;

        public int SimulationBytes => task.SimulationBytes;

        public InputShape Input => task.Input;

        public bool IsDeterministic => task.IsDeterministic;

        public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal) =>
            task.Reset(ref random, simulation, state, goal);

        public StepOutcome Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, ReadOnlySpan<float> action)
        {
            Actions++;
            return task.Step(ref random, simulation, state, action);
        }

        public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) => task.AchievedGoal(state, goal);

        public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) => task.IsSuccess(state, goal);

        public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input) => task.Encode(state, goal, input);
    }
}
