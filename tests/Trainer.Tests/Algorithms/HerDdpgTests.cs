using Hem.Core.Sweeps;
using Hem.Trainer;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Networks;
using Hem.Trainer.Trials;
using Trainer.Tests.Networks;
using Trainer.Tests.Tasks;

namespace Trainer.Tests.Algorithms;

public class HerDdpgTests
{
    private static readonly HerSettings Tiny = new()
    {
        Iterations = 5,
        Workers = 2,
        N = 3,
        BatchSize = 16,
        Updates = 3,
        BufferTrajectories = 16,
        HiddenLayers = 2,
        HiddenUnits = 24,
        EvaluationEpisodes = 20,
        Discount = 0.9,
        LowestTarget = -10,
    };

    private static readonly HerSettings Small = Tiny with
    {
        Iterations = 120,
        N = 4,
        BatchSize = 128,
        Updates = 40,
        HiddenUnits = 64,
        BufferTrajectories = 2000,
        EvaluateEvery = 10,
        EvaluationEpisodes = 200,
        ActionPenalty = 0.1,
    };

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 0)]
    [InlineData(true, 0.1)]
    public void It_learns_to_glide_to_its_goal(bool negativeRewards, double eta)
    {
        HerSettings settings = Small with { NegativeRewards = negativeRewards, Eta = eta };
        if (!negativeRewards)
            settings = settings with { LowestTarget = 0, HighestTarget = 10 };
        List<Evaluation> curve = Runs.Train(() => new HerDdpgAlgorithm(settings, 1, new Glider()));
        curve[0].SuccessRate.ShouldBeLessThan(0.3);
        curve.TakeLast(5).Average(point => point.SuccessRate).ShouldBeGreaterThan(0.9);
    }

    [Fact]
    public void Rewards_of_0_and_1_clipped_to_what_minus_1_and_0_can_return_teach_nothing()
    {
        HerSettings settings = Small with { NegativeRewards = false, Iterations = 30 };
        List<Evaluation> curve = Runs.Train(() => new HerDdpgAlgorithm(settings, 1, new Glider()));
        curve.TakeLast(2).Average(point => point.SuccessRate).ShouldBeLessThan(0.3);
    }

    [Fact]
    public void The_counts_of_a_point_are_what_happened_and_episodes_do_not_stop_at_success()
    {
        List<Evaluation> curve = Runs.Train(() => new HerDdpgAlgorithm(Tiny with { EvaluateEvery = 3 }, 1, new Glider()));
        curve.Select(point => point.Iteration).ShouldBe([0, 3, 5]);
        curve[^1].Trajectories.ShouldBe(5 * 2 * 3);
        curve[^1].EnvironmentSteps.ShouldBe(5 * 2 * 3 * 10);
        curve[^1].Updates.ShouldBe(5 * 3);
        curve[^1].Unstable.ShouldBe(0);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(0.3, false)]
    [InlineData(0, true)]
    public void Left_and_loaded_at_any_step_it_goes_on_alike(double eta, bool stopOnSuccess)
    {
        HerSettings settings = Tiny with { Eta = eta, StopOnSuccess = stopOnSuccess };
        Runs.LeftAndLoadedItGoesOnAlike(
            () => new HerDdpgAlgorithm(settings, 1, new Glider(hidesSpeed: true, unstable: 0.01)), every: 2, steps: 5 * (3 + 2) + 1);
    }

    [Fact]
    public void Interrupted_in_the_midst_of_a_step_it_does_that_step_again_alike() =>
        Runs.InterruptedItGoesOnAlike(() => new HerDdpgAlgorithm(Tiny with { Eta = 0.3 }, 1, new Glider(), rowsPerPart: 7), every: 31);

    [Theory]
    [InlineData(1, KernelWidth.Bits128)]
    [InlineData(1, KernelWidth.Bits256)]
    [InlineData(1, KernelWidth.Bits512)]
    [InlineData(2, KernelWidth.Auto)]
    [InlineData(3, KernelWidth.Bits128)]
    public void Threads_and_vector_width_do_not_change_a_bit(int threads, KernelWidth kernels)
    {
        HerSettings settings = Tiny with { Eta = 0.3, HiddenUnits = 70, BatchSize = 64 };
        var task = new Glider(hidesSpeed: true, unstable: 0.01);
        byte[] expected = Runs.FinalState(() => new HerDdpgAlgorithm(settings, 1, task), out List<Evaluation> curve);
        curve[^1].Unstable.ShouldBeGreaterThan(0);
        Runs.FinalState(() => new HerDdpgAlgorithm(settings, 1, task, threads, kernels), out List<Evaluation> other).ShouldBe(expected);
        other.ShouldBe(curve);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(31)]
    public void A_batch_taken_in_parts_takes_the_course_of_the_whole(int rowsPerPart)
    {
        List<Evaluation> whole = Runs.Train(() => new HerDdpgAlgorithm(Tiny with { Eta = 0.3 }, 1, new Glider()));
        List<Evaluation> parts = Runs.Train(
            () => new HerDdpgAlgorithm(Tiny with { Eta = 0.3 }, 1, new Glider(), rowsPerPart: rowsPerPart));
        foreach ((Evaluation part, Evaluation all) in parts.Zip(whole).Skip(1))
            part.Loss.ShouldBe(all.Loss, 1e-4 * all.Loss);
    }

    [Fact]
    public void Collecting_updating_and_evaluating_allocate_nothing()
    {
        using var algorithm = new HerDdpgAlgorithm(Tiny with { Iterations = 8, Eta = 0.1 }, 1, new Glider());
        Runs.AllocatedByLastSteps(algorithm, steps: 10).ShouldBe(0);
    }

    [Fact]
    public void A_run_that_diverges_ends_with_what_to_change()
    {
        using var algorithm = new HerDdpgAlgorithm(Tiny with { LearningRate = 1e30, CriticLearningRate = 1e30 }, 1, new Glider());
        Should.Throw<BadConfigurationException>(() => algorithm.Train(new RecordingHost()))
            .Message.ShouldContain("parameters.learningRate");
    }

    [Fact]
    public void A_state_that_does_not_fit_changes_nothing()
    {
        List<Evaluation> expected = Runs.Train(() => new HerDdpgAlgorithm(Tiny, 1, new Glider()));
        using var other = new HerDdpgAlgorithm(Tiny, 2, new Glider());
        other.Train(new RecordingHost());
        byte[] bytes = Runs.State(other)[..^100];
        using var algorithm = new HerDdpgAlgorithm(Tiny, 1, new Glider());
        Should.Throw<UnusableCheckpointException>(() => algorithm.Load(new BinaryReader(new MemoryStream(bytes))));
        var host = new RecordingHost();
        algorithm.Train(host).ShouldBeTrue();
        host.Curve.ShouldBe(expected);
    }

    [Theory]
    [InlineData(0, 0.7, false)]
    [InlineData(0.4, 0.7, false)]
    [InlineData(0.4, 0, false)]
    [InlineData(0.4, 0.7, true)]
    public void Gradients_of_critic_and_policy_are_those_of_the_formulas(double eta, double penalty, bool sum)
    {
        const int Rows = 12;
        HerSettings settings = Tiny with
        {
            Workers = 1,
            BatchSize = Rows,
            HiddenUnits = 9,
            NormalizeInputs = false,
            Eta = eta,
            SumsLikelihood = sum,
            ActionPenalty = penalty,
            LowestTarget = -0.96,
            HighestTarget = 0.05,
        };
        using var algorithm = new HerDdpgAlgorithm(settings, 3, new Glider());
        HerDdpgAlgorithm.Transitions sampled = algorithm.Sampled;
        NetworkSamples.Numbers(Rows * 6, 1).CopyTo(sampled.States, 0);
        NetworkSamples.Numbers(Rows * 6, 2).CopyTo(sampled.NextStates, 0);
        NetworkSamples.Numbers(Rows * 2, 3).CopyTo(sampled.Actions, 0);
        for (int i = 0; i < Rows; i++)
            (sampled.Rewards[i], sampled.Terminal[i]) = (i % 3 == 0 ? 0 : -1, i % 6 == 0);

        NetworkDescription policy = algorithm.Policy.Network.Description, critic = algorithm.Critic.Network.Description;
        double[] theta = Doubles(algorithm.Policy.Network.Parameters), omega = Doubles(algorithm.Critic.Network.Parameters);
        double[] states = Doubles(sampled.States.AsSpan(0, Rows * 6)), nextStates = Doubles(sampled.NextStates.AsSpan(0, Rows * 6));
        double[] actions = Doubles(sampled.Actions.AsSpan(0, Rows * 2));

        // The target networks are copies at the start.
        double[] after = Value(omega, nextStates, Choice(theta, nextStates));
        double[] y = [.. after.Select(
            (q, i) => Math.Clamp(sampled.Rewards[i] + (sampled.Terminal[i] ? 0 : 0.9 * q), -0.96, 0.05))];
        y.ShouldContain(-0.96);
        y.ShouldContain(value => value > -0.96 && value < 0.05);

        double loss = algorithm.Gradients(Rows, accumulate: false);
        if (eta > 0)
            algorithm.LikelihoodGradient(Rows);
        loss.ShouldBe(CriticLoss(omega), 1e-5);
        NetworkSamples.RelativeError(algorithm.Critic.Network.Gradients, DoubleNetwork.Differences(omega, CriticLoss))
            .ShouldBeLessThan(1e-5);
        NetworkSamples.RelativeError(algorithm.Policy.Network.Gradients, DoubleNetwork.Differences(theta, PolicyLoss))
            .ShouldBeLessThan(1e-5);

        double CriticLoss(double[] parameters) =>
            Value(parameters, states, actions).Zip(y, (q, target) => (target - q) * (target - q)).Average();

        double PolicyLoss(double[] parameters)
        {
            double[] pi = Choice(parameters, states);
            double likelihood = pi.Zip(actions, (p, a) => (a - p) * (a - p) / 2).Sum() / Rows * (sum ? 10 : 1);
            return -Value(omega, states, pi).Average() + penalty * pi.Average(p => p * p) + eta * likelihood;
        }

        double[] Choice(double[] parameters, double[] inputs) =>
            Array.ConvertAll(DoubleNetwork.Forward(policy, parameters, inputs, Rows), Math.Tanh);

        double[] Value(double[] parameters, double[] inputs, double[] chosen) => DoubleNetwork.Forward(
            critic, parameters,
            [.. Enumerable.Range(0, Rows).SelectMany(i => inputs[(6 * i)..(6 * i + 6)].Concat(chosen[(2 * i)..(2 * i + 2)]))], Rows);
    }

    [Fact]
    public void The_settings_are_what_the_parameters_say()
    {
        var push = ParameterSet.Of(("algorithm", "hem-her"), ("task", "fetch-push"));
        HerSettings usual = HerSettings.From(ParameterTable.Resolve(push));
        (usual.SuccessAtEnd, usual.SumsLikelihood, usual.Initialization).ShouldBe((true, false, Initialization.XavierUniform));
        HerSettings other = HerSettings.From(ParameterTable.Resolve(
            push.With("successAt", "any").With("hemLoss", "sum").With("initialization", "he")));
        (other.SuccessAtEnd, other.SumsLikelihood, other.Initialization).ShouldBe((false, true, Initialization.HeUniform));
        HerSettings.From(ParameterTable.Resolve(push.With("task", "fetch-reach"))).SuccessAtEnd.ShouldBeFalse();
        HemSettings.From(ParameterTable.Resolve(push.With("algorithm", "hem"))).SuccessAtEnd.ShouldBeFalse();
        HemSettings.From(ParameterTable.Resolve(push.With("algorithm", "hem").With("sigmaMode", "learned"))).SigmaMode
            .ShouldBe(SigmaMode.Learned);
    }

    private static double[] Doubles(ReadOnlySpan<float> values) => Array.ConvertAll(values.ToArray(), value => (double)value);
}
