using Hem.Trainer.MuJoCo;
using Hem.Trainer.Rendering;

namespace Hem.Trainer.Tasks;

/// <summary>
/// A continuous task whose agent sees a picture of the state (`stateObservation: image`), and of the goal too where
/// `goalObservation` is image. A stored state is the picture, w x w x 3 bytes, rows from the top, then those of the states before it, the
/// latest first, where `frames` asks for more than one; then the task's own state, which the agent does not see: it tells what was
/// achieved. A stored goal is the task's own, after a picture where it is one.
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
    private readonly int framesBytes;
    private readonly ThreadLocal<SceneRenderer> renderers;

    /// <param name="task">The task with vectors.</param>
    /// <param name="imageSize">w, pixels.</param>
    /// <param name="goalIsImage">Whether goals are pictures too.</param>
    /// <param name="frames">Pictures of a state: its own and those of the states before it, at least 1.</param>
    /// <exception cref="Trials.BadConfigurationException">This machine cannot draw.</exception>
    public ImageTask(IVisibleTask task, int imageSize, bool goalIsImage, int frames = 1)
    {
        (this.task, this.goalIsImage) = (task, goalIsImage);
        OpenGl.EnsureContext();
        Model model = task.Model;
        pictureBytes = 3 * imageSize * imageSize;
        framesBytes = frames * pictureBytes;
        renderers = new ThreadLocal<SceneRenderer>(() => new SceneRenderer(model, imageSize, imageSize));
        InputShape vectors = task.Input;
        Input = new InputShape(frames, goalIsImage ? 1 : 0, imageSize, StateVector: 0, GoalVector: goalIsImage ? 0 : vectors.GoalVector);
    }

    public string Name => task.Name;

    public int Horizon => task.Horizon;

    public int ActionSize => task.ActionSize;

    public int StateBytes => framesBytes + task.StateBytes;

    public int GoalBytes => goalIsImage ? pictureBytes + task.GoalBytes : task.GoalBytes;

    public int SimulationBytes => task.SimulationBytes;

    public InputShape Input { get; }

    public bool IsDeterministic => task.IsDeterministic;

    public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal)
    {
        Span<byte> own = state[framesBytes..], ownGoal = OwnGoal(goal);
        if (task.Reset(ref random, simulation, own, ownGoal) == StepOutcome.Unstable)
            return StepOutcome.Unstable;
        Draw(simulation, own, state[..pictureBytes]);
        for (int frame = pictureBytes; frame < framesBytes; frame += pictureBytes)
            state[..pictureBytes].CopyTo(state[frame..]);
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
        Span<byte> own = state[framesBytes..];
        StepOutcome outcome = task.Step(ref random, simulation, own, action);
        if (outcome == StepOutcome.Unstable)
            return outcome;
        state[..(framesBytes - pictureBytes)].CopyTo(state[pictureBytes..]);
        Draw(simulation, own, state[..pictureBytes]);
        return outcome;
    }

    public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal)
    {
        task.AchievedGoal(state[framesBytes..], OwnGoal(goal));
        if (goalIsImage)
            state[..pictureBytes].CopyTo(goal);
    }

    public UInt128 AchievedCell(ReadOnlySpan<byte> state) => task.AchievedCell(state[framesBytes..]);

    public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) =>
        task.IsSuccess(state[framesBytes..], goalIsImage ? goal[pictureBytes..] : goal);

    /// <summary>Images as shares of 255, NHWC; then the goal's vector where the goal is one.</summary>
    public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        PixelScale.ToFloats(state[..framesBytes], input);
        input = input[framesBytes..];
        if (goalIsImage)
        {
            PixelScale.ToFloats(goal[..pictureBytes], input);
            return;
        }

        InputShape vectors = task.Input;
        Span<float> both = stackalloc float[vectors.Total];
        task.Encode(state[framesBytes..], goal, both);
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
