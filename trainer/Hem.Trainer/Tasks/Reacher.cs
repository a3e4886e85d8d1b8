using Hem.Trainer.MuJoCo;

namespace Hem.Trainer.Tasks;

/// <summary>
/// A planar arm of two links of 0.1 and 0.11 m, driven by torques, whose tip is to reach a point (Gym's Reacher, with a state that does
/// not contain the commanded goal: a relabelled one would contradict it). The joints are nearly two damped flywheels.
/// </summary>
/// <remarks>
/// State: cos t1, cos t2, sin t1, sin t2, elbow x, y, 0.02 w1, 0.02 w2, tip x, y, z. Goal: x, y. Input: the same, places divided by 0.3.
/// </remarks>
/// <param name="normalize">Whether places reach the network as shares of the arena, not in metres.</param>
internal sealed class Reacher(bool normalize = true)
    : SimulatedTask("reacher", "reacher", stateSize: 11, goalSize: 2, actionSize: 2)
{
    /// <summary>Half the width of the arena: goals are compared as shares of it. m.</summary>
    public const double Arena = 0.3;

    /// <summary>0.02 sqrt(2) of the arena's width, m.</summary>
    public const double SuccessRadius = 0.028284271247461905 * 2 * Arena;

    private const double Link = 0.1, TipDistance = 0.11, Height = 0.01, FarthestGoal = 0.2, SecondsPerAction = 0.02;
    private const int Substeps = 2;

    public override double SuccessDistance => SuccessRadius;

    public override void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) => Floats(state)[8..10].CopyTo(Floats(goal));

    /// <summary>|z(tip) - z(g)| is at most 0.02 sqrt(2), where z takes the arena to the unit square.</summary>
    public override bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) =>
        Distance(Floats(state)[8..10], Floats(goal)) <= SuccessRadius;

    public override void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        Floats(state).CopyTo(input);
        Floats(goal).CopyTo(input[11..]);
        if (!normalize)
            return;
        foreach (int place in (ReadOnlySpan<int>)[4, 5, 8, 9, 11, 12])
            input[place] /= (float)Arena;
    }

    public override (double X, double Y, double Z) PlaceOf(ReadOnlySpan<byte> goal) => (Floats(goal)[0], Floats(goal)[1], Height);

    /// <summary>At rest with the tip at the goal, the elbow on its right.</summary>
    public override StepOutcome MoveToGoal(Span<byte> simulation, Span<byte> state, ReadOnlySpan<byte> goal) =>
        Change(simulation, state, goal, static (arm, place) =>
        {
            double x = place[0], y = place[1], far = x * x + y * y;
            double bend = Math.Acos(Math.Clamp((far - Link * Link - TipDistance * TipDistance) / (2 * Link * TipDistance), -1, 1));
            arm.Qpos[0] = Math.Atan2(y, x) - Math.Atan2(TipDistance * Math.Sin(bend), Link + TipDistance * Math.Cos(bend));
            arm.Qpos[1] = bend;
            arm.Qvel.Clear();
            return true;
        });

    protected override void Start(Simulation simulation, ref RandomStream random)
    {
        simulation.Reset();
        foreach (ref double angle in simulation.Qpos)
            angle = Uniform(ref random, 0.1);
        foreach (ref double speed in simulation.Qvel)
            speed = Uniform(ref random, 0.005);
    }

    protected override void DrawGoal(ref RandomStream random, ReadOnlySpan<float> state, Span<float> goal)
    {
        double x, y;
        do
            (x, y) = (Uniform(ref random, FarthestGoal), Uniform(ref random, FarthestGoal));
        while (x * x + y * y >= FarthestGoal * FarthestGoal);
        (goal[0], goal[1]) = ((float)x, (float)y);
    }

    protected override bool Act(Simulation simulation, ReadOnlySpan<double> own, ReadOnlySpan<float> action)
    {
        for (int i = 0; i < action.Length; i++)
            simulation.Ctrl[i] = action[i];
        return simulation.Step(Substeps);
    }

    protected override void Observe(Simulation simulation, Span<float> state)
    {
        ReadOnlySpan<double> angle = simulation.Qpos, speed = simulation.Qvel;
        var (sin, cos) = Math.SinCos(angle[0]);
        var (sinTip, cosTip) = Math.SinCos(angle[0] + angle[1]);
        (state[0], state[1]) = ((float)cos, (float)Math.Cos(angle[1]));
        (state[2], state[3]) = ((float)sin, (float)Math.Sin(angle[1]));
        (state[4], state[5]) = ((float)(Link * cos), (float)(Link * sin));
        (state[6], state[7]) = ((float)(SecondsPerAction * speed[0]), (float)(SecondsPerAction * speed[1]));
        (state[8], state[9]) = ((float)(Link * cos + TipDistance * cosTip), (float)(Link * sin + TipDistance * sinTip));
        state[10] = (float)Height;
    }
}
