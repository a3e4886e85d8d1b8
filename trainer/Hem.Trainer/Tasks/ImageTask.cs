using Hem.Trainer.MuJoCo;
using Hem.Trainer.Rendering;
using Hem.Trainer.Replay;

namespace Hem.Trainer.Tasks;

/// <summary>
/// A continuous task whose agent sees a picture of the state (`stateObservation: image`), and of the goal too where
/// `goalObservation` is image. A stored state is the picture, w x w x 3 bytes, rows from the top; then the task's own state, which the
/// agent does not see: it tells what was achieved. A stored goal is the task's own, after a picture where it is one. Where `frames` asks
/// for more than one, the agent sees the pictures of the states before it too, the latest first: each is stored once, with its own state.
/// </summary>
/// <remarks>
/// Success is tested as by the task itself. The picture of a goal that was set shows the task at that goal; that of an achieved goal is
/// the picture of the state which achieved it. The goal is not marked in the state's picture: a relabelled one would contradict it.
/// Before an episode begins, nothing has moved: the pictures of earlier states are that of its start.
/// </remarks>
internal sealed class ImageTask : IContinuousTask
{
    private readonly IVisibleTask task;
    private readonly bool goalIsImage;
    private readonly int pictureBytes;
    private readonly int frames;
    private readonly ThreadLocal<SceneRenderer> renderers;

    /// <param name="task">The task with vectors.</param>
    /// <param name="imageSize">w, pixels.</param>
    /// <param name="goalIsImage">Whether goals are pictures too.</param>
    /// <param name="frames">Pictures of a state: its own and those of the states before it, at least 1.</param>
    /// <exception cref="Trials.BadConfigurationException">This machine cannot draw.</exception>
    public ImageTask(IVisibleTask task, int imageSize, bool goalIsImage, int frames = 1)
    {
        (this.task, this.goalIsImage, this.frames) = (task, goalIsImage, frames);
        OpenGl.EnsureContext();
        Model model = task.Model;
        pictureBytes = 3 * imageSize * imageSize;
        renderers = new ThreadLocal<SceneRenderer>(() => new SceneRenderer(model, imageSize, imageSize));
        InputShape vectors = task.Input;
        Input = new InputShape(frames, goalIsImage ? 1 : 0, imageSize, StateVector: 0, GoalVector: goalIsImage ? 0 : vectors.GoalVector);
    }

    public string Name => task.Name;

    public int Horizon => task.Horizon;

    public int ActionSize => task.ActionSize;

    public int StateBytes => pictureBytes + task.StateBytes;

    public int GoalBytes => goalIsImage ? pictureBytes + task.GoalBytes : task.GoalBytes;

    public int SimulationBytes => task.SimulationBytes;

    public InputShape Input { get; }

    /// <summary>With more frames an agent that comes back to a state need not do there what it did before.</summary>
    public bool IsDeterministic => task.IsDeterministic && frames == 1;

    public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal)
    {
        Span<byte> own = state[pictureBytes..], ownGoal = OwnGoal(goal);
        if (task.Reset(ref random, simulation, own, ownGoal) == StepOutcome.Unstable)
            return StepOutcome.Unstable;
        Draw(simulation, own, state[..pictureBytes]);
        if (!goalIsImage)
            return StepOutcome.Stepped;

        Span<byte> there = stackalloc byte[simulation.Length + own.Length];
        simulation.CopyTo(there);
        own.CopyTo(there[simulation.Length..]);
        if (task.MoveToGoal(there[..simulation.Length], there[simulation.Length..], ownGoal) == StepOutcome.Unstable)
            return StepOutcome.Unstable;
        Draw(there[..simulation.Length], there[simulation.Length..], goal[..pictureBytes]);
        return StepOutcome.Stepped;
    }

    public StepOutcome Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, ReadOnlySpan<float> action)
    {
        Span<byte> own = state[pictureBytes..];
        StepOutcome outcome = task.Step(ref random, simulation, own, action);
        if (outcome == StepOutcome.Unstable)
            return outcome;
        Draw(simulation, own, state[..pictureBytes]);
        return outcome;
    }

    public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal)
    {
        task.AchievedGoal(state[pictureBytes..], OwnGoal(goal));
        if (goalIsImage)
            state[..pictureBytes].CopyTo(goal);
    }

    public UInt128 AchievedCell(ReadOnlySpan<byte> state) => task.AchievedCell(state[pictureBytes..]);

    public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) =>
        task.IsSuccess(state[pictureBytes..], goalIsImage ? goal[pictureBytes..] : goal);

    /// <summary>
    /// Images as shares of 255, NHWC; then the goal's vector where the goal is one. The state is one before which nothing has moved.
    /// </summary>
    public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        for (int frame = 0; frame < frames; frame++)
            PixelScale.ToFloats(state[..pictureBytes], input[(frame * pictureBytes)..]);
        EncodeGoal(state, goal, input[(frames * pictureBytes)..]);
    }

    public void Encode(Trajectory trajectory, int t, ReadOnlySpan<byte> goal, Span<float> input)
    {
        for (int frame = 0; frame < frames; frame++)
            PixelScale.ToFloats(trajectory.State(Math.Max(0, t - frame))[..pictureBytes], input[(frame * pictureBytes)..]);
        EncodeGoal(trajectory.State(t), goal, input[(frames * pictureBytes)..]);
    }

    private void EncodeGoal(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        if (goalIsImage)
        {
            PixelScale.ToFloats(goal[..pictureBytes], input);
            return;
        }

        InputShape vectors = task.Input;
        Span<float> both = stackalloc float[vectors.Total];
        task.Encode(state[pictureBytes..], goal, both);
        both[vectors.StateVector..].CopyTo(input);
    }

    private Span<byte> OwnGoal(Span<byte> goal) => goalIsImage ? goal[pictureBytes..] : goal;

    private void Draw(ReadOnlySpan<byte> simulation, ReadOnlySpan<byte> own, Span<byte> picture)
    {
        SceneRenderer renderer = renderers.Value!;
        task.Pose(simulation, own, renderer.Simulation);
        renderer.Draw(picture);
    }
}
