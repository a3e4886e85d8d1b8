using System.Runtime.ExceptionServices;
using Hem.Trainer.Networks;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;

namespace Hem.Trainer.Replay;

/// <summary>
/// Episodes of a task that run side by side: encode the inputs of those still active, evaluate the policy once for all of them, give
/// each its action. An episode draws from a stream of its own, so its course depends neither on which others run beside it nor on the
/// thread that steps it.
/// </summary>
/// <remarks>
/// Clear; Add each episode; Start; while some are Active: evaluate the policy on Encode(), Act for each i below Active, Advance.
/// </remarks>
/// <param name="task">The task.</param>
/// <param name="capacity">Episodes at most.</param>
/// <param name="pool">Threads that start and step the episodes of simulated tasks; null: the caller's alone.</param>
internal sealed class Episodes(ITask task, int capacity, WorkerPool? pool = null) : IDisposable, IParallelWork
{
    /// <summary>Times that one episode may diverge and begin again before the run is given up.</summary>
    private const int MostRestarts = 100;

    private readonly IDiscreteTask? discrete = task as IDiscreteTask;
    private readonly IContinuousTask? continuous = task as IContinuousTask;
    private readonly RandomStream[] randoms = new RandomStream[capacity];
    private readonly bool[] succeeded = new bool[capacity];
    private readonly bool[] ended = new bool[capacity];
    private readonly int[] diverged = new int[capacity];
    private readonly bool[] lost = new bool[capacity];
    private readonly long[] steps = new long[capacity];
    private readonly int[] active = new int[capacity];
    private readonly byte[] simulations = new byte[checked(capacity * task.SimulationBytes)];
    private float[] inputs = [];
    private int count;
    private bool endAtSuccess;
    private bool endAtReturn;
    private bool beginAgain;
    private bool starting;
    private Exception? failure;

    /// <summary>What the episodes did, in the order in which they were added.</summary>
    public TrajectoryStore Trajectories { get; } = new(TrajectoryLayout.Of(task), capacity);

    /// <summary>Episodes that have not ended.</summary>
    public int Active { get; private set; }

    /// <summary>Episodes in which some state after an action was a success.</summary>
    public int Successes => succeeded.AsSpan(0, count).Count(true);

    /// <summary>Episodes whose last state was a success.</summary>
    public int FinalSuccesses
    {
        get
        {
            int successes = 0;
            for (int episode = 0; episode < count; episode++)
            {
                Trajectory trajectory = Trajectories[episode];
                bool whole = trajectory.Length > 0 && !lost[episode];
                successes += whole && task.IsSuccess(trajectory.State(trajectory.Length), trajectory.Goal) ? 1 : 0;
            }

            return successes;
        }
    }

    /// <summary>Actions taken in all of them, those of diverged simulations included.</summary>
    public long Steps
    {
        get
        {
            long sum = 0;
            foreach (long taken in steps.AsSpan(0, count))
                sum += taken;
            return sum;
        }
    }

    /// <summary>Episodes that ended because the simulation diverged, those begun again included.</summary>
    public int Unstable
    {
        get
        {
            int sum = 0;
            foreach (int times in diverged.AsSpan(0, count))
                sum += times;
            return sum;
        }
    }

    /// <summary>Forgets all episodes. From now on an episode ends after T actions, and before</summary>
    /// <param name="stopOnSuccess">at its first success;</param>
    /// <param name="stopOnReturn">when it comes back to a state: a deterministic policy in a deterministic task has failed then.</param>
    /// <param name="restartUnstable">
    /// When its simulation diverges, an episode begins again with a new draw of its stream, and nothing is left of what was; else it has
    /// failed.
    /// </param>
    public void Clear(bool stopOnSuccess, bool stopOnReturn = false, bool restartUnstable = true) =>
        (count, Active, endAtSuccess, endAtReturn, beginAgain) = (0, 0, stopOnSuccess, stopOnReturn, restartUnstable);

    /// <summary>One more episode, which draws from <paramref name="random"/>.</summary>
    public void Add(RandomStream random)
    {
        int episode = count++;
        randoms[episode] = random;
        (diverged[episode], steps[episode], succeeded[episode], lost[episode]) = (0, 0, false, false);
    }

    /// <summary>Draws the start states and goals of all that were added.</summary>
    public void Start()
    {
        for (Active = 0; Active < count; Active++)
            active[Active] = Active;
        starting = true;
        RunOnAll();
    }

    /// <summary>The network inputs of the active episodes, [Active, Inputs].</summary>
    public ReadOnlySpan<float> Encode() => Encode(0, Active);

    /// <summary>The network inputs of so many active episodes from the <paramref name="first"/> on, [rows, Inputs].</summary>
    public ReadOnlySpan<float> Encode(int first, int rows)
    {
        if (inputs.Length < rows * task.Inputs)
            inputs = new float[checked(rows * task.Inputs)];
        return Encode(first, rows, inputs);
    }

    /// <summary>The same into memory of the caller's, of which the part that was written is given back.</summary>
    public ReadOnlySpan<float> Encode(int first, int rows, Span<float> target)
    {
        int width = task.Inputs;
        for (int i = 0; i < rows; i++)
        {
            Trajectory trajectory = Trajectories[active[first + i]];
            task.Encode(trajectory, trajectory.Length, trajectory.Goal, target.Slice(i * width, width));
        }

        return target[..(rows * width)];
    }

    /// <summary>Which of the <see cref="Trajectories"/> the i-th active episode writes.</summary>
    public int Episode(int i) => active[i];

    /// <summary>Actions that the i-th active episode has taken.</summary>
    public int Time(int i) => Trajectories[active[i]].Length;

    /// <summary>The stream of the i-th active episode.</summary>
    public ref RandomStream Random(int i) => ref randoms[active[i]];

    /// <summary>The action of the i-th active episode; each must have one before <see cref="Advance"/>.</summary>
    public void Act(int i, int action)
    {
        Trajectory trajectory = Trajectories[active[i]];
        trajectory.Action(trajectory.Length)[0] = (byte)action;
    }

    /// <summary>The action of the i-th active episode, clipped to [-1, 1]; so it is executed and kept.</summary>
    /// <exception cref="BadConfigurationException">It is not a number: the policy has diverged.</exception>
    public void Act(int i, ReadOnlySpan<float> action)
    {
        Trajectory trajectory = Trajectories[active[i]];
        Span<float> executed = trajectory.ActionVector(trajectory.Length);
        for (int k = 0; k < executed.Length; k++)
        {
            if (float.IsNaN(action[k]))
                throw new BadConfigurationException("the policy's action is not a number: lower parameters.learningRate");
            executed[k] = Math.Clamp(action[k], -1, 1);
        }
    }

    /// <summary>Takes all the actions; the episodes that end leave the active ones, whose order stays.</summary>
    public void Advance()
    {
        starting = false;
        RunOnAll();
        int kept = 0;
        for (int i = 0; i < Active; i++)
        {
            if (!ended[active[i]])
                active[kept++] = active[i];
        }

        Active = kept;
    }

    public void Dispose() => Trajectories.Dispose();

    /// <summary>Starts or steps one active episode, on whichever thread comes to it.</summary>
    void IParallelWork.Do(int piece, int worker)
    {
        try
        {
            StartOrStep(active[piece]);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref failure, e, null);
        }
    }

    private void RunOnAll()
    {
        if (pool is null || continuous is null || Active < 2)
        {
            for (int i = 0; i < Active; i++)
                StartOrStep(active[i]);
            return;
        }

        failure = null;
        pool.Run(this, Active);
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    private void StartOrStep(int episode)
    {
        if (starting)
            Reset(episode);
        else
            Step(episode);
    }

    private void Reset(int episode)
    {
        Trajectory trajectory = Trajectories[episode];
        while (task.Reset(ref randoms[episode], Simulation(episode), trajectory.State(0), trajectory.Goal) == StepOutcome.Unstable)
            CountDiverged(episode);
        trajectory.Length = 0;
        (succeeded[episode], ended[episode]) = (false, false);
    }

    private void Step(int episode)
    {
        Trajectory trajectory = Trajectories[episode];
        int time = trajectory.Length;
        Span<byte> next = trajectory.State(time + 1);
        trajectory.State(time).CopyTo(next);
        steps[episode]++;
        if (discrete is not null)
        {
            discrete.Step(ref randoms[episode], Simulation(episode), next, trajectory.Action(time)[0]);
        }
        else if (continuous!.Step(ref randoms[episode], Simulation(episode), next, trajectory.ActionVector(time)) == StepOutcome.Unstable)
        {
            Diverged(episode);
            return;
        }

        trajectory.Length = time + 1;
        succeeded[episode] |= task.IsSuccess(next, trajectory.Goal);
        ended[episode] = time + 1 == task.Horizon
            || (endAtSuccess && succeeded[episode])
            || (endAtReturn && HasBeenAt(trajectory, next));
    }

    private void Diverged(int episode)
    {
        CountDiverged(episode);
        if (beginAgain)
            Reset(episode);
        else
            (ended[episode], succeeded[episode], lost[episode]) = (true, false, true);
    }

    private void CountDiverged(int episode)
    {
        if (++diverged[episode] > MostRestarts)
            throw new InvalidOperationException($"{task.Name}: the simulation of an episode diverged {MostRestarts} times in a row");
    }

    private Span<byte> Simulation(int episode) =>
        simulations.AsSpan(episode * task.SimulationBytes, task.SimulationBytes);

    /// <summary>Whether one of the states up to now is <paramref name="state"/>; the latest first, for most rounds are short.</summary>
    private static bool HasBeenAt(Trajectory trajectory, ReadOnlySpan<byte> state)
    {
        for (int t = trajectory.Length - 1; t >= 0; t--)
        {
            if (trajectory.State(t).SequenceEqual(state))
                return true;
        }

        return false;
    }
}
