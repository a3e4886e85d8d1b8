using System.Runtime.InteropServices;
using Hem.Trainer.MuJoCo;

namespace Hem.Trainer.Tasks;

/// <summary>
/// A task that MuJoCo simulates: 50 actions, state and goal as floats. An episode carries what decides its future as bytes
/// (<see cref="Simulation.Save"/>, then numbers of the task's own), so it does not matter which of the pool's simulations serves it.
/// </summary>
internal abstract class SimulatedTask : IVisibleTask
{
    private readonly SimulationPool pool;
    private readonly int ownNumbers;

    /// <param name="name">Of the task.</param>
    /// <param name="model">Its file under Models, without the .xml.</param>
    /// <param name="stateSize">Floats of a state.</param>
    /// <param name="goalSize">Floats of a goal.</param>
    /// <param name="actionSize">Numbers of an action.</param>
    /// <param name="ownNumbers">Doubles that an episode carries beside MuJoCo's.</param>
    /// <exception cref="Trials.BadConfigurationException">MuJoCo is not on this machine.</exception>
    protected SimulatedTask(string name, string model, int stateSize, int goalSize, int actionSize, int ownNumbers = 0)
    {
        pool = new SimulationPool(Model.FromResource(model));
        this.ownNumbers = ownNumbers;
        (Name, ActionSize) = (name, actionSize);
        Input = InputShape.OfVectors(stateSize, goalSize);
        SimulationBytes = Simulation.StateBytesOf(Model) + sizeof(double) * ownNumbers;
    }

    public Model Model => pool.Model;

    public string Name { get; }

    public int Horizon => 50;

    public int ActionSize { get; }

    public int StateBytes => sizeof(float) * Input.StateVector;

    public int GoalBytes => sizeof(float) * Input.GoalVector;

    public int SimulationBytes { get; }

    public InputShape Input { get; }

    public bool IsDeterministic => true;

    public abstract double SuccessDistance { get; }

    public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal)
    {
        Simulation served = pool.Rent();
        try
        {
            Start(served, ref random);
            Finish(served, simulation, state);
        }
        finally
        {
            pool.Return(served);
        }

        DrawGoal(ref random, Floats(state), Floats(goal));
        return StepOutcome.Stepped;
    }

    public StepOutcome Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, ReadOnlySpan<float> action)
    {
        Simulation served = pool.Rent();
        try
        {
            served.Load(simulation);
            if (!Act(served, Own(simulation), action))
                return StepOutcome.Unstable;
            Finish(served, simulation, state);
            return StepOutcome.Stepped;
        }
        finally
        {
            pool.Return(served);
        }
    }

    public abstract void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal);

    public abstract bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal);

    public abstract void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input);

    public abstract (double X, double Y, double Z) PlaceOf(ReadOnlySpan<byte> goal);

    public abstract StepOutcome MoveToGoal(Span<byte> simulation, Span<byte> state, ReadOnlySpan<byte> goal);

    public void Pose(ReadOnlySpan<byte> simulation, ReadOnlySpan<byte> state, Simulation drawing) => drawing.Load(simulation);

    /// <summary>Brings a simulation, in any state, to the start of an episode.</summary>
    protected abstract void Start(Simulation simulation, ref RandomStream random);

    /// <summary>Draws a goal for an episode that starts with <paramref name="state"/>.</summary>
    protected abstract void DrawGoal(ref RandomStream random, ReadOnlySpan<float> state, Span<float> goal);

    /// <summary>Executes an action.</summary>
    /// <returns>False where the simulation diverged.</returns>
    protected abstract bool Act(Simulation simulation, ReadOnlySpan<double> own, ReadOnlySpan<float> action);

    /// <summary>Writes the state, after <see cref="Start"/> or <see cref="Act"/>.</summary>
    protected abstract void Observe(Simulation simulation, Span<float> state);

    /// <summary>Writes the numbers that an episode carries beside MuJoCo's.</summary>
    protected virtual void SaveOwn(Simulation simulation, Span<double> own)
    {
    }

    /// <summary>Does something with a simulation that is in the episode's state, and keeps what it came to, unless it diverged.</summary>
    protected StepOutcome Change(Span<byte> simulation, Span<byte> state, ReadOnlySpan<byte> goal, SimulationChange change)
    {
        Simulation served = pool.Rent();
        try
        {
            served.Load(simulation);
            if (!change(served, Floats(goal)))
                return StepOutcome.Unstable;
            Finish(served, simulation, state);
            return StepOutcome.Stepped;
        }
        finally
        {
            pool.Return(served);
        }
    }

    protected static Span<float> Floats(Span<byte> bytes) => MemoryMarshal.Cast<byte, float>(bytes);

    protected static ReadOnlySpan<float> Floats(ReadOnlySpan<byte> bytes) => MemoryMarshal.Cast<byte, float>(bytes);

    /// <summary>U(-half, half).</summary>
    protected static double Uniform(ref RandomStream random, double half) => (2 * random.NextDouble() - 1) * half;

    /// <summary>The distance of two points of a space of as many dimensions as they have numbers.</summary>
    protected static double Distance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        return Math.Sqrt(sum);
    }

    private void Finish(Simulation served, Span<byte> simulation, Span<byte> state)
    {
        served.Save(simulation);
        SaveOwn(served, Own(simulation));
        Observe(served, Floats(state));
    }

    private Span<double> Own(Span<byte> simulation) => MemoryMarshal.Cast<byte, double>(simulation)[^ownNumbers..];

    /// <param name="simulation">In the episode's state.</param>
    /// <param name="goal">The goal.</param>
    /// <returns>False where the simulation diverged.</returns>
    protected delegate bool SimulationChange(Simulation simulation, ReadOnlySpan<float> goal);
}
