using System.Diagnostics;
using Hem.Trainer;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;
using Trainer.Tests.Networks;

namespace Trainer.Tests.Algorithms;

public class HpgTests(ITestOutputHelper output)
{
    private static readonly HpgSettings Tiny = new()
    {
        Iterations = 4,
        Workers = 2,
        N = 3,
        Updates = 1,
        HiddenLayers = 2,
        HiddenUnits = 24,
        EvaluationEpisodes = 20,
    };

    private static readonly HpgSettings Usual = new()
    {
        Iterations = 200,
        Workers = 1,
        N = 16,
        Updates = 1,
        HiddenLayers = 2,
        EvaluateEvery = 20,
    };

    [Theory]
    [InlineData(Baseline.None, false)]
    [InlineData(Baseline.None, true)]
    [InlineData(Baseline.Value, true)]
    [InlineData(Baseline.Value, false)]
    internal void The_gradient_is_that_of_the_estimator_written_out(Baseline baseline, bool stopOnSuccess)
    {
        using HpgAlgorithm algorithm = WithABatch(baseline, stopOnSuccess, out IDiscreteTask task);
        double loss = algorithm.Gradient(new RecordingHost())!.Value;
        double[] parameters = Array.ConvertAll(algorithm.Policy.Parameters.ToArray(), value => (double)value);
        List<HpgTerm> terms = Terms(algorithm, task);
        double exact = WrittenOut(algorithm, parameters, terms);
        loss.ShouldBe(exact, 1e-4 * Math.Abs(exact));
        double[] differences = DoubleNetwork.Differences(parameters, p => WrittenOut(algorithm, p, terms));
        NetworkSamples.RelativeError(algorithm.Policy.Gradients, differences).ShouldBeLessThan(2e-5);

        if (algorithm.Critic is { } value)
        {
            double[] values = Array.ConvertAll(value.Parameters.ToArray(), v => (double)v);
            double[] fixedValues = [.. values];
            double[] expected = DoubleNetwork.Differences(values, p => TemporalDifference(algorithm, task, p, fixedValues));
            NetworkSamples.RelativeError(value.Gradients, expected).ShouldBeLessThan(2e-5);
        }
    }

    [Fact]
    public void It_learns_flip_bit_8_from_3200_episodes()
    {
        var host = new RecordingHost();
        using var algorithm = new HpgAlgorithm(
            Usual with { N = 2, Iterations = 1600, EvaluateEvery = 160 }, 1, new FlipBit(8, startAtZero: true));
        algorithm.Train(host).ShouldBeTrue();
        output.WriteLine(string.Join(' ', host.Curve.Select(point => $"{point.Trajectories}:{point.SuccessRate:F2}")));
        host.Curve[0].SuccessRate.ShouldBeLessThan(0.3);
        host.Curve[^1].SuccessRate.ShouldBeGreaterThan(0.97);
    }

    [Fact]
    public void It_learns_flip_bit_16_in_pairs_of_episodes()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }, "long: runs in make soak");
        var host = new RecordingHost();
        using var algorithm = new HpgAlgorithm(
            Usual with { N = 2, Iterations = 12_000, EvaluateEvery = 400 }, 1, new FlipBit(16, startAtZero: true));
        algorithm.Train(host).ShouldBeTrue();
        output.WriteLine(string.Join(' ', host.Curve.Select(point => $"{point.Trajectories}:{point.SuccessRate:F2}")));
        host.Curve.TakeLast(5).Average(point => point.SuccessRate).ShouldBeGreaterThan(0.95);
    }

    [Fact]
    public void Its_value_baseline_does_not_keep_it_from_learning()
    {
        var host = new RecordingHost();
        HpgSettings settings = Usual with { Baseline = Baseline.Value, Iterations = 80 };
        using var algorithm = new HpgAlgorithm(settings, 1, new FlipBit(5, startAtZero: true));
        algorithm.Train(host).ShouldBeTrue();
        output.WriteLine(string.Join(' ', host.Curve.Select(point => $"{point.Trajectories}:{point.SuccessRate:F2}")));
        host.Curve.Max(point => point.SuccessRate).ShouldBeGreaterThan(0.4);
    }

    /// <summary>Written out, 16 episodes of flip bit 25 are about 416 goals times 400 steps, each forward and back.</summary>
    [Fact]
    public void What_cannot_matter_is_not_computed()
    {
        using var algorithm = new HpgAlgorithm(
            Usual with { Iterations = 4, EvaluateEvery = 4, EvaluationEpisodes = 1 }, 1, new FlipBit(25, startAtZero: true));
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        algorithm.Train(new RecordingHost()).ShouldBeTrue();
        TimeSpan taken = Process.GetCurrentProcess().TotalProcessorTime - before;
        (long forward, long backward) = algorithm.RowsTaken;
        output.WriteLine(
            $"{forward / 4} rows forward, {backward / 4} back in an update, {taken.TotalMilliseconds / 4:F0} ms of processor time");
        forward.ShouldBeInRange(4 * 50_000, 4 * 100_000);
        backward.ShouldBeInRange(4 * 3_000, 4 * 8_000);
    }

    [Theory]
    [InlineData(1, KernelWidth.Bits128, null)]
    [InlineData(1, KernelWidth.Bits256, null)]
    [InlineData(3, KernelWidth.Auto, null)]
    [InlineData(1, KernelWidth.Auto, 7)]
    [InlineData(1, KernelWidth.Auto, 1)]
    public void Threads_widths_and_parts_do_not_change_a_bit(int threads, KernelWidth kernels, int? rowsPerPart)
    {
        foreach (Baseline baseline in (Baseline[])[Baseline.None, Baseline.Value])
        {
            HpgSettings settings = Tiny with { HiddenUnits = 70, Baseline = baseline };
            byte[] expected = StateAfterTraining(settings, 1, KernelWidth.Auto, null, out List<Evaluation> curve);
            StateAfterTraining(settings, threads, kernels, rowsPerPart, out List<Evaluation> other).ShouldBe(expected);
            other.ShouldBe(curve);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Left_at_any_step_or_in_the_midst_of_one_it_goes_on_alike(bool baseline)
    {
        HpgSettings settings = Tiny with { Baseline = baseline ? Baseline.Value : Baseline.None };
        var task = new FourRooms(CellEncoding.Raw);
        List<Evaluation> expected = Train(settings, task);
        for (long leaveAt = 0; leaveAt < 9; leaveAt++)
        {
            var first = new RecordingHost { LeaveAfter = leaveAt };
            using var left = new HpgAlgorithm(settings, 1, task);
            left.Train(first).ShouldBeFalse();
            var state = new MemoryStream();
            left.Save(new BinaryWriter(state));
            state.Position = 0;
            using var resumed = new HpgAlgorithm(settings, 1, task);
            resumed.Load(new BinaryReader(state));
            var second = new RecordingHost();
            resumed.Train(second).ShouldBeTrue();
            first.Curve.Concat(second.Curve).ShouldBe(expected);
        }

        // Often enough to come in the midst of an update, and seldom enough for one to be completed between two of them.
        int asked = 0, times = 0, every = baseline ? 499 : 47;
        var host = new RecordingHost { Interrupt = () => ++asked % every == 0 };
        using var interrupted = new HpgAlgorithm(settings, 1, task);
        while (!interrupted.Train(host) && times < 1000)
            times++;
        times.ShouldBeInRange(1, 999);
        host.Curve.ShouldBe(expected);
    }

    [Fact]
    public void Training_allocates_next_to_nothing_once_warm()
    {
        var seen = new List<long>(64);
        var host = new RecordingHost { BetweenSteps = _ => seen.Add(GC.GetAllocatedBytesForCurrentThread()) };
        using var algorithm = new HpgAlgorithm(Tiny with { Iterations = 30 }, 1, new FlipBit(12));
        algorithm.Train(host);

        // An on-policy step copies the streams of the workers.
        ((seen[^1] - seen[^21]) / 10).ShouldBeLessThan(500);
    }

    /// <summary>One of flip bit 4, of six episodes under a policy that is not uniform, after its update.</summary>
    internal static HpgAlgorithm WithABatch(Baseline baseline, bool stopOnSuccess, out IDiscreteTask task)
    {
        task = new FlipBit(4);
        HpgSettings settings = Tiny with { Iterations = 1, HiddenUnits = 10, Baseline = baseline, StopOnSuccess = stopOnSuccess };
        var algorithm = new HpgAlgorithm(settings, 1, task, rowsPerPart: 13);
        NetworkSamples.Numbers(algorithm.Policy.Parameters.Length, 4).CopyTo(algorithm.Policy.Parameters);
        if (algorithm.Critic is { } critic)
            NetworkSamples.Numbers(critic.Parameters.Length, 5).CopyTo(critic.Parameters);
        algorithm.Train(new RecordingHost()).ShouldBeTrue();
        return algorithm;
    }

    private static List<Evaluation> Train(HpgSettings settings, IDiscreteTask task)
    {
        var host = new RecordingHost();
        using var algorithm = new HpgAlgorithm(settings, 1, task);
        algorithm.Train(host).ShouldBeTrue();
        return host.Curve;
    }

    private static byte[] StateAfterTraining(
        HpgSettings settings, int threads, KernelWidth kernels, int? rowsPerPart, out List<Evaluation> curve)
    {
        var host = new RecordingHost();
        using var algorithm = new HpgAlgorithm(settings, 1, new FlipBit(7), threads, kernels, rowsPerPart);
        algorithm.Train(host);
        curve = host.Curve;
        var state = new MemoryStream();
        algorithm.Save(new BinaryWriter(state));
        return state.ToArray();
    }

    /// <summary>Minus the sum of J_g: log pi(a | s, g) of every term, by the parameters given, times its advantage.</summary>
    private static double WrittenOut(HpgAlgorithm algorithm, double[] parameters, IEnumerable<HpgTerm> terms) =>
        -terms.Sum(term => Math.Log(Probabilities(algorithm, parameters, term.Input)[term.Action]) * term.Advantage);

    /// <summary>
    /// What the sum of J_g over all goals that occur is a sum of, by the formulas and nothing else; weights and advantages with the
    /// parameters as they are.
    /// </summary>
    internal static List<HpgTerm> Terms(HpgAlgorithm algorithm, IDiscreteTask task)
    {
        int episodes = 6, horizon = task.Horizon;
        double[] parameters = Array.ConvertAll(algorithm.Policy.Parameters.ToArray(), value => (double)value);
        float[] Input(int i, int t, byte[] goal)
        {
            var input = new float[task.Inputs];
            task.Encode(algorithm.Batch[i].State(t), goal, input);
            return input;
        }

        double[] P(int i, int t, byte[] goal) => Probabilities(algorithm, parameters, Input(i, t, goal));

        var goals = new HashSet<byte>();
        for (int i = 0; i < episodes; i++)
        {
            for (int t = 0; t <= algorithm.Batch[i].Length; t++)
                goals.Add(algorithm.Batch[i].State(t)[0]);
        }

        List<HpgTerm> terms = [];
        foreach (byte g in goals)
        {
            byte[] goal = [g];
            var rho = new double[episodes, horizon + 1];
            for (int i = 0; i < episodes; i++)
            {
                Trajectory trajectory = algorithm.Batch[i];
                double product = 1;
                for (int t = 1; t <= horizon; t++)
                {
                    if (t <= trajectory.Length)
                    {
                        int a = trajectory.Action(t - 1)[0];
                        product *= P(i, t - 1, goal)[a] / P(i, t - 1, trajectory.Goal.ToArray())[a];
                    }

                    rho[i, t] = (t <= trajectory.Length ? product : 0) + 1e-12;
                }
            }

            double W(int i, int t) => rho[i, t] / Enumerable.Range(0, episodes).Sum(j => rho[j, t]);
            for (int i = 0; i < episodes; i++)
            {
                Trajectory trajectory = algorithm.Batch[i];
                int arrival = 0;
                for (int t = trajectory.Length; t >= 1; t--)
                    arrival = trajectory.State(t)[0] == g ? t : arrival;
                for (int t = 1; t <= trajectory.Length; t++)
                {
                    double advantage = t <= arrival ? W(i, arrival) * (horizon + 1 - arrival) : 0;
                    if (algorithm.Critic is { } critic)
                    {
                        double[] values = Array.ConvertAll(critic.Parameters.ToArray(), value => (double)value);
                        advantage -= W(i, t) * Value(algorithm, task, values, i, t, goal);
                    }

                    terms.Add(new HpgTerm(Input(i, t - 1, goal), trajectory.Action(t - 1)[0], advantage / episodes));
                }
            }
        }

        return terms;
    }

    private static double[] Probabilities(HpgAlgorithm algorithm, double[] parameters, float[] input)
    {
        double[] logits = DoubleNetwork.Forward(
            algorithm.Policy.Description, parameters, Array.ConvertAll(input, value => (double)value), 1);
        double[] e = [.. logits.Select(logit => Math.Exp(logit - logits.Max()))];
        return [.. e.Select(value => value / e.Sum())];
    }

    private static double Value(HpgAlgorithm algorithm, IDiscreteTask task, double[] parameters, int i, int t, byte[] goal)
    {
        var input = new float[task.Inputs + 1];
        task.Encode(algorithm.Batch[i].State(t - 1), goal, input.AsSpan(0, task.Inputs));
        input[^1] = t;
        return DoubleNetwork.Forward(
            algorithm.Critic!.Description, parameters, Array.ConvertAll(input, value => (double)value), 1)[0];
    }

    private static double TemporalDifference(HpgAlgorithm algorithm, IDiscreteTask task, double[] parameters, double[] fixedParameters)
    {
        double sum = 0;
        int steps = 0;
        for (int i = 0; i < 6; i++)
        {
            Trajectory trajectory = algorithm.Batch[i];
            byte[] goal = trajectory.Goal.ToArray();
            int arrival = 0;
            for (int t = trajectory.Length; t >= 1; t--)
                arrival = trajectory.State(t)[0] == goal[0] ? t : arrival;
            for (int t = 1; t <= trajectory.Length; t++, steps++)
            {
                double target = (t == arrival ? task.Horizon + 1 - t : 0)
                    + (t < trajectory.Length ? Value(algorithm, task, fixedParameters, i, t + 1, goal) : 0);
                sum += Math.Pow(Value(algorithm, task, parameters, i, t, goal) - target, 2);
            }
        }

        return sum / steps;
    }
}

/// <summary>log pi(action | input) times advantage: one term of HPG's estimator.</summary>
internal sealed record HpgTerm(float[] Input, int Action, double Advantage);
