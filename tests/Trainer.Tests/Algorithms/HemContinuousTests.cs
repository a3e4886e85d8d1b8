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

    [Theory, InlineData("fixed"), InlineData("learned")]
    public void Left_and_loaded_at_any_step_it_goes_on_alike(string mode) => Runs.LeftAndLoadedItGoesOnAlike(
        () => new HemAlgorithm(Tiny with { SigmaMode = Mode(mode) }, 1, new Glider(hidesSpeed: true, unstable: 0.01)),
        every: 3, steps: 4 * (7 + 2) + 1);

    [Theory]
    [InlineData("fixed", 0, 0.3, 0, 0)]
    [InlineData("fixed", 0.2, 0.3, 0.025, 0.05)]
    [InlineData("sampled", 0, 0.2, 0.025, 0.05)]
    [InlineData("learned", 0.15, 0.15, 0.025, 0.055)]
    public void What_is_collected_spreads_as_the_mode_says(string mode, double noise, double sigma, double least, double most)
    {
        HemSettings settings = Tiny with
        {
            Iterations = 1,
            N = 100,
            Updates = 1,
            BufferTrajectories = 200,
            ActionNoise = noise,
            PolicySigma = sigma,
            SigmaMode = Mode(mode),
        };
        var (with, without) = (Actions(settings), Actions(settings with { SigmaMode = SigmaMode.Fixed, ActionNoise = 0 }));
        with.Length.ShouldBeGreaterThan(100);
        with.Zip(without, (a, mean) => (a - mean) * (a - mean)).Average().ShouldBeInRange(least, most);

        // The first action of each episode: after it, the states are others.
        static double[] Actions(HemSettings settings)
        {
            using var algorithm = new HemAlgorithm(settings, 1, new Glider());
            algorithm.Train(new RecordingHost()).ShouldBeTrue();
            return
            [
                .. from worker in Enumerable.Range(0, settings.Workers)
                   from i in Enumerable.Range(0, Math.Min(settings.N, (int)algorithm.Replay.AddedPerWorker))
                   where algorithm.Replay.Holds(worker, i)
                   select (double)algorithm.Replay.Get(worker, i).ActionVector(0)[0],
            ];
        }
    }

    [Fact]
    public void A_sigma_that_is_learned_comes_to_that_of_the_actions()
    {
        const int Rows = 200, Components = 2;
        var sigma = new PolicySigma(Components, 1, 0.02);
        float[] actions = NetworkSamples.Numbers(Rows * Components, 4), means = new float[actions.Length];
        for (int i = 0; i < actions.Length; i += Components)
            actions[i] *= 0.1f;
        double first = Loss();
        for (int step = 0; step < 600; step++)
        {
            Loss();
            sigma.Step();
        }

        Loss().ShouldBeLessThan(first - 1);
        for (int k = 0; k < Components; k++)
            sigma[k].ShouldBe(Math.Sqrt(actions.Where((_, i) => i % Components == k).Average(a => a * a)), 1e-3);

        double Loss() =>
            Losses.GaussianNegativeLogLikelihood(means, actions, sigma.Logarithms, new float[actions.Length], sigma.Slopes, Rows);
    }

    [Fact]
    public void The_slopes_of_a_learned_sigma_and_its_means_are_finite_differences_of_the_loss()
    {
        const int Rows = 7, Components = 3;
        float[] means = NetworkSamples.Numbers(Rows * Components, 5), actions = NetworkSamples.Numbers(Rows * Components, 6);
        double[] logarithms = [-0.6, 0.1, 0.5], slopes = new double[Components];
        var gradient = new float[means.Length];
        Losses.GaussianNegativeLogLikelihood(means, actions, logarithms, gradient, slopes, Rows);
        double[] point = [.. means.Select(mean => (double)mean), .. logarithms];
        for (int i = 0; i < point.Length; i++)
        {
            double analytic = i < means.Length ? gradient[i] : slopes[i - means.Length];
            ((WrittenOut(i, 1e-5) - WrittenOut(i, -1e-5)) / 2e-5).ShouldBe(analytic, 1e-6);
        }

        // -log N(a; mu, sigma^2), the mean over the rows.
        double WrittenOut(int changed, double by)
        {
            double[] p = [.. point];
            p[changed] += by;
            return Enumerable.Range(0, means.Length).Sum(i =>
            {
                double sigma = Math.Exp(p[means.Length + i % Components]), error = actions[i] - p[i];
                return error * error / (2 * sigma * sigma) + Math.Log(sigma * Math.Sqrt(2 * Math.PI));
            }) / Rows;
        }
    }

    [Fact]
    public void With_noise_in_what_it_learns_from_a_learned_sigma_grows_but_not_past_its_bound()
    {
        var sigma = new PolicySigma(1, 9, 0.05);
        for (int step = 0; step < 50; step++)
        {
            Losses.GaussianNegativeLogLikelihood([0f], [1000f], sigma.Logarithms, new float[1], sigma.Slopes, 1);
            sigma.Step();
        }

        sigma[0].ShouldBe(10, 1e-4);
    }

    private static SigmaMode Mode(string name) => Enum.Parse<SigmaMode>(name, ignoreCase: true);

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
