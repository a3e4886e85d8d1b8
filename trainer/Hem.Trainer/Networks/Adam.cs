using Hem.Trainer.Networks.Kernels;

namespace Hem.Trainer.Networks;

/// <summary>
/// Adam (Kingma and Ba 2015, the variant at the end of its section 2) over a network's contiguous parameters, in one pass. With t
/// counted from 1, one step is m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g²,
/// p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon).
/// </summary>
public sealed unsafe class Adam(
    INetwork network, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
{
    private readonly IHasAdam? own = network as IHasAdam;
    private readonly Update update = new(network as ManagedNetwork, network is IHasAdam ? 0 : network.Parameters.Length);

    /// <summary>The step size; may be changed between steps.</summary>
    public double LearningRate { get; set; } = learningRate;

    /// <summary>Steps taken so far, t. With the moments it is the whole state.</summary>
    public long Steps { get; set; }

    /// <summary>The running mean of the gradients, m, in the layout of the parameters; may be written.</summary>
    public Span<float> FirstMoments => own is null ? update.First.Span : own.FirstMoments;

    /// <summary>The running mean of the squared gradients, v, in the layout of the parameters; may be written.</summary>
    public Span<float> SecondMoments => own is null ? update.Second.Span : own.SecondMoments;

    /// <summary>Takes one step along the network's gradients.</summary>
    public void Step()
    {
        Steps++;
        var rate = LearningRate * Math.Sqrt(1 - Power(beta2, Steps)) / (1 - Power(beta1, Steps));
        if (own is not null)
        {
            own.AdamStep(rate, beta1, beta2, epsilon);
            return;
        }

        var step = new AdamStep(
            (float)rate, (float)beta1, (float)(1 - beta1), (float)beta2, (float)(1 - beta2), (float)epsilon);
        fixed (float* parameters = network.Parameters, gradients = network.Gradients)
            update.Run(step, parameters, gradients);
    }

    /// <summary>By squaring: the C library's power may differ between machines.</summary>
    internal static double Power(double number, long exponent)
    {
        double power = 1;
        for (; exponent > 0; exponent >>= 1, number *= number)
        {
            if ((exponent & 1) != 0)
                power *= number;
        }

        return power;
    }

    /// <summary>The moments, and one step over them and the parameters by the network's own kernels and threads.</summary>
    private sealed class Update(ManagedNetwork? network, int count) : IParallelWork
    {
        private const int PerPiece = 16384;

        private readonly KernelSet kernels = network?.Kernels ?? KernelSet.Best;
        private AdamStep step;
        private float* parameters;
        private float* gradients;

        public PinnedBuffer First { get; } = new(count);

        public PinnedBuffer Second { get; } = new(count);

        public void Run(in AdamStep newStep, float* newParameters, float* newGradients)
        {
            step = newStep;
            parameters = newParameters;
            gradients = newGradients;
            var pieces = (count + PerPiece - 1) / PerPiece;
            if (network is not null)
            {
                network.Workers.Run(this, pieces);
                return;
            }

            for (var piece = 0; piece < pieces; piece++)
                Do(piece, 0);
        }

        public void Do(int piece, int worker)
        {
            var start = piece * PerPiece;
            var part = Math.Min(PerPiece, count - start);
            kernels.Adam(step, parameters + start, gradients + start, First.Pointer + start, Second.Pointer + start, part);
            GC.KeepAlive(this);
        }
    }
}

/// <summary>A network that keeps Adam's moments, and takes its steps, where its parameters are.</summary>
internal interface IHasAdam
{
    /// <summary>m; may be written.</summary>
    Span<float> FirstMoments { get; }

    /// <summary>v; may be written.</summary>
    Span<float> SecondMoments { get; }

    /// <param name="rate">With the corrections of both biases.</param>
    /// <param name="beta1">b1.</param>
    /// <param name="beta2">b2.</param>
    /// <param name="epsilon">What keeps the quotient finite.</param>
    void AdamStep(double rate, double beta1, double beta2, double epsilon);
}
