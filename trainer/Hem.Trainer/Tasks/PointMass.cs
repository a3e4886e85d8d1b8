using System.Runtime.InteropServices;
using Hem.Trainer.MuJoCo;

namespace Hem.Trainer.Tasks;

/// <summary>
/// A disc that two forces push through a square room with four pillars. The room has the scale of dm_control's point mass; its
/// dynamics are computed here, without MuJoCo. State: x, y, vx, vy (m, m/s); goal: x, y; both as floats. The simulation keeps the
/// same four numbers as doubles. Input: x/0.3, y/0.3, vx, vy, gx/0.3, gy/0.3.
/// </summary>
/// <param name="startsUniform">Episodes start anywhere in the room (`start: uniform`), not within 2 cm of its centre.</param>
/// <param name="normalize">Positions reach the network as shares of the room (`normalizeInputs`), not in metres.</param>
internal sealed class PointMass(bool startsUniform = false, bool normalize = true) : IVisibleTask
{
    /// <summary>The faces of the walls are this far from the centre of the room, m.</summary>
    public const double Wall = 0.3;

    /// <summary>Radius of the disc, m.</summary>
    public const double Radius = 0.01;

    /// <summary>The pillars stand at (+-PillarDistance, +-PillarDistance) and are squares of half side PillarHalf, m.</summary>
    public const double PillarDistance = 0.1, PillarHalf = 0.03;

    /// <summary>0.02 sqrt(2) of the room's width, m.</summary>
    public const double Tolerance = 0.028284271247461905 * 2 * Wall;

    private static readonly Lazy<Model> Room = new(() => Model.FromResource("pointmass"));

    private const double Mass = 0.3, Force = 1, Damping = 1, TimeStep = 0.01;
    private const int Substeps = 5;

    // Where the centre of the disc can be.
    private const double Reach = Wall - Radius, PillarReach = PillarHalf + Radius;

    public string Name => "pointmass";

    public int Horizon => 50;

    public int ActionSize => 2;

    public int StateBytes => 4 * sizeof(float);

    public int GoalBytes => 2 * sizeof(float);

    public int SimulationBytes => 4 * sizeof(double);

    public InputShape Input => InputShape.OfVectors(state: 4, goal: 2);

    public bool IsDeterministic => true;

    public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal)
    {
        Span<double> body = MemoryMarshal.Cast<byte, double>(simulation);
        body.Clear();
        if (startsUniform)
            (body[0], body[1]) = DrawFree(ref random);
        else
            (body[0], body[1]) = (Uniform(ref random, 0.02), Uniform(ref random, 0.02));

        Observe(body, state);
        (double x, double y) = DrawFree(ref random);
        Span<float> place = MemoryMarshal.Cast<byte, float>(goal);
        (place[0], place[1]) = ((float)x, (float)y);
        return StepOutcome.Stepped;
    }

    /// <remarks>
    /// Per substep h: v' = (v + h F/m) / (1 + h c/m); then x moves by h vx' and stops, with vx = 0, at a wall or at the face of a pillar
    /// that it would enter; then y, beside the new x.
    /// </remarks>
    public StepOutcome Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, ReadOnlySpan<float> action)
    {
        Span<double> body = MemoryMarshal.Cast<byte, double>(simulation);
        var (x, y, vx, vy) = (body[0], body[1], body[2], body[3]);
        for (int i = 0; i < Substeps; i++)
        {
            vx = (vx + TimeStep * Force * action[0] / Mass) / (1 + TimeStep * Damping / Mass);
            vy = (vy + TimeStep * Force * action[1] / Mass) / (1 + TimeStep * Damping / Mass);
            x = Move(x, ref vx, y);
            y = Move(y, ref vy, x);
        }

        (body[0], body[1], body[2], body[3]) = (x, y, vx, vy);
        Observe(body, state);
        return StepOutcome.Stepped;
    }

    public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) => state[..GoalBytes].CopyTo(goal);

    /// <summary>|z(p) - z(g)| is at most 0.02 sqrt(2), where z takes the room to the unit square.</summary>
    public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal)
    {
        ReadOnlySpan<float> at = MemoryMarshal.Cast<byte, float>(state), to = MemoryMarshal.Cast<byte, float>(goal);
        double dx = (double)at[0] - to[0], dy = (double)at[1] - to[1];
        return dx * dx + dy * dy <= Tolerance * Tolerance;
    }

    public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        ReadOnlySpan<float> at = MemoryMarshal.Cast<byte, float>(state), to = MemoryMarshal.Cast<byte, float>(goal);
        float room = normalize ? (float)Wall : 1;
        (input[0], input[1], input[2], input[3]) = (at[0] / room, at[1] / room, at[2], at[3]);
        (input[4], input[5]) = (to[0] / room, to[1] / room);
    }

    public Model Model => Room.Value;

    double IVisibleTask.SuccessDistance => Tolerance;

    public (double X, double Y, double Z) PlaceOf(ReadOnlySpan<byte> goal)
    {
        ReadOnlySpan<float> place = MemoryMarshal.Cast<byte, float>(goal);
        return (place[0], place[1], Radius);
    }

    public void Pose(ReadOnlySpan<byte> simulation, ReadOnlySpan<byte> state, Simulation drawing) =>
        MemoryMarshal.Cast<byte, double>(simulation)[..2].CopyTo(drawing.Qpos);

    /// <summary>At rest at the goal.</summary>
    public StepOutcome MoveToGoal(Span<byte> simulation, Span<byte> state, ReadOnlySpan<byte> goal)
    {
        ReadOnlySpan<float> place = MemoryMarshal.Cast<byte, float>(goal);
        Span<double> body = MemoryMarshal.Cast<byte, double>(simulation);
        (body[0], body[1], body[2], body[3]) = (place[0], place[1], 0, 0);
        Observe(body, state);
        return StepOutcome.Stepped;
    }

    /// <summary>Whether the disc's centre cannot be there because of a pillar.</summary>
    private static bool IsInPillar(double x, double y) =>
        Math.Abs(Math.Abs(x) - PillarDistance) < PillarReach && Math.Abs(Math.Abs(y) - PillarDistance) < PillarReach;

    /// <summary>Where a coordinate is after a substep, <paramref name="across"/> being the other one.</summary>
    private static double Move(double from, ref double speed, double across)
    {
        double to = from + TimeStep * speed;
        if (Math.Abs(to) > Reach)
            (to, speed) = (Math.CopySign(Reach, to), 0);

        if (IsInPillar(to, across))
        {
            double centre = Math.CopySign(PillarDistance, to);
            (to, speed) = (speed > 0 ? centre - PillarReach : centre + PillarReach, 0);
        }

        return to;
    }

    private static (double X, double Y) DrawFree(ref RandomStream random)
    {
        while (true)
        {
            var (x, y) = (Uniform(ref random, Reach), Uniform(ref random, Reach));
            if (!IsInPillar(x, y))
                return (x, y);
        }
    }

    /// <summary>U(-half, half).</summary>
    private static double Uniform(ref RandomStream random, double half) => (2 * random.NextDouble() - 1) * half;

    private static void Observe(ReadOnlySpan<double> body, Span<byte> state)
    {
        Span<float> numbers = MemoryMarshal.Cast<byte, float>(state);
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (float)body[i];
    }
}
