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

    /// <summary>Bytes of a stored state.</summary>
    int StateBytes { get; }

    /// <summary>Bytes of a stored goal.</summary>
    int GoalBytes { get; }

    /// <summary>Floats that <see cref="Encode"/> writes: the encoded state, then the encoded goal.</summary>
    int Inputs { get; }

    /// <summary>
    /// Whether (state, action) alone decide the next state: then a greedy policy that comes back to a state goes round for ever.
    /// </summary>
    bool IsDeterministic { get; }

    /// <summary>Draws a start state and a goal g ~ p(g).</summary>
    void Reset(ref RandomStream random, Span<byte> state, Span<byte> goal);

    /// <summary>phi: the goal that <paramref name="state"/> achieves.</summary>
    void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal);

    /// <summary>Whether a state reached by an action is a success for the goal (reward 1).</summary>
    bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal);

    /// <summary>Writes all <see cref="Inputs"/> floats of the network's input for (state, goal).</summary>
    void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input);
}

/// <summary>A task whose action is one of K numbers.</summary>
internal interface IDiscreteTask : ITask
{
    /// <summary>K: actions are 0..K-1, at most 256.</summary>
    int Actions { get; }

    /// <summary>Replaces <paramref name="state"/> by its successor.</summary>
    void Step(ref RandomStream random, Span<byte> state, int action);
}
