using Hem.Trainer.MuJoCo;
using Hem.Trainer.Rendering;

namespace Hem.Trainer.Tasks;

/// <summary>
/// A continuous task whose agent sees a picture of the state (`stateObservation: image`), and of the goal too where
/// `goalObservation` is image. A stored state is the picture, w x w x 3 bytes, rows from the top, then the task's own state, which
/// the agent does not see: it tells what was achieved. A stored goal is the task's own, after a picture where it is one.
/// </summary>
/// <remarks>
/// Success is tested as by the task itself. The picture of a goal that was set shows the task at that goal; that of an achieved goal is
/// the picture of the state which achieved it. The goal is not marked in the state's picture: a relabelled one would contradict it.
/// </remarks>
internal sealed class ImageTask : IContinuousTask
{
    private readonly IVisibleTask task;
    private readonly bool goalIsImage;
    private readonly int pictureBytes;
    private readonly ThreadLocal<SceneRenderer> renderers;

    /// <param name="task">The task with vectors.</param>
    /// <param name="imageSize">w, pixels.</param>
    /// <param name="goalIsImage">Whether goals are pictures too.</param>
    /// <exception cref="Trials.BadConfigurationException">This machine cannot draw.</exception>
    public ImageTask(IVisibleTask task, int imageSize, bool goalIsImage)
    {
        (this.task, this.goalIsImage) = (task, goalIsImage);
        OpenGl.EnsureContext();
        Model model = task.Model;
        pictureBytes = 3 * imageSize * imageSize;
        renderers = new ThreadLocal<SceneRenderer>(() => new SceneRenderer(model, imageSize, imageSize));
        InputShape vectors = task.Input;
        Input = new InputShape(1, goalIsImage ? 1 : 0, imageSize, StateVector: 0, GoalVector: goalIsImage ? 0 : vectors.GoalVector);
    }

    public string Name => task.Name;

    public int Horizon => task.Horizon;

    public int ActionSize => task.ActionSize;

    public int StateBytes => pictureBytes + task.StateBytes;

    public int GoalBytes => goalIsImage ? pictureBytes + task.GoalBytes : task.GoalBytes;

    public int SimulationBytes => task.SimulationBytes;

    public InputShape Input { get; }

    public bool IsDeterministic => task.IsDeterministic;

    public void Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal)
    {
        Span<byte> own = state[pictureBytes..], ownGoal = OwnGoal(goal);
        task.Reset(ref random, simulation, own, ownGoal);
        Draw(simulation, own, state[..pictureBytes]);
        if (!goalIsImage)
            return;

        Span<byte> there = stackalloc byte[simulation.Length + own.Length];
        simulation.CopyTo(there);
        own.CopyTo(there[simulation.Length..]);
        task.MoveToGoal(there[..simulation.Length], there[simulation.Length..], ownGoal);
        Draw(there[..simulation.Length], there[simulation.Length..], goal[..pictureBytes]);
    }

    public StepOutcome Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, ReadOnlySpan<float> action)
    {
        Span<byte> own = state[pictureBytes..];
        StepOutcome outcome = task.Step(ref random, simulation, own, action);
        if (outcome != StepOutcome.Unstable)
            Draw(simulation, own, state[..pictureBytes]);
        return outcome;
    }

    public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal)
    {
        task.AchievedGoal(state[pictureBytes..], OwnGoal(goal));
        if (goalIsImage)
            state[..pictureBytes].CopyTo(goal);
    }

    public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) =>
        task.IsSuccess(state[pictureBytes..], goalIsImage ? goal[pictureBytes..] : goal);

    /// <summary>Images as shares of 255, NHWC; then the goal's vector where the goal is one.</summary>
    public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        PixelScale.ToFloats(state[..pictureBytes], input);
        input = input[pictureBytes..];
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
