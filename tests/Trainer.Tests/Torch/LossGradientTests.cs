using Hem.Trainer.Algorithms;
using Hem.Trainer.Networks;
using Hem.Trainer.Torch;
using Trainer.Tests.Networks;

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

    private void Check(
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
        NetworkSamples.RelativeError(gradient, expected).ShouldBeLessThan(Tolerance);
    }
}
