using Hem.Core.Sweeps;
using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;

namespace Hem.Trainer.Algorithms;

/// <summary>The parameters of hEM; names as in the sweep file.</summary>
internal sealed record HemSettings : TrainingSettings
{
    public int BatchSize { get; init; } = 64;
    public int BufferTrajectories { get; init; } = 20_000;
    public double Relabel { get; init; } = 1;

    /// <summary>Discrete actions.</summary>
    public double Epsilon { get; init; } = 0.2;

    /// <summary>Continuous actions.</summary>
    public double ActionNoise { get; init; } = 0.5;

    /// <summary>Continuous actions.</summary>
    public double PolicySigma { get; init; } = 1;

    /// <summary>Continuous actions.</summary>
    public SigmaMode SigmaMode { get; init; }

    public static HemSettings From(ParameterSet parameters) => Read(
        new HemSettings
        {
            Iterations = 0,
            BatchSize = parameters["batchSize"].AsInt(),
            BufferTrajectories = parameters["bufferTrajectories"].AsInt(),
            Relabel = parameters["relabel"].AsDouble(),
            Epsilon = parameters.Find("epsilon")?.AsDouble() ?? 0,
            ActionNoise = parameters.Find("actionNoise")?.AsDouble() ?? 0,
            PolicySigma = parameters.Find("policySigma")?.AsDouble() ?? 1,
            SigmaMode = parameters.Find("sigmaMode")?.AsString() switch
            {
                "sampled" => SigmaMode.Sampled,
                "learned" => SigmaMode.Learned,
                _ => SigmaMode.Fixed,
            },
        },
        parameters);
}

/// <summary>What the sigma of a Gaussian policy does; values of `sigmaMode`.</summary>
internal enum SigmaMode
{
    /// <summary>It is in the loss alone: an action before its noise is the mean.</summary>
    Fixed,

    /// <summary>An action before its noise is drawn with it.</summary>
    Sampled,

    /// <summary>And each component's is learned by maximum likelihood.</summary>
    Learned,
}

/// <summary>
/// hEM: goal-conditioned RL by hindsight expectation maximisation (Tang and Kucukelbir 2021).
/// <para>
/// Success is an optimality variable O with p(O=1 | tau, g) = R(tau, g). For any q(tau, g),
/// log p(O=1) >= E_q[log p(O=1 | tau, g)] - KL(q || p(g) p_theta(tau | g)).
/// The E-step takes for q the hindsight distribution: trajectories of the policy itself, each pair relabelled with a goal that the
/// trajectory went on to achieve, so that R = 1 in every sample. The M-step maximises what depends on theta, E_q[sum_t log pi_theta(a_t
/// | s_t, g)]: supervised learning. No rewards, no critic, no target network, no importance weights.
/// </para>
/// </summary>
internal sealed class HemAlgorithm : TrainingLoop
{
    private readonly HemSettings settings;
    private readonly ITask task;
    private readonly TrainedNetwork policy;
    private readonly ReplayBuffer replay;
    private readonly int batch;
    private readonly int outputs;
    private readonly bool discrete;
    private readonly int[] actions;
    private readonly float[] actionVectors;
    private readonly float[] gradient;
    private readonly float[] choice;
    private readonly PolicySigma? learned;

    /// <param name="settings">The parameters.</param>
    /// <param name="seed">The trial's seed.</param>
    /// <param name="task">The task.</param>
    /// <param name="threads">Threads of the network, and of simulated tasks.</param>
    /// <param name="kernels">Vector width of the network.</param>
    /// <param name="rowsPerPart">Rows of a batch computed at once; changes nothing but time and memory.</param>
    /// <param name="collectAtOnce">Episodes of a worker collected and kept at once; changes as little.</param>
    public HemAlgorithm(
        HemSettings settings, long seed, ITask task,
        int threads = 1, KernelWidth kernels = KernelWidth.Auto, int? rowsPerPart = null,
        int? collectAtOnce = null)
        : base(settings, seed, task, threads, kernels, collectAtOnce)
    {
        (this.settings, this.task) = (settings, task);
        discrete = task is IDiscreteTask;
        outputs = task is IDiscreteTask { Actions: int k } ? k : ((IContinuousTask)task).ActionSize;
        policy = CreateTrained(Describe(outputs), number: 0, settings.LearningRate);
        replay = new ReplayBuffer(TrajectoryLayout.Of(task), settings.Workers, settings.BufferTrajectories);
        if (!discrete && settings.SigmaMode == SigmaMode.Learned)
            Keep((learned = new PolicySigma(outputs, settings.PolicySigma, settings.LearningRate)).State);

        batch = checked(settings.Workers * settings.BatchSize);
        Part = rowsPerPart ?? PartFor(task.Inputs, policy);
        int rows = Math.Min(batch, Part);
        actions = new int[discrete ? rows : 0];
        actionVectors = new float[discrete ? 0 : checked(rows * outputs)];
        gradient = new float[checked(rows * outputs)];
        choice = new float[checked(discrete ? Math.Min(Part, settings.Workers * settings.N) * outputs : outputs)];
    }

    public override ReplayBuffer Replay => replay;

    /// <summary>
    /// Discrete: a ~ softmax(phi_theta(s, g)), but uniform over all actions with probability epsilon; in a test argmax phi.
    /// Continuous: a = mu_theta(s, g) + N(0, sigma_a^2) in each component, clipped to [-1, 1]; in a test the mean, clipped. Where sigma is
    /// sampled, what is before the noise is a ~ pi: both are one draw, of the variance sigma^2 + sigma_a^2.
    /// </summary>
    protected override void Act(Episodes episodes, int first, int rows, bool explore)
    {
        ReadOnlySpan<float> phi = policy.Network.Forward(episodes.Encode(first, rows, policy.Network.InputRows(rows)), rows);
        if (!discrete)
            ActOnMeans(episodes, phi, first, rows, explore);
        else if (explore)
            ActOnProbabilities(episodes, phi, first, rows);
        else
            for (int i = 0; i < rows; i++)
                episodes.Act(first + i, Draws.Greedy(phi.Slice(i * outputs, outputs)));
    }

    private void ActOnProbabilities(Episodes episodes, ReadOnlySpan<float> logits, int first, int rows)
    {
        Span<float> p = choice.AsSpan(0, rows * outputs);
        VectorMath.Softmax(logits, outputs, p);
        for (int i = 0; i < rows; i++)
        {
            ref RandomStream random = ref episodes.Random(first + i);
            bool uniform = random.NextDouble() < settings.Epsilon;
            episodes.Act(
                first + i, uniform ? random.Below(outputs) : Draws.Categorical(p.Slice(i * outputs, outputs), ref random));
        }
    }

    private void ActOnMeans(Episodes episodes, ReadOnlySpan<float> means, int first, int rows, bool explore)
    {
        for (int i = 0; i < rows; i++)
        {
            ReadOnlySpan<float> mean = means.Slice(i * outputs, outputs);
            if (explore)
                Draw(mean, ref episodes.Random(first + i));
            episodes.Act(first + i, explore ? choice : mean);
        }
    }

    private void Draw(ReadOnlySpan<float> mean, ref RandomStream random)
    {
        if (settings.SigmaMode == SigmaMode.Fixed)
        {
            Draws.Normal(mean, settings.ActionNoise, ref random, choice);
            return;
        }

        random.NextNormals(choice);
        for (int k = 0; k < outputs; k++)
        {
            double sigma = learned?[k] ?? settings.PolicySigma;
            choice[k] = mean[k] + (float)Math.Sqrt(sigma * sigma + settings.ActionNoise * settings.ActionNoise) * choice[k];
        }
    }

    protected override void Store() => replay.Add(Collected.Trajectories, CollectedPerWorker);

    /// <summary>
    /// E-step: every worker draws B triples (s_t, a_t, g) from the hindsight distribution: a trajectory uniformly from its replay,
    /// t uniform in 0..L-1, and g = phi(s_t') with t' uniform in t+1..L ("future"). Here so many rows of the batch from one on.
    /// </summary>
    private void Relabel(int first, int rows, Span<float> inputs)
    {
        Span<byte> goal = stackalloc byte[task.GoalBytes];
        for (int row = 0; row < rows; row++)
        {
            int worker = (first + row) / settings.BatchSize;
            ref RandomStream random = ref Workers[worker];
            Trajectory trajectory = replay.Draw(worker, ref random);
            int t = Hindsight.Relabel(task, trajectory, settings.Relabel, ref random, goal);
            task.Encode(trajectory, t, goal, inputs.Slice(row * task.Inputs, task.Inputs));
            if (discrete)
                actions[row] = trajectory.Action(t)[0];
            else
                trajectory.ActionVector(t).CopyTo(actionVectors.AsSpan(row * outputs, outputs));
        }
    }

    /// <summary>
    /// M-step: one Adam step on the mean of -log pi_theta(a | s, g) over the M B samples, which is the mean of the workers' gradients.
    /// <code>
    /// discrete:   l = -log softmax(phi)_a,    dl/dphi_j = softmax(phi)_j - 1[j = a]
    /// continuous: see <see cref="Losses.GaussianNegativeLogLikelihood"/>
    /// </code>
    /// </summary>
    protected override double? Update(ITrainingHost host, int number)
    {
        double loss = 0;
        learned?.Slopes.Clear();
        for (int first = 0; first < batch; first += Part)
        {
            if (host.LeaveNow)
                return null;

            int rows = Math.Min(Part, batch - first);
            Span<float> inputs = policy.Network.InputRows(rows);
            Relabel(first, rows, inputs);
            ReadOnlySpan<float> phi = policy.Network.Forward(inputs, rows);
            Span<float> slope = gradient.AsSpan(0, rows * outputs);
            loss += Loss(phi, slope, rows);
            policy.Network.Backward(slope, rows, accumulate: first > 0);
        }

        RequireFinite(loss);
        policy.Adam.Step();
        learned?.Step();
        return loss;
    }

    /// <summary>What so many rows contribute to l, and the slopes of phi.</summary>
    private double Loss(ReadOnlySpan<float> phi, Span<float> slope, int rows)
    {
        if (discrete)
            return VectorMath.SoftmaxCrossEntropy(phi, actions.AsSpan(0, rows), slope, batch);
        ReadOnlySpan<float> taken = actionVectors.AsSpan(0, rows * outputs);
        return learned is null
            ? Losses.GaussianNegativeLogLikelihood(phi, taken, outputs, settings.PolicySigma, slope, batch)
            : Losses.GaussianNegativeLogLikelihood(phi, taken, learned.Logarithms, slope, learned.Slopes, batch);
    }
}
