using Hem.Trainer.Algorithms;
using Hem.Trainer.Networks;
using Hem.Trainer.Tasks;
using Hem.Trainer.Torch;
using Trainer.Tests.Algorithms;
using Trainer.Tests.Networks;
using Trainer.Tests.Tasks;

namespace Trainer.Tests.Torch;

/// <summary>The algorithms' losses and their gradients, written as formulas, against torch's autograd.</summary>
public unsafe class LossGradientTests
{
    private const int Rows = 7;
    private const int Columns = 4;
    private const double Tolerance = 1e-5;

    private static readonly long[] Actions = [0, 3, 1, 2, 2, 0, 3];
    private readonly float[] outputs = NetworkSamples.Numbers(Rows * Columns, 1);
    private readonly float[] gradient = new float[Rows * Columns];

    [Fact]
    public void Of_hEM_with_discrete_actions()
    {
        var loss = VectorMath.SoftmaxCrossEntropy(outputs, Array.ConvertAll(Actions, action => (int)action), gradient);
        Check(0, loss, outputs, Columns, [], Actions);
    }

    [Theory, InlineData(1.0), InlineData(0.3)]
    public void Of_hEM_with_continuous_actions(double sigma)
    {
        var taken = NetworkSamples.Numbers(Rows * Columns, 2);
        var loss = Losses.GaussianNegativeLogLikelihood(outputs, taken, Columns, sigma, gradient, Rows);
        Check(1, loss, outputs, Columns, taken, [], sigma);
    }

    [Fact]
    public void Of_the_critic_of_DDPG()
    {
        var targets = NetworkSamples.Numbers(Rows * Columns, 3);
        var slopes = gradient.AsSpan();
        var loss = Losses.SquaredError(outputs, targets, slopes, outputs.Length);
        Check(2, loss, outputs, Columns, targets, []);
    }

    [Fact]
    public void Of_the_critic_of_DQN()
    {
        var targets = NetworkSamples.Numbers(Rows, 3);
        var loss = Losses.SquaredErrorOfTaken(outputs, Array.ConvertAll(Actions, action => (int)action), targets, gradient, Rows);
        Check(3, loss, outputs, Columns, targets, Actions);
    }

    [Fact]
    public void Of_the_action_penalty_through_tanh()
    {
        const double Weight = 0.7;
        var actions = new float[outputs.Length];
        VectorMath.Tanh(outputs, actions);
        Losses.PenalizeActions(actions, Columns, Weight, gradient, Rows);
        Losses.ThroughTanh(actions, gradient);
        var loss = Weight * actions.Average(action => (double)action * action);
        Check(4, loss, outputs, Columns, [], [], Weight, throughTanh: true);
    }

    [Theory, InlineData(1.0), InlineData(0.4)]
    public void Of_the_combined_loss_through_tanh(double sigma)
    {
        var (actions, taken) = (new float[outputs.Length], NetworkSamples.Numbers(Rows * Columns, 5));
        VectorMath.Tanh(outputs, actions);
        var loss = Losses.GaussianNegativeLogLikelihood(actions, taken, Columns, sigma, gradient, Rows);
        Losses.ThroughTanh(actions, gradient);
        Check(1, loss, outputs, Columns, taken, [], sigma, throughTanh: true);
    }

    [Fact]
    public void Of_HPG_and_of_REINFORCE_with_discrete_actions()
    {
        var advantages = NetworkSamples.Numbers(Rows, 6);
        double loss = 0;
        Losses.PolicyGradient(outputs, Array.ConvertAll(Actions, action => (int)action), advantages, gradient, ref loss);
        Check(5, loss, outputs, Columns, advantages, Actions);
    }

    [Theory, InlineData(1.0), InlineData(0.4)]
    public void Of_REINFORCE_with_continuous_actions(double sigma)
    {
        var (taken, advantages) = (NetworkSamples.Numbers(Rows * Columns, 7), NetworkSamples.Numbers(Rows, 8));
        double loss = 0;
        Losses.GaussianPolicyGradient(outputs, taken, Columns, sigma, advantages, gradient, ref loss);
        float[] both = [.. Enumerable.Range(0, Rows).SelectMany(row => taken.Skip(row * Columns).Take(Columns).Append(advantages[row]))];
        Check(6, loss, outputs, Columns, both, [], sigma);
    }

    [Fact]
    public void Of_hEM_with_a_sigma_that_is_learned()
    {
        const int Components = Columns / 2;
        double[] logSigmas = [-0.7, 0.4];
        var (means, taken) = (NetworkSamples.Numbers(Rows * Components, 10), NetworkSamples.Numbers(Rows * Components, 11));
        var (slopes, sigmaSlopes) = (new float[means.Length], new double[Components]);
        var loss = Losses.GaussianNegativeLogLikelihood(means, taken, logSigmas, slopes, sigmaSlopes, Rows);
        float[] both = [.. means.Chunk(Components).SelectMany(row => row.Concat(logSigmas.Select(log => (float)log)))];
        var expected = Expected(7, loss, both, Columns, taken, []);
        NetworkSamples.RelativeError(slopes, [.. expected.Chunk(Columns).SelectMany(row => row[..Components])]).ShouldBeLessThan(Tolerance);
        for (var k = 0; k < Components; k++)
            sigmaSlopes[k].ShouldBe(expected.Chunk(Columns).Sum(row => row[Components + k]), Tolerance);
    }

    /// <summary>L_pi = -mean Q(s, g, pi(s, g)) + penalty: through torch's critic to the actions, and from them into its policy.</summary>
    [Fact]
    public void Of_the_policy_of_DDPG_through_its_critic()
    {
        TorchHere.Require();
        const double Penalty = 0.6;
        var settings = new HerSettings
        {
            Iterations = 1,
            Workers = 1,
            BatchSize = Rows,
            BufferTrajectories = 2,
            HiddenLayers = 2,
            HiddenUnits = 20,
            NormalizeInputs = false,
            ActionPenalty = Penalty,
        };
        IContinuousTask task = new Glider();
        using var algorithm = new HerDdpgAlgorithm(settings, 3, task);
        var (width, components) = (task.Inputs, task.ActionSize);
        var states = NetworkSamples.Numbers(Rows * width, 12);
        states.CopyTo(algorithm.Sampled.States, 0);
        algorithm.Gradients(Rows, accumulate: false);

        using var policy = Copy(algorithm.Policy);
        using var critic = Copy(algorithm.Critic);
        var actions = new float[Rows * components];
        VectorMath.Tanh(policy.Forward(states, Rows), actions);
        float[] both = [.. Enumerable.Range(0, Rows).SelectMany(row => Of(states, row, width).Concat(Of(actions, row, components)))];
        critic.Forward(both, Rows);
        var slopes = new float[both.Length];
        critic.Backward(Enumerable.Repeat(-1f / Rows, Rows).ToArray(), Rows, slopes, inputsOnly: true);
        float[] ofActions = [.. slopes.Chunk(width + components).SelectMany(row => row[width..])];
        for (var i = 0; i < ofActions.Length; i++)
            ofActions[i] = (ofActions[i] + (float)(2 * Penalty / ofActions.Length) * actions[i]) * (1 - actions[i] * actions[i]);
        policy.Backward(ofActions, Rows);
        NetworkSamples.RelativeError(algorithm.Policy.Network.Gradients, policy.Gradients.ToArray()).ShouldBeLessThan(Tolerance);

        static INetwork Copy(TrainedNetwork original)
        {
            var copy = TorchBackend.Create(original.Network.Description, random: null, "cpu");
            original.Network.Parameters.CopyTo(copy.Parameters);
            return copy;
        }

        static float[] Of(float[] rows, int row, int width) => rows[(row * width)..((row + 1) * width)];
    }

    /// <summary>Every term of the estimator, also those that the algorithm leaves out, through torch's policy.</summary>
    [Theory, InlineData(Baseline.None), InlineData(Baseline.Value)]
    internal void Of_HPG_as_a_whole(Baseline baseline)
    {
        TorchHere.Require();
        using var algorithm = HpgTests.WithABatch(baseline, stopOnSuccess: true, out var task);
        var loss = algorithm.Gradient(new RecordingHost())!.Value;
        var terms = HpgTests.Terms(algorithm, task);
        using var policy = TorchBackend.Create(algorithm.Policy.Description, random: null, "cpu");
        algorithm.Policy.Parameters.CopyTo(policy.Parameters);
        var logits = policy.Forward([.. terms.SelectMany(term => term.Input)], terms.Count).ToArray();
        var slopes = Expected(
            5, loss, logits, task.Actions, [.. terms.Select(term => (float)term.Advantage)],
            [.. terms.Select(term => (long)term.Action)]);
        policy.Backward(slopes, terms.Count);
        NetworkSamples.RelativeError(algorithm.Policy.Gradients, policy.Gradients.ToArray()).ShouldBeLessThan(Tolerance);
    }

    /// <summary>The value baselines of HPG and of REINFORCE have one number a row, and a share of a larger batch.</summary>
    [Fact]
    public void Of_a_value_baseline()
    {
        var targets = NetworkSamples.Numbers(outputs.Length, 9);
        var loss = Losses.SquaredError(outputs, targets, gradient, outputs.Length);
        Check(2, loss, outputs, 1, targets, []);
    }

    private void Check(
        int which, double loss, float[] values, int columns, float[] targets, long[] actions, double scale = 1, bool throughTanh = false) =>
        NetworkSamples.RelativeError(gradient, Expected(which, loss, values, columns, targets, actions, scale, throughTanh))
            .ShouldBeLessThan(Tolerance);

    /// <summary>torch's gradient, of what must be the same loss.</summary>
    private static float[] Expected(
        int which, double loss, float[] values, int columns, float[] targets, long[] actions, double scale = 1, bool throughTanh = false)
    {
        TorchHere.Require();
        var library = HemTorchLibrary.Get();
        var expected = new float[values.Length];
        float expectedLoss;
        fixed (float* v = values, t = targets, e = expected)
        fixed (long* a = actions)
        {
            library.Check(library.Loss(
                which, v, values.Length / columns, columns, t, a, scale, throughTanh ? 1 : 0, &expectedLoss, e));
        }

        loss.ShouldBe(expectedLoss, Tolerance * Math.Max(1, Math.Abs(expectedLoss)));
        return expected;
    }
}
