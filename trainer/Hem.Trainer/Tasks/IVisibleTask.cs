using Hem.Trainer.MuJoCo;

namespace Hem.Trainer.Tasks;

/// <summary>A continuous task that can be drawn. All methods may be called from several threads at once.</summary>
internal interface IVisibleTask : IContinuousTask
{
    /// <summary>What is drawn, as its camera "agent" sees it. Loads MuJoCo where the task itself has not.</summary>
    Model Model { get; }

    /// <summary>States at most so far from the goal's place are a success, m.</summary>
    double SuccessDistance { get; }

    /// <summary>Where a goal is, m.</summary>
    (double X, double Y, double Z) PlaceOf(ReadOnlySpan<byte> goal);

    /// <summary>Puts a simulation of <see cref="Model"/> in the pose of an episode; what follows from it, the caller computes.</summary>
    void Pose(ReadOnlySpan<byte> simulation, ReadOnlySpan<byte> state, Simulation drawing);

    /// <summary>Takes an episode to a state that achieves the goal, for the goal's picture.</summary>
    StepOutcome MoveToGoal(Span<byte> simulation, Span<byte> state, ReadOnlySpan<byte> goal);
}
