using Hem.Trainer.Tasks;

namespace Hem.Trainer.Replay;

/// <summary>
/// Episodes of a discrete task that run side by side: encode the inputs of those still active, evaluate the policy once for all of them,
/// give each its action. An episode draws from a stream of its own, so its course does not depend on which others run beside it.
/// </summary>
/// <remarks>
/// Add each episode; while some are Active: evaluate the policy on Encode(), Act for each i below Active, Advance.
/// </remarks>
internal sealed class Episodes(IDiscreteTask task, int capacity) : IDisposable
{
    private readonly RandomStream[] randoms = new RandomStream[capacity];
    private readonly bool[] succeeded = new bool[capacity];
    private readonly bool[] ended = new bool[capacity];
    private readonly int[] active = new int[capacity];
    private readonly float[] inputs = new float[capacity * task.Inputs];
    private int count;
    private int time;
    private bool endAtSuccess;
    private bool endAtReturn;

    /// <summary>What the episodes did, in the order in which they were added.</summary>
    public TrajectoryStore Trajectories { get; } = new(TrajectoryLayout.Of(task), capacity);

    /// <summary>Episodes that have not ended.</summary>
    public int Active { get; private set; }

    /// <summary>Episodes in which some state after an action was a success.</summary>
    public int Successes => succeeded.AsSpan(0, count).Count(true);

    /// <summary>Actions taken in all of them.</summary>
    public long Steps { get; private set; }

    /// <summary>Forgets all episodes. From now on an episode ends after T actions, and before</summary>
    /// <param name="stopOnSuccess">at its first success;</param>
    /// <param name="stopOnReturn">when it comes back to a state: a deterministic policy in a deterministic task has failed then.</param>
    public void Clear(bool stopOnSuccess, bool stopOnReturn = false) =>
        (count, time, Active, Steps, endAtSuccess, endAtReturn) = (0, 0, 0, 0, stopOnSuccess, stopOnReturn);

    /// <summary>Starts one more episode, which draws from <paramref name="random"/>.</summary>
    public void Add(RandomStream random)
    {
        int episode = count++;
        Trajectory trajectory = Trajectories[episode];
        task.Reset(ref random, trajectory.State(0), trajectory.Goal);
        trajectory.Length = 0;
        randoms[episode] = random;
        succeeded[episode] = false;
        ended[episode] = false;
        active[Active++] = episode;
    }

    /// <summary>The network inputs of the active episodes, [Active, Inputs].</summary>
    public ReadOnlySpan<float> Encode()
    {
        int width = task.Inputs;
        for (int i = 0; i < Active; i++)
        {
            Trajectory trajectory = Trajectories[active[i]];
            task.Encode(trajectory.State(time), trajectory.Goal, inputs.AsSpan(i * width, width));
        }

        return inputs.AsSpan(0, Active * width);
    }

    /// <summary>The stream of the i-th active episode.</summary>
    public ref RandomStream Random(int i) => ref randoms[active[i]];

    /// <summary>Takes the action in the i-th active episode; each must act once before <see cref="Advance"/>.</summary>
    public void Act(int i, int action)
    {
        int episode = active[i];
        Trajectory trajectory = Trajectories[episode];
        trajectory.Action(time)[0] = (byte)action;
        Span<byte> next = trajectory.State(time + 1);
        trajectory.State(time).CopyTo(next);
        task.Step(ref randoms[episode], next, action);
        trajectory.Length = time + 1;
        succeeded[episode] |= task.IsSuccess(next, trajectory.Goal);
        ended[episode] = time + 1 == task.Horizon
            || (endAtSuccess && succeeded[episode])
            || (endAtReturn && HasBeenAt(trajectory, next));
    }

    /// <summary>Moves on by one step of time: the episodes that ended leave the active ones, whose order stays.</summary>
    public void Advance()
    {
        Steps += Active;
        time++;
        int kept = 0;
        for (int i = 0; i < Active; i++)
        {
            if (!ended[active[i]])
                active[kept++] = active[i];
        }

        Active = kept;
    }

    /// <summary>Whether one of the states up to now is <paramref name="state"/>; the latest first, for most rounds are short.</summary>
    private bool HasBeenAt(Trajectory trajectory, ReadOnlySpan<byte> state)
    {
        for (int t = time; t >= 0; t--)
        {
            if (trajectory.State(t).SequenceEqual(state))
                return true;
        }

        return false;
    }

    public void Dispose() => Trajectories.Dispose();
}
