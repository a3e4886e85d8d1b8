using Hem.Core.Sweeps;
using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;

namespace Hem.Trainer.Algorithms;

/// <summary>The parameters of REINFORCE; names as in the sweep file.</summary>
internal sealed record ReinforceSettings : TrainingSettings
{
    public Baseline Baseline { get; init; }

    /// <summary>Of the value baseline.</summary>
    public double CriticLearningRate { get; init; } = 1e-3;

    /// <summary>Continuous actions: the policy's standard deviation, in each component.</summary>
    public double PolicySigma { get; init; } = 1;

    public static ReinforceSettings From(ParameterSet parameters) => Read(
        new ReinforceSettings
        {
            Iterations = 0,
            Baseline = Baselines.Parse(parameters["baseline"].AsString()),
            CriticLearningRate = parameters.Find("criticLearningRate")?.AsDouble() ?? 1e-3,
            PolicySigma = parameters.Find("policySigma")?.AsDouble() ?? 1,
        },
        parameters);
}

/// <summary>
/// REINFORCE (Williams 1992) for goals: the universal policy gradient of the paper's Theorem 1. Each iteration, M workers collect N
/// trajectories each for goals g ~ p(g) with the policy itself, and one Adam step follows the mean over them of
/// <code>
/// dJ/dtheta ~ sum_t (R - b) d log pi_theta(a_t | s_t, g)/dtheta,    R = 1 if the trajectory succeeds, else 0
/// discrete:    pi = softmax(phi),            d log pi/dphi_j = 1[j = a] - pi_j
/// continuous:  pi = N(mu, sigma^2), fixed,   d log pi/dmu_k  = (a_k - mu_k) / sigma^2,   a before it is clipped
/// </code>
/// <para>b = 0 (none); V(s_t, g), learned as the mean of R by least squares (value); or the constant that leaves the least variance
/// (optimal): b_i = sum_j R_j q_j / sum_j q_j over the other trajectories j, q = sum_t |d log pi/dphi|^2, which is the control variate
/// of the remark after Theorem 1 with one coefficient for the whole network.</para>
/// </summary>
internal sealed class ReinforceAlgorithm : TrainingLoop
{
    private readonly ReinforceSettings settings;
    private readonly ITask task;
    private readonly TrainedNetwork policy;
    private readonly TrainedNetwork? critic;
    private readonly int trajectories;
    private readonly int outputs;
    private readonly bool discrete;

    // What a worker meant to do, before it was clipped: [trajectory, t, component].
    private readonly float[] meant;
    private readonly float[] choice;
    private readonly double[] returns;
    private readonly double[] squares;
    private readonly float[] inputs;
    private readonly float[] slope;
    private readonly (int Trajectory, int Time)[] rows;
    private readonly int[] taken;
    private readonly float[] aimed;
    private readonly float[] advantages;
    private readonly float[] targets;
    private float[] values = [];

    /// <inheritdoc cref="HemAlgorithm(HemSettings, long, ITask, int, KernelWidth, int?)"/>
    public ReinforceAlgorithm(
        ReinforceSettings settings, long seed, ITask task,
        int threads = 1, KernelWidth kernels = KernelWidth.Auto, int? rowsPerPart = null)
        : base(settings, seed, task, threads, kernels, collectAtOnce: settings.N)
    {
        (this.settings, this.task) = (settings, task);
        discrete = task is IDiscreteTask;
        outputs = task is IDiscreteTask { Actions: int k } ? k : ((IContinuousTask)task).ActionSize;
        policy = CreateTrained(Describe(outputs), number: 0, settings.LearningRate);
        critic = settings.Baseline == Baseline.Value ? CreateTrained(Describe(1), number: 1, settings.CriticLearningRate) : null;
        Part = rowsPerPart ?? PartFor(task.Inputs, policy);

        trajectories = checked(settings.Workers * settings.N);
        meant = new float[discrete ? 0 : checked(trajectories * task.Horizon * outputs)];
        choice = new float[checked(Part * outputs)];
        returns = new double[trajectories];
        squares = new double[trajectories];
        inputs = new float[checked(Part * task.Inputs)];
        slope = new float[checked(Part * outputs)];
        rows = new (int Trajectory, int Time)[Part];
        taken = new int[discrete ? Part : 0];
        aimed = new float[discrete ? 0 : checked(Part * outputs)];
        advantages = new float[Part];
        targets = new float[Part];
    }

    public override ReplayBuffer? Replay => null;

    internal INetwork Policy => policy.Network;

    internal INetwork? Critic => critic?.Network;

    internal TrajectoryStore Batch => Collected.Trajectories;

    protected override bool IsOnPolicy => true;

    /// <summary>a ~ pi(. | s, g); in a test argmax, or the mean.</summary>
    protected override void Act(Episodes episodes, int first, int count, bool explore)
    {
        ReadOnlySpan<float> phi = policy.Network.Forward(episodes.Encode(first, count), count);
        if (discrete && explore)
            VectorMath.Softmax(phi, outputs, choice.AsSpan(0, phi.Length));
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<float> row = phi.Slice(i * outputs, outputs);
            if (discrete)
            {
                episodes.Act(
                    first + i,
                    explore ? Draws.Categorical(choice.AsSpan(i * outputs, outputs), ref episodes.Random(first + i)) : Draws.Greedy(row));
            }
            else if (explore)
            {
                Span<float> action = Meant(episodes.Episode(first + i), episodes.Time(first + i));
                Draws.Normal(row, settings.PolicySigma, ref episodes.Random(first + i), action);
                episodes.Act(first + i, action);
            }
            else
            {
                episodes.Act(first + i, row);
            }
        }
    }

    protected override void Store()
    {
        for (int i = 0; i < trajectories; i++)
        {
            Trajectory trajectory = Collected.Trajectories[i];
            bool succeeds = false;
            for (int t = 1; t <= trajectory.Length && !succeeds; t++)
                succeeds = task.IsSuccess(trajectory.State(t), trajectory.Goal);
            returns[i] = succeeds ? 1 : 0;
        }
    }

    /// <summary>One Adam step on l = -1/n sum_i sum_t (R_i - b) log pi(a_t | s_t, g).</summary>
    protected override double? Update(ITrainingHost host, int number)
    {
        if (Gradient(host) is not { } loss)
            return null;
        RequireFinite(loss);
        policy.Adam.Step();
        critic?.Adam.Step();
        return loss;
    }

    /// <summary>Leaves the gradients in the networks; null: left midway.</summary>
    internal double? Gradient(ITrainingHost host)
    {
        policy.Network.Gradients.Clear();
        if ((critic is not null && !LearnValue(host)) || (settings.Baseline == Baseline.Optimal && !SumSquares(host)))
            return null;

        double loss = 0, sum = 0, weighted = 0;
        for (int i = 0; i < trajectories; i++)
        {
            sum += squares[i];
            weighted += squares[i] * returns[i];
        }

        int count = 0;
        bool accumulate = false;
        for (int i = 0, step = 0; i < trajectories; i++)
        {
            double others = sum - squares[i];
            double constant = settings.Baseline == Baseline.Optimal && others > 0 ? (weighted - squares[i] * returns[i]) / others : 0;
            for (int t = 0; t < Collected.Trajectories[i].Length; t++, step++)
            {
                double advantage = returns[i] - (critic is null ? constant : values[step]);
                if (advantage != 0)
                {
                    Put(i, t, count);
                    advantages[count++] = (float)(advantage / trajectories);
                }

                if (count == Part && !Flush())
                    return null;
            }
        }

        return Flush() ? loss : null;

        bool Flush()
        {
            if (count == 0)
                return true;
            if (host.LeaveNow)
                return false;
            ReadOnlySpan<float> phi = policy.Network.Forward(inputs.AsSpan(0, count * task.Inputs), count);
            AddLoss(phi, count, ref loss);
            policy.Network.Backward(slope.AsSpan(0, count * outputs), count, accumulate: accumulate);
            (count, accumulate) = (0, true);
            return true;
        }
    }

    /// <summary>Of the rows that were put: minus the sum of advantage times log pi, and in the slopes its gradient.</summary>
    private void AddLoss(ReadOnlySpan<float> phi, int count, ref double loss)
    {
        Span<float> gradient = slope.AsSpan(0, count * outputs);
        if (discrete)
        {
            Losses.PolicyGradient(phi, taken.AsSpan(0, count), advantages, gradient, ref loss);
            return;
        }

        Losses.GaussianPolicyGradient(
            phi, aimed.AsSpan(0, count * outputs), outputs, settings.PolicySigma, advantages, gradient, ref loss);
    }

    /// <summary>q of every trajectory.</summary>
    private bool SumSquares(ITrainingHost host)
    {
        squares.AsSpan().Clear();
        return EachPart(host, (_, count) =>
        {
            // With advantages of 1 the slopes are -d log pi/dphi.
            advantages.AsSpan(0, count).Fill(1);
            double ignored = 0;
            AddLoss(policy.Network.Forward(inputs.AsSpan(0, count * task.Inputs), count), count, ref ignored);
            for (int i = 0; i < count; i++)
            {
                foreach (float score in slope.AsSpan(i * outputs, outputs))
                    squares[rows[i].Trajectory] += (double)score * score;
            }
        });
    }

    /// <summary>V(s_t, g) of every step, and the gradient of mean (V - R)^2 in the critic: 2 (V - R) / steps.</summary>
    private bool LearnValue(ITrainingHost host)
    {
        int steps = 0;
        for (int i = 0; i < trajectories; i++)
            steps += Collected.Trajectories[i].Length;
        if (values.Length < steps)
            values = new float[steps];
        return EachPart(host, (first, count) =>
        {
            ReadOnlySpan<float> now = critic!.Network.Forward(inputs.AsSpan(0, count * task.Inputs), count);
            now.CopyTo(values.AsSpan(first));
            for (int i = 0; i < count; i++)
                targets[i] = (float)returns[rows[i].Trajectory];
            Losses.SquaredError(now, targets, slope, steps);
            critic.Network.Backward(slope.AsSpan(0, count), count, accumulate: first > 0);
        });
    }

    /// <summary>Puts all steps, part by part; the action is told the first step of the part and how many there are.</summary>
    private bool EachPart(ITrainingHost host, Action<int, int> action)
    {
        int count = 0, first = 0;
        for (int i = 0; i < trajectories; i++)
        {
            int length = Collected.Trajectories[i].Length;
            for (int t = 0; t < length; t++)
            {
                Put(i, t, count++);
                if (count < Part && (i + 1 < trajectories || t + 1 < length))
                    continue;
                if (host.LeaveNow)
                    return false;
                action(first, count);
                (first, count) = (first + count, 0);
            }
        }

        return true;
    }

    private void Put(int trajectory, int t, int row)
    {
        Trajectory episode = Collected.Trajectories[trajectory];
        rows[row] = (trajectory, t);
        if (discrete)
            taken[row] = episode.Action(t)[0];
        else
            Meant(trajectory, t).CopyTo(aimed.AsSpan(row * outputs, outputs));
        task.Encode(episode, t, episode.Goal, inputs.AsSpan(row * task.Inputs, task.Inputs));
    }

    internal Span<float> Meant(int trajectory, int t) => meant.AsSpan((trajectory * task.Horizon + t) * outputs, outputs);
}
