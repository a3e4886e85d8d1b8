using Hem.Trainer;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;

namespace Trainer.Tests.Algorithms;

public class HemTests
{
    private static readonly HemSettings Tiny = new()
    {
        Iterations = 4,
        Workers = 2,
        N = 5,
        BatchSize = 16,
        Updates = 7,
        BufferTrajectories = 30,
        HiddenLayers = 2,
        HiddenUnits = 24,
        EvaluationEpisodes = 20,
    };

    [Fact]
    public void It_learns_flip_bit_8()
    {
        var settings = new HemSettings { Iterations = 40, Workers = 1, HiddenLayers = 2, HiddenUnits = 128 };
        List<Evaluation> curve = Train(settings, 1, new FlipBit(8));
        curve[0].SuccessRate.ShouldBeLessThan(0.4);
        curve[0].Loss.ShouldBe(double.NaN);
        curve.TakeLast(5).Average(point => point.SuccessRate).ShouldBeGreaterThan(0.95);
        curve[^1].Loss.ShouldBeLessThan(curve[1].Loss);
    }

    [Fact]
    public void It_learns_its_way_through_four_rooms()
    {
        var settings = new HemSettings
        {
            Iterations = 60,
            Workers = 2,
            N = 40,
            BufferTrajectories = 1000,
            HiddenLayers = 2,
            HiddenUnits = 128,
        };
        List<Evaluation> curve = Train(settings, 1, new FourRooms());
        curve[0].SuccessRate.ShouldBeLessThan(0.2);
        curve.TakeLast(5).Average(point => point.SuccessRate).ShouldBeGreaterThan(0.3);
    }

    [Fact]
    public void The_counts_of_a_point_are_what_happened()
    {
        List<Evaluation> curve = Train(Tiny with { StopOnSuccess = false, EvaluateEvery = 3 }, 1, new FlipBit(6));
        curve.Select(point => point.Iteration).ShouldBe([0, 3, 4]);
        curve[^1].Trajectories.ShouldBe(4 * 2 * 5);
        curve[^1].EnvironmentSteps.ShouldBe(4 * 2 * 5 * 6);
        curve[^1].Updates.ShouldBe(4 * 7);
        curve.ShouldAllBe(point => point.SuccessRate * 20 % 1 == 0);
    }

    [Fact]
    public void Running_twice_gives_the_same_curve_and_another_seed_another()
    {
        List<Evaluation> once = Train(Tiny, 1, new FlipBit(6));
        Train(Tiny, 1, new FlipBit(6)).ShouldBe(once);
        Train(Tiny, 2, new FlipBit(6)).ShouldNotBe(once);
    }

    [Theory]
    [InlineData(1, KernelWidth.Bits128)]
    [InlineData(1, KernelWidth.Bits256)]
    [InlineData(1, KernelWidth.Bits512)]
    [InlineData(2, KernelWidth.Auto)]
    [InlineData(3, KernelWidth.Bits128)]
    public void Threads_and_vector_width_do_not_change_a_bit(int threads, KernelWidth kernels)
    {
        HemSettings settings = Tiny with { BatchSize = 64, HiddenUnits = 70 };
        byte[] expected = StateAfterTraining(settings, 1, KernelWidth.Auto, out List<Evaluation> curve);
        StateAfterTraining(settings, threads, kernels, out List<Evaluation> other).ShouldBe(expected);
        other.ShouldBe(curve);
    }

    [Fact]
    public void Evaluating_does_not_disturb_training()
    {
        List<Evaluation> often = Train(Tiny, 1, new FlipBit(6));
        List<Evaluation> seldom = Train(Tiny with { EvaluateEvery = 4 }, 1, new FlipBit(6));
        seldom[^1].SuccessRate.ShouldBe(often[^1].SuccessRate);
        seldom[^1].EnvironmentSteps.ShouldBe(often[^1].EnvironmentSteps);
    }

    [Fact]
    public void An_episode_that_comes_back_to_a_state_is_left_and_the_success_rate_stays_the_same()
    {
        (int Successes, long Steps) whole = LookUp(stopOnReturn: false), left = LookUp(stopOnReturn: true);
        left.Successes.ShouldBe(whole.Successes);
        whole.Successes.ShouldBeInRange(20, 480);
        left.Steps.ShouldBeLessThan(whole.Steps);
    }

    [Fact]
    public void It_stops_once_enough_evaluations_in_a_row_reach_the_rate()
    {
        var host = new RecordingHost();
        using var algorithm = new HemAlgorithm(Tiny with { Iterations = 50, StopAt = new StopAt(0, 3) }, 1, new FlipBit(6));
        algorithm.Train(host).ShouldBeTrue();
        algorithm.StoppedEarly.ShouldBeTrue();
        host.Curve.Select(point => point.Iteration).ShouldBe([0, 1, 2]);
    }

    [Fact]
    public void Left_and_loaded_at_any_step_it_goes_on_alike()
    {
        var task = new FlipBit(6);
        List<Evaluation> expected = Train(Tiny, 1, task);
        long steps = 4 * (7 + 2) + 1;
        for (long leaveAt = 0; leaveAt < steps; leaveAt += 2)
        {
            var first = new RecordingHost { LeaveAfter = leaveAt };
            using var left = new HemAlgorithm(Tiny, 1, task);
            left.Train(first).ShouldBeFalse();

            using var resumed = new HemAlgorithm(Tiny, 1, task);
            CopyState(left, resumed);
            var second = new RecordingHost();
            resumed.Train(second).ShouldBeTrue();
            first.Curve.Concat(second.Curve).ShouldBe(expected);
        }
    }

    [Fact]
    public void Interrupted_in_the_midst_of_a_step_it_does_that_step_again_alike()
    {
        List<Evaluation> expected = Train(Tiny, 1, new FlipBit(6));
        int asked = 0;
        var host = new RecordingHost { Interrupt = () => ++asked % 13 == 0 };
        using var algorithm = new HemAlgorithm(Tiny, 1, new FlipBit(6));
        int times = 0;
        while (!algorithm.Train(host) && times < 1000)
            times++;
        times.ShouldBeInRange(3, 999);
        host.Curve.ShouldBe(expected);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(31)]
    public void A_batch_taken_in_parts_gives_the_bits_of_the_whole(int rowsPerPart)
    {
        byte[] expected = StateAfterTraining(Tiny, 1, KernelWidth.Auto, out List<Evaluation> curve);
        StateAfterTraining(Tiny, 1, KernelWidth.Auto, out List<Evaluation> other, rowsPerPart).ShouldBe(expected);
        other.Select(point => point with { Loss = 0 }).ShouldBe(curve.Select(point => point with { Loss = 0 }));
        foreach ((Evaluation part, Evaluation whole) in other.Zip(curve).Skip(1))
            part.Loss.ShouldBe(whole.Loss, 1e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Episodes_collected_in_parts_give_the_bits_of_the_whole_left_between_them_too(int atOnce)
    {
        var task = new FlipBit(6);
        HemSettings settings = Tiny with { N = 5 };
        byte[] expected = Runs.FinalState(() => new HemAlgorithm(settings, 1, task), out List<Evaluation> curve);
        Runs.FinalState(InParts, out List<Evaluation> other).ShouldBe(expected);
        other.ShouldBe(curve);
        long collections = (5 + atOnce - 1) / atOnce;
        Runs.LeftAndLoadedItGoesOnAlike(InParts, every: 3, settings.Iterations * (settings.Updates + collections + 1));

        HemAlgorithm InParts() => new(settings, 1, task, collectAtOnce: atOnce);
    }

    [Fact]
    public void An_update_of_the_largest_batch_is_left_midway_and_done_again_alike()
    {
        var task = new FlipBit(6);
        HemSettings settings =
            Tiny with { BatchSize = 65_536, Workers = 4, Updates = 2, Iterations = 1, HiddenLayers = 1, HiddenUnits = 8 };
        List<Evaluation> expected = Train(settings, 1, task);
        int step = 0, asked = 0;
        var first = new RecordingHost { BetweenSteps = _ => step++, Interrupt = () => step > 2 && ++asked == 3 };
        using var left = new HemAlgorithm(settings, 1, task);
        left.Train(first).ShouldBeFalse();
        asked.ShouldBe(3);

        using var resumed = new HemAlgorithm(settings, 1, task);
        CopyState(left, resumed);
        var second = new RecordingHost();
        resumed.Train(second).ShouldBeTrue();
        first.Curve.Concat(second.Curve).ShouldBe(expected);
    }

    [Fact]
    public void A_run_that_diverges_ends_with_what_to_change()
    {
        using var algorithm = new HemAlgorithm(Tiny with { LearningRate = 1e30 }, 1, new FlipBit(6));
        string message = Should.Throw<BadConfigurationException>(() => algorithm.Train(new RecordingHost())).Message;
        message.ShouldContain("the loss is not finite after update");
        message.ShouldContain("parameters.learningRate");
    }

    [Fact]
    public void A_state_that_does_not_fit_changes_nothing()
    {
        var task = new FlipBit(6);
        List<Evaluation> expected = Train(Tiny, 1, task);
        foreach (HemSettings settings in (HemSettings[])[Tiny with { Workers = 3 }, Tiny with { HiddenUnits = 25 }, Tiny])
        {
            using var other = new HemAlgorithm(settings, 2, task);
            other.Train(new RecordingHost());
            var state = new MemoryStream();
            other.Save(new BinaryWriter(state));
            byte[] bytes = settings == Tiny ? state.ToArray()[..^100] : state.ToArray();

            using var algorithm = new HemAlgorithm(Tiny, 1, task);
            Should.Throw<UnusableCheckpointException>(() => algorithm.Load(new BinaryReader(new MemoryStream(bytes))));
            var host = new RecordingHost();
            algorithm.Train(host).ShouldBeTrue();
            host.Curve.ShouldBe(expected);
        }
    }

    [Fact]
    public void An_update_allocates_nothing()
    {
        long before = 0, after = 0;
        var host = new RecordingHost
        {
            // Steps: evaluate, collect, then the updates; the first few let the network make its buffers.
            BetweenSteps = step =>
            {
                if (step == 10)
                    before = GC.GetAllocatedBytesForCurrentThread();
                if (step == 90)
                    after = GC.GetAllocatedBytesForCurrentThread();
            },
        };
        using var algorithm = new HemAlgorithm(Tiny with { Updates = 100, Iterations = 1 }, 1, new FlipBit(25));
        algorithm.Train(host);
        before.ShouldBeGreaterThan(0);
        (after - before).ShouldBe(0);
    }

    [Fact]
    public void Collecting_and_evaluating_allocate_nothing()
    {
        var seen = new List<long>(64);
        var host = new RecordingHost { BetweenSteps = _ => seen.Add(GC.GetAllocatedBytesForCurrentThread()) };
        using var algorithm = new HemAlgorithm(Tiny with { Updates = 1, Iterations = 6 }, 1, new FlipBit(25));
        algorithm.Train(host);
        (seen[^1] - seen[^7]).ShouldBe(0);
    }

    internal static List<Evaluation> Train(HemSettings settings, long seed, IDiscreteTask task)
    {
        var host = new RecordingHost();
        using var algorithm = new HemAlgorithm(settings, seed, task);
        algorithm.Train(host).ShouldBeTrue();
        return host.Curve;
    }

    /// <summary>500 episodes of a policy that looks its action up in a random table of (state, goal): rounds and successes.</summary>
    private static (int Successes, long Steps) LookUp(bool stopOnReturn)
    {
        var task = new FlipBit(5);
        var table = new RandomStream(3, RandomPurpose.Worker);
        int[] policy = [.. Enumerable.Range(0, 1024).Select(_ => table.Below(5))];
        var random = new RandomStream(4, RandomPurpose.Evaluation);
        using var episodes = new Episodes(task, 500);
        episodes.Clear(stopOnSuccess: true, stopOnReturn);
        for (int i = 0; i < 500; i++)
            episodes.Add(random.Fork());
        episodes.Start();
        for (; episodes.Active > 0; episodes.Advance())
        {
            ReadOnlySpan<float> bits = episodes.Encode();
            for (int i = 0; i < episodes.Active; i++)
            {
                int row = 0;
                foreach (float bit in bits.Slice(i * task.Inputs, task.Inputs))
                    row = 2 * row + (int)bit;
                episodes.Act(i, policy[row]);
            }
        }

        return (episodes.Successes, episodes.Steps);
    }

    private static byte[] StateAfterTraining(
        HemSettings settings, int threads, KernelWidth kernels, out List<Evaluation> curve, int? rowsPerPart = null)
    {
        var host = new RecordingHost();
        using var algorithm = new HemAlgorithm(settings, 1, new FlipBit(11), threads, kernels, rowsPerPart);
        algorithm.Train(host);
        curve = host.Curve;
        var state = new MemoryStream();
        algorithm.Save(new BinaryWriter(state));
        return state.ToArray();
    }

    private static void CopyState(HemAlgorithm from, HemAlgorithm to)
    {
        var state = new MemoryStream();
        from.Save(new BinaryWriter(state));
        state.Position = 0;
        for (int worker = 0; worker < from.Replay.Workers; worker++)
        {
            for (long i = from.Replay.AddedPerWorker - from.Replay.CountPerWorker; i < from.Replay.AddedPerWorker; i++)
                to.Replay.PlaceRecord(worker, i, from.Replay.Get(worker, i).Record);
        }

        to.Load(new BinaryReader(state));
    }
}
