using Hem.Trainer.Algorithms;
using Hem.Trainer.Networks;
using Trainer.Tests.Networks;
using Trainer.Tests.Tasks;

namespace Trainer.Tests.Algorithms;

public class HemContinuousTests
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
    public void It_learns_to_glide_to_its_goal()
    {
        HemSettings settings = Tiny with { Iterations = 20, N = 20, BatchSize = 64, Updates = 40, BufferTrajectories = 800 };
        List<Evaluation> curve = Runs.Train(() => new HemAlgorithm(settings, 1, new Glider()));
        curve[0].SuccessRate.ShouldBeLessThan(0.3);
        curve.TakeLast(5).Average(point => point.SuccessRate).ShouldBeGreaterThan(0.95);
    }

    [Fact]
    public void Left_and_loaded_at_any_step_it_goes_on_alike() => Runs.LeftAndLoadedItGoesOnAlike(
        () => new HemAlgorithm(Tiny, 1, new Glider(hidesSpeed: true, unstable: 0.01)), every: 3, steps: 4 * (7 + 2) + 1);

    [Theory]
    [InlineData(2, KernelWidth.Auto)]
    [InlineData(3, KernelWidth.Bits128)]
    public void Threads_and_vector_width_do_not_change_a_bit(int threads, KernelWidth kernels)
    {
        var task = new Glider(hidesSpeed: true, unstable: 0.01);
        byte[] expected = Runs.FinalState(() => new HemAlgorithm(Tiny, 1, task), out List<Evaluation> curve);
        Runs.FinalState(() => new HemAlgorithm(Tiny, 1, task, threads, kernels), out List<Evaluation> other).ShouldBe(expected);
        other.ShouldBe(curve);
        curve[^1].Unstable.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Collecting_updating_and_evaluating_allocate_nothing()
    {
        using var algorithm = new HemAlgorithm(Tiny with { Iterations = 8 }, 1, new Glider());
        Runs.AllocatedByLastSteps(algorithm, steps: 18).ShouldBe(0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0.3)]
    public void The_gradient_of_the_Gaussian_log_likelihood_is_that_of_the_formula(double sigma)
    {
        const int Rows = 10;
        NetworkDescription description = NetworkSamples.Describe(6, 9, 3);
        using INetwork network = NetworkSamples.Create(description);
        float[] inputs = NetworkSamples.Numbers(Rows * 6, 1), actions = NetworkSamples.Numbers(Rows * 3, 2), slopes = new float[Rows * 3];
        double[] parameters = Array.ConvertAll(network.Parameters.ToArray(), value => (double)value);
        double[] states = Array.ConvertAll(inputs, value => (double)value);

        double loss = Losses.GaussianNegativeLogLikelihood(network.Forward(inputs, Rows), actions, 3, sigma, slopes, Rows);
        network.Backward(slopes, Rows);

        loss.ShouldBe(Loss(parameters), 1e-5);
        NetworkSamples.RelativeError(network.Gradients, DoubleNetwork.Differences(parameters, Loss)).ShouldBeLessThan(1e-5);

        double Loss(double[] p) => DoubleNetwork.Forward(description, p, states, Rows)
            .Zip(actions, (mean, a) => (a - mean) * (a - mean) / (2 * sigma * sigma) + Math.Log(sigma) + Math.Log(2 * Math.PI) / 2)
            .Sum() / Rows;
    }
}
