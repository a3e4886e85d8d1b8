using Hem.Trainer.Tasks;

namespace Hem.Trainer.Replay;

/// <summary>
/// Episodes of a discrete task that run side by side: encode the inputs of those still active, evaluate the policy once for all of them,
/// give each its action. An episode draws from a stream of its own, so its course does not depend on which others run beside it.
/// </summary>
/// <remarks>
/// for (episodes.Start(...); episodes.Active > 0; episodes.Advance()) { logits = network.Forward(episodes.Encode(), episodes.Active); for each i &lt; Active: episodes.Act(i, ...) }
/// </remarks>
internal sealed class Episodes : IDisposable
{
    private readonly IDiscreteTask _task;
    private readonly RandomStream[] _randoms;
    private readonly bool[] _succeeded;
    private readonly bool[] _ended;
    private readonly int[] _active;
    private readonly float[] _inputs;
    private int _count;
    private int _time;
    private bool _stopOnSuccess;

    public Episodes(IDiscreteTask task, int count)
    {
        _task = task;
        Trajectories = new TrajectoryStore(TrajectoryLayout.Of(task), count);
        _randoms = new RandomStream[count];
        _succeeded = new bool[count];
        _ended = new bool[count];
        _active = new int[count];
        _inputs = new float[count * task.Inputs];
    }

    /// <summary>What the episodes did, in the order in which they were added.</summary>
    public TrajectoryStore Trajectories { get; }

    /// <summary>Episodes that have not ended.</summary>
    public int Active { get; private set; }

    /// <summary>Episodes in which some state after an action was a success.</summary>
    public int Successes => _succeeded.AsSpan(0, _count).Count(true);

    /// <summary>Actions taken in all of them.</summary>
    public long Steps { get; private set; }

    /// <summary>Forgets all episodes. <paramref name="stopOnSuccess"/>: an episode ends at its first success, else after T actions.</summary>
    public void Clear(bool stopOnSuccess)
    {
        (_count, _time, Active, Steps, _stopOnSuccess) = (0, 0, 0, 0, stopOnSuccess);
    }

    /// <summary>Starts one more episode, which draws from <paramref name="random"/>.</summary>
    public void Add(RandomStream random)
    {
        int episode = _count++;
        Trajectory trajectory = Trajectories[episode];
        _task.Reset(ref random, trajectory.State(0), trajectory.Goal);
        trajectory.Length = 0;
        _randoms[episode] = random;
        _succeeded[episode] = false;
        _ended[episode] = false;
        _active[Active++] = episode;
    }

    /// <summary>The network inputs of the active episodes, [Active, Inputs].</summary>
    public ReadOnlySpan<float> Encode()
    {
        int width = _task.Inputs;
        for (int i = 0; i < Active; i++)
        {
            Trajectory trajectory = Trajectories[_active[i]];
            _task.Encode(trajectory.State(_time), trajectory.Goal, _inputs.AsSpan(i * width, width));
        }

        return _inputs.AsSpan(0, Active * width);
    }

    /// <summary>The stream of the i-th active episode.</summary>
    public ref RandomStream Random(int i) => ref _randoms[_active[i]];

    /// <summary>Takes the action in the i-th active episode; each must act once before <see cref="Advance"/>.</summary>
    public void Act(int i, int action)
    {
        int episode = _active[i];
        Trajectory trajectory = Trajectories[episode];
        trajectory.Action(_time)[0] = (byte)action;
        Span<byte> next = trajectory.State(_time + 1);
        trajectory.State(_time).CopyTo(next);
        _task.Step(ref _randoms[episode], next, action);
        trajectory.Length = _time + 1;
        _succeeded[episode] |= _task.IsSuccess(next, trajectory.Goal);
        _ended[episode] = _time + 1 == _task.Horizon || (_stopOnSuccess && _succeeded[episode]);
    }

    /// <summary>Moves on by one step of time: the episodes that ended leave the active ones, whose order stays.</summary>
    public void Advance()
    {
        Steps += Active;
        _time++;
        int kept = 0;
        for (int i = 0; i < Active; i++)
        {
            if (!_ended[_active[i]])
            {
                _active[kept++] = _active[i];
            }
        }

        Active = kept;
    }

    public void Dispose() => Trajectories.Dispose();
}
