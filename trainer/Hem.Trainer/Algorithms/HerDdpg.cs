using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;

namespace Hem.Trainer.Algorithms;

/// <summary>
/// HER on continuous actions: DDPG with hindsight replay (Andrychowicz et al. 2017), in the details as openai/baselines' her; and the
/// combined loss of the hEM paper, which adds hEM's log-likelihood to the policy's objective with the weight eta.
/// <para>
/// A policy pi(s, g) = tanh(linear) and a critic Q(s, g, a), each with a copy (pi', Q') that follows it slowly: the target networks. A
/// cycle is: every worker collects N episodes; the normalisers take them in; 40 updates; then once
/// target = polyak * target + (1 - polyak) * network.
/// </para>
/// </summary>
internal sealed class HerDdpgAlgorithm : TrainingLoop
{
    private readonly HerSettings settings;
    private readonly IContinuousTask task;
    private readonly TrainedNetwork policy, critic;
    private readonly INetwork targetPolicy, targetCritic;
    private readonly Normalizer stateNormalizer, goalNormalizer;
    private readonly ReplayBuffer replay;
    private readonly int batch, width, components;

    // One part of a batch, and what is computed of it.
    private readonly Transitions sampled;
    private readonly float[] criticSlopes, chosenActions, policySlopes, targets, valueSlopes;
    private readonly float[] action;

    /// <param name="settings">The parameters; eta above 0 makes it `hem-her`.</param>
    /// <param name="seed">The trial's seed.</param>
    /// <param name="task">The task, with raw inputs.</param>
    /// <param name="threads">Threads of the networks, and of simulated tasks.</param>
    /// <param name="kernels">Vector width of the networks.</param>
    /// <param name="rowsPerPart">Rows of a batch computed at once; changes nothing but time and memory.</param>
    public HerDdpgAlgorithm(
        HerSettings settings, long seed, IContinuousTask task,
        int threads = 1, KernelWidth kernels = KernelWidth.Auto, int? rowsPerPart = null)
        : base(settings, seed, task, threads, kernels, collectAtOnce: settings.N)
    {
        (this.settings, this.task) = (settings, task);
        (width, components) = (task.Inputs, task.ActionSize);
        policy = CreateTrained(Describe(outputs: components), number: 0, settings.LearningRate);
        critic = CreateTrained(Describe(outputs: 1, moreInputs: components), number: 1, settings.CriticLearningRate);
        targetPolicy = CreateTarget(policy);
        targetCritic = CreateTarget(critic);
        Keep((stateNormalizer = new Normalizer(task.Input.StateVector)).State);
        Keep((goalNormalizer = new Normalizer(task.Input.GoalVector)).State);
        replay = new ReplayBuffer(
            TrajectoryLayout.Of(task), settings.Workers, settings.BufferTrajectories, Overwriting.Random, seed);

        batch = checked(settings.Workers * settings.BatchSize);
        Part = rowsPerPart ?? PartFor(4L * (width + components), policy, policy, critic, critic);
        sampled = new Transitions(Part, width, components);
        criticSlopes = new float[checked(Part * (width + components))];
        (chosenActions, policySlopes) = (new float[Part * components], new float[Part * components]);
        (targets, valueSlopes) = (new float[Part], new float[Part]);
        action = new float[components];
    }

    public override ReplayBuffer Replay => replay;

    /// <summary>The transitions that <see cref="Gradients"/> takes; an update fills them from the replay.</summary>
    internal Transitions Sampled => sampled;

    internal TrainedNetwork Policy => policy;

    internal TrainedNetwork Critic => critic;

    /// <summary>
    /// a = pi(s, g) + N(0, sigma_a^2) in each component, clipped to [-1, 1]; but with probability epsilon the whole vector is uniform in
    /// the box. In a test a = pi(s, g).
    /// </summary>
    protected override void Act(Episodes episodes, int first, int rows, bool explore)
    {
        Span<float> inputs = policy.Network.InputRows(rows);
        episodes.Encode(first, rows, inputs);
        Normalize(inputs);
        Span<float> chosen = chosenActions.AsSpan(0, rows * components);
        VectorMath.Tanh(policy.Network.Forward(inputs, rows), chosen);
        for (int i = 0; i < rows; i++)
        {
            Span<float> mean = chosen.Slice(i * components, components);
            if (!explore)
            {
                episodes.Act(first + i, mean);
                continue;
            }

            ref RandomStream random = ref episodes.Random(first + i);
            Draws.Normal(mean, settings.ActionNoise, ref random, action);
            if (random.NextDouble() < settings.Epsilon)
                Draws.Uniform(ref random, action);
            episodes.Act(first + i, action);
        }
    }

    /// <summary>
    /// Keeps the episodes; then every worker draws as many samples from its new episodes as they have actions, relabelled as for an
    /// update, and the normalisers take in their states and goals.
    /// </summary>
    protected override void Store()
    {
        replay.Add(Collected.Trajectories, settings.N);
        if (!settings.NormalizeInputs)
            return;

        Span<byte> goal = stackalloc byte[task.GoalBytes];
        Span<float> input = sampled.States.AsSpan(0, width);
        for (int worker = 0; worker < settings.Workers; worker++)
        {
            int samples = 0;
            for (int i = 0; i < settings.N; i++)
                samples += Collected.Trajectories[worker * settings.N + i].Length;
            for (; samples > 0; samples--)
            {
                ref RandomStream random = ref Workers[worker];
                Trajectory trajectory = Collected.Trajectories[worker * settings.N + random.Below(settings.N)];
                int t = Hindsight.Relabel(task, trajectory, settings.Relabel, ref random, goal);
                task.Encode(trajectory, t, goal, input);
                stateNormalizer.Add(StateOf(input));
                goalNormalizer.Add(GoalOf(input));
            }
        }

        stateNormalizer.Update(settings.Workers);
        goalNormalizer.Update(settings.Workers);
    }

    /// <summary>
    /// Every worker draws B transitions (s, a, r, s') from its replay, t uniform, with probability 0.8 for a goal that was achieved later
    /// (at t' uniform in t+1..L); r is computed anew for the goal. Here so many rows of the batch from one on.
    /// </summary>
    private void Sample(int first, int rows)
    {
        Span<byte> goal = stackalloc byte[task.GoalBytes];
        for (int row = 0; row < rows; row++)
        {
            int worker = (first + row) / settings.BatchSize;
            ref RandomStream random = ref Workers[worker];
            Trajectory trajectory = replay.Draw(worker, ref random);
            int t = Hindsight.Relabel(task, trajectory, settings.Relabel, ref random, goal);
            bool success = task.IsSuccess(trajectory.State(t + 1), goal);
            sampled.Rewards[row] = (success ? 1 : 0) - (settings.NegativeRewards ? 1 : 0);

            // An episode that would have ended there has nothing after it; the others go on to T whatever happens.
            sampled.Terminal[row] = success && settings.StopOnSuccess;
            task.Encode(trajectory, t, goal, sampled.States.AsSpan(row * width, width));
            task.Encode(trajectory, t + 1, goal, sampled.NextStates.AsSpan(row * width, width));
            trajectory.ActionVector(t).CopyTo(sampled.Actions.AsSpan(row * components, components));
        }

        Normalize(sampled.States.AsSpan(0, rows * width));
        Normalize(sampled.NextStates.AsSpan(0, rows * width));
    }

    /// <summary>
    /// Both gradients are of the same batch and of the networks before the step, means over the M B samples:
    /// <code>
    /// L_Q  = mean (y - Q(s, g, a))^2,  y = clip(r + gamma Q'(s', g, pi'(s', g)), low, high)      no gradient through y
    /// L_pi = -mean Q(s, g, pi(s, g)) + actionPenalty * mean pi(s, g)^2                           over components too; pi's alone
    /// hem-her: L_pi + eta * mean over samples of hEM of sum_k (a_k - pi_k)^2 / 2                 a Gaussian with mean pi and sigma 1
    /// </code>
    /// Then Adam on Q, Adam on pi, and after the last update of the cycle the target networks.
    /// </summary>
    protected override double? Update(ITrainingHost host, int number)
    {
        double loss = 0;
        for (int first = 0; first < batch; first += Part)
        {
            if (host.LeaveNow)
                return null;

            int rows = Math.Min(Part, batch - first);
            Sample(first, rows);
            loss += Gradients(rows, accumulate: first > 0);
        }

        for (int first = 0; settings.Eta > 0 && first < batch; first += Part)
        {
            if (host.LeaveNow)
                return null;

            int rows = Math.Min(Part, batch - first);
            SampleHindsight(first, rows);
            LikelihoodGradient(rows);
        }

        RequireFinite(loss);
        Step();
        if (number == settings.Updates - 1)
        {
            Follow(targetPolicy, policy, settings.Polyak);
            Follow(targetCritic, critic, settings.Polyak);
        }

        return loss;
    }

    /// <summary>Both gradients of what is in <see cref="Sampled"/>, by the networks as they are.</summary>
    /// <returns>What these rows contribute to L_Q.</returns>
    internal double Gradients(int rows, bool accumulate)
    {
        Targets(rows);
        double loss = CriticGradient(rows, accumulate);
        PolicyGradient(rows, accumulate);
        return loss;
    }

    internal void Step()
    {
        critic.Adam.Step();
        policy.Adam.Step();
    }

    /// <summary>y = clip(r + gamma Q'(s', g, pi'(s', g)), low, high); no gamma Q' where the episode has ended.</summary>
    private void Targets(int rows)
    {
        ReadOnlySpan<float> next = sampled.NextStates.AsSpan(0, rows * width);
        Span<float> chosen = chosenActions.AsSpan(0, rows * components);
        VectorMath.Tanh(targetPolicy.Forward(next, rows), chosen);
        ReadOnlySpan<float> values = targetCritic.Forward(CriticInputs(targetCritic, next, chosen, rows), rows);
        Losses.Targets(
            sampled.Rewards.AsSpan(0, rows), values, sampled.Terminal, settings.Discount, settings.LowestTarget, settings.HighestTarget,
            targets);
    }

    /// <summary>dL_Q/dQ = 2 (Q - y) / (M B).</summary>
    private double CriticGradient(int rows, bool accumulate)
    {
        ReadOnlySpan<float> inputs = CriticInputs(critic.Network, sampled.States, sampled.Actions, rows);
        ReadOnlySpan<float> values = critic.Network.Forward(inputs, rows);
        Span<float> slopes = valueSlopes.AsSpan(0, rows);
        double loss = Losses.SquaredError(values, targets, slopes, batch);
        critic.Network.Backward(slopes, rows, accumulate: accumulate);
        return loss;
    }

    /// <summary>Through Q to the action, dL_pi/da = -(1 / (M B)) dQ/da, and from there into the policy.</summary>
    private void PolicyGradient(int rows, bool accumulate)
    {
        ReadOnlySpan<float> inputs = sampled.States.AsSpan(0, rows * width);
        Span<float> chosen = chosenActions.AsSpan(0, rows * components), slopes = policySlopes.AsSpan(0, rows * components);
        VectorMath.Tanh(policy.Network.Forward(inputs, rows), chosen);
        critic.Network.Forward(CriticInputs(critic.Network, inputs, chosen, rows), rows);
        valueSlopes.AsSpan(0, rows).Fill(-1f / batch);
        Span<float> inputSlopes = criticSlopes.AsSpan(0, rows * (width + components));
        critic.Network.Backward(valueSlopes.AsSpan(0, rows), rows, inputSlopes, inputsOnly: true);
        for (int row = 0; row < rows; row++)
            inputSlopes.Slice(row * (width + components) + width, components).CopyTo(slopes[(row * components)..]);
        Losses.PenalizeActions(chosen, components, settings.ActionPenalty, slopes, batch);
        Losses.ThroughTanh(chosen, slopes);
        policy.Network.Backward(slopes, rows, accumulate: accumulate);
    }

    /// <summary>Rows of the second batch of the combined loss: hEM's samples (s, a, g), every one of them relabelled.</summary>
    private void SampleHindsight(int first, int rows)
    {
        Span<byte> goal = stackalloc byte[task.GoalBytes];
        for (int row = 0; row < rows; row++)
        {
            int worker = (first + row) / settings.BatchSize;
            ref RandomStream random = ref Workers[worker];
            Trajectory trajectory = replay.Draw(worker, ref random);
            int t = Hindsight.Relabel(task, trajectory, relabel: 1, ref random, goal);
            task.Encode(trajectory, t, goal, sampled.States.AsSpan(row * width, width));
            trajectory.ActionVector(t).CopyTo(sampled.Actions.AsSpan(row * components, components));
        }

        Normalize(sampled.States.AsSpan(0, rows * width));
    }

    /// <summary>hEM's term of the combined loss: d/dpi_k = eta (pi_k - a_k) / (M B), or T times that (`hemLoss`).</summary>
    internal void LikelihoodGradient(int rows)
    {
        ReadOnlySpan<float> inputs = sampled.States.AsSpan(0, rows * width);
        Span<float> chosen = chosenActions.AsSpan(0, rows * components), slopes = policySlopes.AsSpan(0, rows * components);
        VectorMath.Tanh(policy.Network.Forward(inputs, rows), chosen);
        float weight = (float)(settings.Eta * (settings.SumsLikelihood ? task.Horizon : 1));
        Losses.GaussianNegativeLogLikelihood(chosen, sampled.Actions.AsSpan(0, rows * components), components, sigma: 1, slopes, batch);
        foreach (ref float slope in slopes)
            slope *= weight;
        Losses.ThroughTanh(chosen, slopes);
        policy.Network.Backward(slopes, rows, accumulate: true);
    }

    /// <summary>Rows of a critic's input: the policy's input, then the action.</summary>
    private ReadOnlySpan<float> CriticInputs(INetwork network, ReadOnlySpan<float> inputs, ReadOnlySpan<float> chosen, int rows)
    {
        Span<float> target = network.InputRows(rows);
        for (int row = 0; row < rows; row++)
        {
            Span<float> both = target.Slice(row * (width + components), width + components);
            inputs.Slice(row * width, width).CopyTo(both);
            chosen.Slice(row * components, components).CopyTo(both[width..]);
        }

        return target;
    }

    /// <summary>Rows of raw inputs become those that the networks see. Images are as they should be.</summary>
    private void Normalize(Span<float> rows)
    {
        if (!settings.NormalizeInputs)
            return;
        for (; rows.Length > 0; rows = rows[width..])
        {
            stateNormalizer.Apply(StateOf(rows));
            goalNormalizer.Apply(GoalOf(rows));
        }
    }

    private Span<float> StateOf(Span<float> input) => input.Slice(task.Input.VectorStart, task.Input.StateVector);

    private Span<float> GoalOf(Span<float> input) =>
        input.Slice(task.Input.VectorStart + task.Input.StateVector, task.Input.GoalVector);

    /// <summary>Transitions (s, a, r, s') for a goal, as the networks see them.</summary>
    /// <param name="rows">How many at most.</param>
    /// <param name="width">Numbers in a row of the policy's input.</param>
    /// <param name="components">Numbers in an action.</param>
    internal sealed class Transitions(int rows, int width, int components)
    {
        /// <summary>(s, g), [rows, width].</summary>
        public float[] States { get; } = new float[checked(rows * width)];

        /// <summary>(s', g), [rows, width].</summary>
        public float[] NextStates { get; } = new float[checked(rows * width)];

        /// <summary>a, [rows, components].</summary>
        public float[] Actions { get; } = new float[checked(rows * components)];

        /// <summary>r, [rows].</summary>
        public float[] Rewards { get; } = new float[rows];

        /// <summary>Whether nothing came after, [rows].</summary>
        public bool[] Terminal { get; } = new bool[rows];
    }

    public override void Dispose()
    {
        targetPolicy.Dispose();
        targetCritic.Dispose();
        base.Dispose();
    }
}
