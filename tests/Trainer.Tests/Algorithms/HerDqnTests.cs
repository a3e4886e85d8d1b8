using Hem.Trainer.Algorithms;
using Hem.Trainer.Networks;
using Hem.Trainer.Tasks;
using Trainer.Tests.Networks;

namespace Trainer.Tests.Algorithms;

public class HerDqnTests
{
    private static readonly HerSettings Tiny = new()
    {
        Iterations = 5,
        Workers = 2,
        N = 5,
        BatchSize = 16,
        Updates = 3,
        BufferTrajectories = 24,
        HiddenLayers = 2,
        HiddenUnits = 24,
        Epsilon = 0.2,
        EvaluationEpisodes = 20,
        Discount = 0.8,
        LowestTarget = -5,
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_learns_flip_bit_8(bool negativeRewards)
    {
        HerSettings settings = Tiny with
        {
            Iterations = 120,
            N = 16,
            BatchSize = 128,
            Updates = 40,
            HiddenUnits = 64,
            BufferTrajectories = 2000,
            EvaluateEvery = 10,
            EvaluationEpisodes = 200,
            NegativeRewards = negativeRewards,
            Discount = 1 - 1 / 8.0,
            LowestTarget = negativeRewards ? -8 : 0,
            HighestTarget = negativeRewards ? 0 : 8,
        };
        List<Evaluation> curve = Runs.Train(() => new HerDqnAlgorithm(settings, 1, new FlipBit(8)));
        curve[0].SuccessRate.ShouldBeLessThan(0.3);
        curve.TakeLast(5).Average(point => point.SuccessRate).ShouldBeGreaterThan(0.8);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Left_and_loaded_at_any_step_it_goes_on_alike(bool stopOnSuccess) => Runs.LeftAndLoadedItGoesOnAlike(
        () => new HerDqnAlgorithm(Tiny with { StopOnSuccess = stopOnSuccess }, 1, new FlipBit(5)), every: 2, steps: 5 * (3 + 2) + 1);

    [Fact]
    public void Interrupted_in_the_midst_of_a_step_it_does_that_step_again_alike() =>
        Runs.InterruptedItGoesOnAlike(() => new HerDqnAlgorithm(Tiny, 1, new FlipBit(5), rowsPerPart: 7), every: 31);

    [Theory]
    [InlineData(1, KernelWidth.Bits128)]
    [InlineData(1, KernelWidth.Bits256)]
    [InlineData(2, KernelWidth.Auto)]
    public void Threads_and_vector_width_do_not_change_a_bit(int threads, KernelWidth kernels)
    {
        HerSettings settings = Tiny with { HiddenUnits = 70, BatchSize = 64 };
        byte[] expected = Runs.FinalState(() => new HerDqnAlgorithm(settings, 1, new FourRooms()), out _);
        Runs.FinalState(() => new HerDqnAlgorithm(settings, 1, new FourRooms(), threads, kernels), out _).ShouldBe(expected);
    }

    [Fact]
    public void Collecting_updating_and_evaluating_allocate_nothing()
    {
        using var algorithm = new HerDqnAlgorithm(Tiny with { Iterations = 8 }, 1, new FlipBit(9));
        Runs.AllocatedByLastSteps(algorithm, steps: 10).ShouldBe(0);
    }

    [Fact]
    public void The_gradient_of_the_critic_is_that_of_the_formula()
    {
        const int Rows = 10;
        NetworkDescription description = NetworkSamples.Describe(6, 9, 4);
        using INetwork network = NetworkSamples.Create(description);
        float[] inputs = NetworkSamples.Numbers(Rows * 6, 1), targets = NetworkSamples.Numbers(Rows, 2), slopes = new float[Rows * 4];
        int[] taken = [.. Enumerable.Range(0, Rows).Select(i => i % 4)];
        double[] parameters = Array.ConvertAll(network.Parameters.ToArray(), value => (double)value);
        double[] states = Array.ConvertAll(inputs, value => (double)value);

        double loss = Losses.SquaredErrorOfTaken(network.Forward(inputs, Rows), taken, targets, slopes, Rows);
        network.Backward(slopes, Rows);

        loss.ShouldBe(Loss(parameters), 1e-6);
        NetworkSamples.RelativeError(network.Gradients, DoubleNetwork.Differences(parameters, Loss)).ShouldBeLessThan(1e-5);

        double Loss(double[] p)
        {
            double[] q = DoubleNetwork.Forward(description, p, states, Rows);
            return taken.Select((a, i) => (targets[i] - q[4 * i + a]) * (targets[i] - q[4 * i + a])).Average();
        }
    }
}
