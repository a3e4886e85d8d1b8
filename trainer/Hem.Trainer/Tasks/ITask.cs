using System.Runtime.InteropServices;
using Hem.Trainer.Replay;

namespace Hem.Trainer.Tasks;

/// <summary>
/// A goal-conditioned task: shapes, start states and goals, the achieved-goal map, the success test, the network's input. It holds no
/// episode: states and goals are bytes in the form in which the replay keeps them, so many environments are stepped side by side.
/// All methods may be called from several threads at once, allocate nothing, and are deterministic given the stream.
/// </summary>
internal interface ITask
{
    /// <summary>The `task` parameter: `flipbit-25`, `fourrooms`, ...</summary>
    string Name { get; }

    /// <summary>T: actions after which an episode ends.</summary>
    int Horizon { get; }

    /// <summary>
    /// Bytes of a stored state. Numbers are float32, little-endian; a state seen as images is their w x w x 3 bytes, then what
    /// <see cref="AchievedGoal"/> and <see cref="IsSuccess"/> need.
    /// </summary>
    int StateBytes { get; }

    /// <summary>Bytes of a stored goal.</summary>
    int GoalBytes { get; }

    /// <summary>
    /// Bytes that a running episode carries beside its state and the replay never sees (positions and velocities of the joints, warm
    /// start); 0 where the state says all.
    /// </summary>
    int SimulationBytes { get; }

    /// <summary>What <see cref="Encode"/> writes.</summary>
    InputShape Input { get; }

    /// <summary>Floats that <see cref="Encode"/> writes.</summary>
    int Inputs => Input.Total;

    /// <summary>
    /// Whether (state, action), with the simulation where there is one, alone decide the next state. Where the state says all, a
    /// greedy policy that comes back to a state goes round for ever.
    /// </summary>
    bool IsDeterministic { get; }

    /// <summary>Draws a start state and a goal g ~ p(g).</summary>
    /// <returns>Unstable where a simulation diverged on the way to them (to the goal's picture): to be drawn again.</returns>
    StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal);

    /// <summary>phi: the goal that <paramref name="state"/> achieves.</summary>
    void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal);

    /// <summary>
    /// What tells the goals apart that states achieve, where they are counted: the goal itself where there are finitely many, else the
    /// cell of a grid of <see cref="GoalCells.Size"/> in which it lies.
    /// </summary>
    UInt128 AchievedCell(ReadOnlySpan<byte> state);

    /// <summary>Whether a state reached by an action is a success for the goal (reward 1).</summary>
    bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal);

    /// <summary>
    /// Writes all floats of the network's input for (state, goal): scaled by the task's own constants, or raw where it was made so
    /// (`normalizeInputs: false`, and algorithms that keep running statistics).
    /// </summary>
    void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input);

    /// <summary>The same for s_t of a trajectory, where an agent may see states before it too.</summary>
    void Encode(Trajectory trajectory, int t, ReadOnlySpan<byte> goal, Span<float> input) => Encode(trajectory.State(t), goal, input);
}

/// <summary>A task whose action is one of K numbers.</summary>
internal interface IDiscreteTask : ITask
{
    /// <summary>K: actions are 0..K-1, at most 256.</summary>
    int Actions { get; }

    UInt128 ITask.AchievedCell(ReadOnlySpan<byte> state)
    {
        Span<byte> goal = stackalloc byte[GoalBytes];
        AchievedGoal(state, goal);
        return GoalCells.OfBytes(goal);
    }

    /// <summary>Replaces <paramref name="state"/> by its successor.</summary>
    void Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, int action);
}

/// <summary>A task whose action is a vector in the box [-1, 1]^n.</summary>
internal interface IContinuousTask : ITask
{
    /// <summary>n.</summary>
    int ActionSize { get; }

    UInt128 ITask.AchievedCell(ReadOnlySpan<byte> state)
    {
        Span<byte> goal = stackalloc byte[GoalBytes];
        AchievedGoal(state, goal);
        return GoalCells.OfPoint(MemoryMarshal.Cast<byte, float>(goal));
    }

    /// <summary>Replaces <paramref name="simulation"/> and <paramref name="state"/> by their successors.</summary>
    /// <param name="random">The episode's stream.</param>
    /// <param name="simulation">What the episode carries beside its state.</param>
    /// <param name="state">The state.</param>
    /// <param name="action">n numbers, in [-1, 1] already.</param>
    StepOutcome Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, ReadOnlySpan<float> action);
}

/// <summary>How a simulated step went.</summary>
internal enum StepOutcome
{
    /// <summary>The simulation and the state are those after the step.</summary>
    Stepped,

    /// <summary>The simulation diverged: what it left is of no use and must not be learned from.</summary>
    Unstable,
}
