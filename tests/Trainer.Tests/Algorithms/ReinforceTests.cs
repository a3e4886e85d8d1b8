using System.Runtime.InteropServices;
using Hem.Trainer;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;
using Trainer.Tests.Networks;

namespace Trainer.Tests.Algorithms;

public class ReinforceTests(ITestOutputHelper output)
{
    private static readonly ReinforceSettings Tiny = new()
    {
        Iterations = 4,
        Workers = 2,
        N = 8,
        Updates = 1,
        HiddenLayers = 2,
        HiddenUnits = 20,
        EvaluationEpisodes = 20,
    };

    [Theory]
    [InlineData(Baseline.None, false)]
    [InlineData(Baseline.Value, false)]
    [InlineData(Baseline.Optimal, false)]
    [InlineData(Baseline.None, true)]
    [InlineData(Baseline.Value, true)]
    [InlineData(Baseline.Optimal, true)]
    internal void The_gradient_is_that_of_the_estimator_written_out(Baseline baseline, bool continuous)
    {
        ITask task = continuous ? new Throw() : new FlipBit(4);
        ReinforceSettings settings = Tiny with { Iterations = 1, HiddenUnits = 9, Baseline = baseline, PolicySigma = 0.5 };
        using var algorithm = new ReinforceAlgorithm(settings, 1, task, rowsPerPart: 7);
        algorithm.Train(new RecordingHost()).ShouldBeTrue();
        algorithm.Gradient(new RecordingHost()).ShouldNotBeNull();

        double[] parameters = Array.ConvertAll(algorithm.Policy.Parameters.ToArray(), value => (double)value);
        double[] frozen = [.. parameters];
        double[] differences = DoubleNetwork.Differences(parameters, p => WrittenOut(algorithm, task, baseline, p, frozen));
        differences.Max(Math.Abs).ShouldBeGreaterThan(1e-4);
        NetworkSamples.RelativeError(algorithm.Policy.Gradients, differences).ShouldBeLessThan(2e-5);
        if (algorithm.Critic is { } critic)
        {
            double[] values = Array.ConvertAll(critic.Parameters.ToArray(), value => (double)value);
            NetworkSamples.RelativeError(critic.Gradients, DoubleNetwork.Differences(values, p => ValueLoss(algorithm, task, p)))
                .ShouldBeLessThan(2e-5);
        }
    }

    [Theory]
    [InlineData(Baseline.None)]
    [InlineData(Baseline.Value)]
    [InlineData(Baseline.Optimal)]
    internal void It_learns_flip_bit_4(Baseline baseline)
    {
        ReinforceSettings settings = Tiny with
        {
            Iterations = 120,
            N = 50,
            HiddenUnits = 64,
            Baseline = baseline,
            LearningRate = 3e-3,
            EvaluationEpisodes = 200,
            EvaluateEvery = 15,
        };
        List<Evaluation> curve = Train(settings, new FlipBit(4));
        output.WriteLine(string.Join(' ', curve.Select(point => $"{point.Trajectories}:{point.SuccessRate:F2}")));
        curve[0].SuccessRate.ShouldBeLessThan(0.5);
        curve[^1].SuccessRate.ShouldBeGreaterThan(0.8);
    }

    [Fact]
    public void It_learns_where_to_throw()
    {
        ReinforceSettings settings = Tiny with
        {
            Iterations = 60,
            N = 50,
            HiddenUnits = 32,
            LearningRate = 3e-3,
            PolicySigma = 0.4,
            EvaluationEpisodes = 200,
            EvaluateEvery = 15,
        };
        List<Evaluation> curve = Train(settings, new Throw());
        output.WriteLine(string.Join(' ', curve.Select(point => $"{point.Trajectories}:{point.SuccessRate:F2}")));
        curve[0].SuccessRate.ShouldBeLessThan(0.5);
        curve[^1].SuccessRate.ShouldBeGreaterThan(0.8);
    }

    [Theory]
    [InlineData(1, KernelWidth.Bits128, null)]
    [InlineData(1, KernelWidth.Bits256, null)]
    [InlineData(3, KernelWidth.Auto, null)]
    [InlineData(1, KernelWidth.Auto, 5)]
    public void Threads_widths_and_parts_do_not_change_a_bit(int threads, KernelWidth kernels, int? rowsPerPart)
    {
        foreach (Baseline baseline in Enum.GetValues<Baseline>())
        {
            foreach (ITask task in (ITask[])[new FlipBit(4), new Throw()])
            {
                ReinforceSettings settings = Tiny with { HiddenUnits = 70, Baseline = baseline };
                StateAfterTraining(settings, task, threads, kernels, rowsPerPart)
                    .ShouldBe(StateAfterTraining(settings, task, 1, KernelWidth.Auto, null));
            }
        }
    }

    [Fact]
    public void Left_at_any_step_or_in_the_midst_of_one_it_goes_on_alike()
    {
        ReinforceSettings settings = Tiny with { Baseline = Baseline.Value };
        foreach (ITask task in (ITask[])[new FlipBit(4), new Throw()])
        {
            List<Evaluation> expected = Train(settings, task);
            for (long leaveAt = 0; leaveAt < 9; leaveAt++)
            {
                var first = new RecordingHost { LeaveAfter = leaveAt };
                using var left = new ReinforceAlgorithm(settings, 1, task);
                left.Train(first).ShouldBeFalse();
                var state = new MemoryStream();
                left.Save(new BinaryWriter(state));
                state.Position = 0;
                using var resumed = new ReinforceAlgorithm(settings, 1, task);
                resumed.Load(new BinaryReader(state));
                var second = new RecordingHost();
                resumed.Train(second).ShouldBeTrue();
                first.Curve.Concat(second.Curve).ShouldBe(expected);
            }

            int asked = 0, times = 0;
            var host = new RecordingHost { Interrupt = () => ++asked % 13 == 0 };
            using var interrupted = new ReinforceAlgorithm(settings, 1, task);
            while (!interrupted.Train(host) && times < 1000)
                times++;
            times.ShouldBeInRange(1, 999);
            host.Curve.ShouldBe(expected);
        }
    }

    private static List<Evaluation> Train(ReinforceSettings settings, ITask task)
    {
        var host = new RecordingHost();
        using var algorithm = new ReinforceAlgorithm(settings, 1, task);
        algorithm.Train(host).ShouldBeTrue();
        return host.Curve;
    }

    private static byte[] StateAfterTraining(
        ReinforceSettings settings, ITask task, int threads, KernelWidth kernels, int? rowsPerPart)
    {
        using var algorithm = new ReinforceAlgorithm(settings, 1, task, threads, kernels, rowsPerPart);
        algorithm.Train(new RecordingHost());
        var state = new MemoryStream();
        algorithm.Save(new BinaryWriter(state));
        return state.ToArray();
    }

    private static double[] Phi(NetworkDescription description, ITask task, double[] parameters, Trajectory trajectory, int t)
    {
        var input = new float[task.Inputs];
        task.Encode(trajectory.State(t), trajectory.Goal, input);
        return DoubleNetwork.Forward(description, parameters, Array.ConvertAll(input, value => (double)value), 1);
    }

    private static double Return(ITask task, Trajectory trajectory)
    {
        for (int t = 1; t <= trajectory.Length; t++)
        {
            if (task.IsSuccess(trajectory.State(t), trajectory.Goal))
                return 1;
        }

        return 0;
    }

    private static double ValueLoss(ReinforceAlgorithm algorithm, ITask task, double[] parameters)
    {
        double sum = 0;
        int steps = 0;
        for (int i = 0; i < 16; i++)
        {
            for (int t = 0; t < algorithm.Batch[i].Length; t++, steps++)
            {
                double v = Phi(algorithm.Critic!.Description, task, parameters, algorithm.Batch[i], t)[0];
                sum += Math.Pow(v - Return(task, algorithm.Batch[i]), 2);
            }
        }

        return sum / steps;
    }

    /// <summary>Minus the estimate of J whose gradient the update follows; the baseline by the frozen parameters.</summary>
    private static double WrittenOut(ReinforceAlgorithm algorithm, ITask task, Baseline baseline, double[] parameters, double[] frozen)
    {
        const int Episodes = 16;
        var q = new double[Episodes];
        var r = new double[Episodes];
        for (int i = 0; i < Episodes; i++)
        {
            r[i] = Return(task, algorithm.Batch[i]);
            for (int t = 0; t < algorithm.Batch[i].Length; t++)
                q[i] += LogAndSquare(algorithm, task, frozen, i, t).Square;
        }

        double sum = 0;
        for (int i = 0; i < Episodes; i++)
        {
            for (int t = 0; t < algorithm.Batch[i].Length; t++)
            {
                double b = baseline switch
                {
                    Baseline.Value => Phi(
                        algorithm.Critic!.Description, task, Array.ConvertAll(algorithm.Critic.Parameters.ToArray(), v => (double)v),
                        algorithm.Batch[i], t)[0],
                    Baseline.Optimal => Enumerable.Range(0, Episodes).Where(j => j != i).Sum(j => q[j] * r[j])
                        / Enumerable.Range(0, Episodes).Where(j => j != i).Sum(j => q[j]),
                    _ => 0,
                };
                sum += (r[i] - b) * LogAndSquare(algorithm, task, parameters, i, t).Log / Episodes;
            }
        }

        return -sum;
    }

    private static (double Log, double Square) LogAndSquare(
        ReinforceAlgorithm algorithm, ITask task, double[] parameters, int i, int t)
    {
        double[] phi = Phi(algorithm.Policy.Description, task, parameters, algorithm.Batch[i], t);
        if (task is IDiscreteTask)
        {
            int action = algorithm.Batch[i].Action(t)[0];
            double[] p = [.. phi.Select(value => Math.Exp(value) / phi.Sum(Math.Exp))];
            return (Math.Log(p[action]), p.Select((value, j) => Math.Pow((j == action ? 1 : 0) - value, 2)).Sum());
        }

        const double Variance = 0.25;
        ReadOnlySpan<float> meant = algorithm.Meant(i, t);
        double log = 0, square = 0;
        for (int k = 0; k < phi.Length; k++)
        {
            log -= Math.Pow(meant[k] - phi[k], 2) / (2 * Variance);
            square += Math.Pow((meant[k] - phi[k]) / Variance, 2);
        }

        return (log, square);
    }

    /// <summary>Two throws at a point of the plane from anywhere: each lands where the action says, and one must come near.</summary>
    private sealed class Throw : IContinuousTask
    {
        public string Name => "throw";

        public int Horizon => 2;

        public int ActionSize => 2;

        public int StateBytes => 2 * sizeof(float);

        public int GoalBytes => StateBytes;

        public int SimulationBytes => 0;

        public InputShape Input => InputShape.OfVectors(2, 2);

        public bool IsDeterministic => true;

        public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal)
        {
            MemoryMarshal.Cast<byte, float>(state).Clear();
            foreach (ref float x in MemoryMarshal.Cast<byte, float>(goal))
                x = 1.6f * random.NextSingle() - 0.8f;
            return StepOutcome.Stepped;
        }

        public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) => state.CopyTo(goal);

        public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal)
        {
            ReadOnlySpan<float> s = MemoryMarshal.Cast<byte, float>(state), g = MemoryMarshal.Cast<byte, float>(goal);
            return MathF.Abs(s[0] - g[0]) < 0.4f && MathF.Abs(s[1] - g[1]) < 0.4f;
        }

        public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
        {
            MemoryMarshal.Cast<byte, float>(state).CopyTo(input);
            MemoryMarshal.Cast<byte, float>(goal).CopyTo(input[2..]);
        }

        public StepOutcome Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, ReadOnlySpan<float> action)
        {
            action.CopyTo(MemoryMarshal.Cast<byte, float>(state));
            return StepOutcome.Stepped;
        }
    }
}
