using Hem.Trainer.Networks;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;

namespace Hem.Trainer.Algorithms;

/// <summary>
/// HER on discrete actions: DQN with hindsight replay (Andrychowicz et al. 2017, section 4.1).
/// <para>
/// A critic Q(s, g) with a value for each action, and a copy Q' that follows it slowly: the target network. A cycle is: every worker
/// collects N episodes; 40 updates; then once target = polyak * target + (1 - polyak) * network.
/// </para>
/// </summary>
internal sealed class HerDqnAlgorithm : TrainingLoop
{
    private readonly HerSettings settings;
    private readonly IDiscreteTask task;
    private readonly TrainedNetwork critic;
    private readonly INetwork target;
    private readonly ReplayBuffer replay;
    private readonly int batch;
    private readonly float[] states, nextStates;
    private readonly int[] taken;
    private readonly float[] rewards, nextValues, targets, slopes;
    private readonly bool[] terminal;

    /// <param name="settings">The parameters.</param>
    /// <param name="seed">The trial's seed.</param>
    /// <param name="task">The task.</param>
    /// <param name="threads">Threads of the networks.</param>
    /// <param name="kernels">Vector width of the networks.</param>
    /// <param name="rowsPerPart">Rows of a batch computed at once; changes nothing but time and memory.</param>
    public HerDqnAlgorithm(
        HerSettings settings, long seed, IDiscreteTask task,
        int threads = 1, KernelWidth kernels = KernelWidth.Auto, int? rowsPerPart = null)
        : base(settings, seed, task, threads, kernels, collectAtOnce: settings.N)
    {
        (this.settings, this.task) = (settings, task);
        critic = CreateTrained(Describe(outputs: task.Actions), number: 0, settings.LearningRate);
        target = CreateTarget(critic);
        replay = new ReplayBuffer(
            TrajectoryLayout.Of(task), settings.Workers, settings.BufferTrajectories, Overwriting.Random, seed);

        batch = checked(settings.Workers * settings.BatchSize);
        Part = rowsPerPart ?? PartFor(2L * task.Inputs, critic, critic);
        int rows = Math.Min(batch, Part);
        (states, nextStates) = (new float[checked(rows * task.Inputs)], new float[checked(rows * task.Inputs)]);
        (rewards, nextValues, targets) = (new float[rows], new float[rows], new float[rows]);
        slopes = new float[checked(rows * task.Actions)];
        (taken, terminal) = (new int[rows], new bool[rows]);
    }

    public override ReplayBuffer Replay => replay;

    /// <summary>a = argmax_a Q(s, g, a); while collecting, with probability epsilon, uniform over all actions.</summary>
    protected override void Act(Episodes episodes, int first, int rows, bool explore)
    {
        ReadOnlySpan<float> values = critic.Network.Forward(episodes.Encode(first, rows), rows);
        for (int i = 0; i < rows; i++)
        {
            ref RandomStream random = ref episodes.Random(first + i);
            bool uniform = explore && random.NextDouble() < settings.Epsilon;
            episodes.Act(
                first + i, uniform ? random.Below(task.Actions) : Draws.Greedy(values.Slice(i * task.Actions, task.Actions)));
        }
    }

    protected override void Store() => replay.Add(Collected.Trajectories, settings.N);

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
            rewards[row] = (success ? 1 : 0) - (settings.NegativeRewards ? 1 : 0);

            // An episode that would have ended there has nothing after it; the others go on to T whatever happens.
            terminal[row] = success && settings.StopOnSuccess;
            task.Encode(trajectory.State(t), goal, states.AsSpan(row * task.Inputs, task.Inputs));
            task.Encode(trajectory.State(t + 1), goal, nextStates.AsSpan(row * task.Inputs, task.Inputs));
            taken[row] = trajectory.Action(t)[0];
        }
    }

    /// <summary>
    /// One Adam step on the mean over the M B samples of
    /// <code>
    /// l = (y - Q(s, g, a))^2,  y = clip(r + gamma max_a' Q'(s', g, a'), low, high)      no gradient through y
    /// </code>
    /// and after the last update of the cycle the target network.
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
            ReadOnlySpan<float> after = target.Forward(nextStates.AsSpan(0, rows * task.Inputs), rows);
            for (int i = 0; i < rows; i++)
            {
                ReadOnlySpan<float> ofActions = after.Slice(i * task.Actions, task.Actions);
                nextValues[i] = ofActions[Draws.Greedy(ofActions)];
            }

            Losses.Targets(
                rewards.AsSpan(0, rows), nextValues, terminal, settings.Discount, settings.LowestTarget, settings.HighestTarget, targets);
            ReadOnlySpan<float> values = critic.Network.Forward(states.AsSpan(0, rows * task.Inputs), rows);
            Span<float> gradient = slopes.AsSpan(0, rows * task.Actions);
            loss += Losses.SquaredErrorOfTaken(values, taken.AsSpan(0, rows), targets, gradient, batch);
            critic.Network.Backward(gradient, rows, accumulate: first > 0);
        }

        RequireFinite(loss);
        critic.Adam.Step();
        if (number == settings.Updates - 1)
            Follow(target, critic, settings.Polyak);
        return loss;
    }

    public override void Dispose()
    {
        target.Dispose();
        base.Dispose();
    }
}
