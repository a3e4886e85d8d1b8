using Hem.Trainer.MuJoCo;

namespace Hem.Trainer.Tasks;

/// <summary>
/// A Sawyer arm whose hand is to reach a point above a table (multiworld's SawyerReachXYZ). The hand is led by a soft weld to a target that
/// each action moves by at most 2 cm per axis within a box; the target is hidden.
/// </summary>
/// <remarks>State: x, y, z of the hand, m. Goal: the same. Input: both as (p - centre) / half of the box.</remarks>
internal sealed class SawyerReach : SimulatedTask
{
    /// <summary>Squared distances below its square are a success, m.</summary>
    public const double Threshold = 0.06;

    private const double ActionScale = 0.02, Upright = 0.70710678118654752;
    private const int Substeps = 50, StartSteps = 10, GoalSteps = 30;

    private readonly bool normalize;
    private readonly int hand;
    private readonly byte[] start;

    /// <param name="normalize">Whether places reach the network as shares of the box, not in metres.</param>
    public SawyerReach(bool normalize = true)
        : base("sawyer-reach", "sawyer-reach", stateSize: 3, goalSize: 3, actionSize: 3)
    {
        this.normalize = normalize;
        hand = Model.Body("hand");
        start = Settled();
    }

    /// <summary>The box of the hand's targets and of the goals, m.</summary>
    public static ReadOnlySpan<double> Low => [-0.2, 0.55, 0.05];

    public static ReadOnlySpan<double> High => [0.2, 0.75, 0.3];

    public override double SuccessDistance => Threshold;

    private static ReadOnlySpan<double> StartAngles =>
        [1.7244448, -0.92036369, 0.10234232, 2.11178144, 2.97668632, -0.38664629, 0.54065733];

    public override void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) => state.CopyTo(goal);

    public override bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) => Distance(Floats(state), Floats(goal)) < Threshold;

    public override void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        ReadOnlySpan<float> centre = [0, 0.65f, 0.175f], half = [0.2f, 0.1f, 0.125f], at = Floats(state), to = Floats(goal);
        for (int i = 0; i < 3; i++)
        {
            input[i] = normalize ? (at[i] - centre[i]) / half[i] : at[i];
            input[3 + i] = normalize ? (to[i] - centre[i]) / half[i] : to[i];
        }
    }

    public override (double X, double Y, double Z) PlaceOf(ReadOnlySpan<byte> goal) => (Floats(goal)[0], Floats(goal)[1], Floats(goal)[2]);

    /// <summary>Holds the target at the goal for 30 actions' time.</summary>
    public override StepOutcome MoveToGoal(Span<byte> simulation, Span<byte> state, ReadOnlySpan<byte> goal) =>
        Change(simulation, state, goal, static (arm, place) =>
        {
            Lead(arm, place[0], place[1], place[2]);
            bool held = arm.Step(GoalSteps * Substeps);
            arm.Kinematics();
            return held;
        });

    protected override void Start(Simulation simulation, ref RandomStream random)
    {
        simulation.Load(start);
        simulation.Kinematics();
    }

    protected override void DrawGoal(ref RandomStream random, ReadOnlySpan<float> state, Span<float> goal)
    {
        for (int i = 0; i < 3; i++)
            goal[i] = (float)(Low[i] + (High[i] - Low[i]) * random.NextDouble());
    }

    protected override bool Act(Simulation simulation, ReadOnlySpan<double> own, ReadOnlySpan<float> action)
    {
        Span<double> target = simulation.MocapPositions;
        Lead(simulation, Moved(target, action, 0), Moved(target, action, 1), Moved(target, action, 2));
        if (!simulation.Step(Substeps))
            return false;
        simulation.Kinematics();
        return true;
    }

    protected override void Observe(Simulation simulation, Span<float> state)
    {
        ReadOnlySpan<double> position = simulation.BodyPosition(hand);
        for (int i = 0; i < 3; i++)
            state[i] = (float)position[i];
    }

    private static double Moved(Span<double> target, ReadOnlySpan<float> action, int i) =>
        Math.Clamp(target[i] + ActionScale * action[i], Low[i], High[i]);

    private static void Lead(Simulation arm, double x, double y, double z)
    {
        Span<double> target = arm.MocapPositions, turn = arm.MocapQuaternions;
        (target[0], target[1], target[2]) = (x, y, z);
        (turn[0], turn[1], turn[2], turn[3]) = (Upright, 0, Upright, 0);
    }

    /// <summary>Each episode starts as the arm comes to rest in front of the table; nothing in it is drawn.</summary>
    private byte[] Settled()
    {
        using var arm = new Simulation(Model);
        for (int i = 0; i < StartAngles.Length; i++)
            arm.Qpos[Model.QposOf($"right_j{i}")] = StartAngles[i];
        Lead(arm, 0, 0.5, 0.02);
        if (!arm.Step(StartSteps * Substeps))
            throw new ModelException("sawyer-reach does not come to rest");
        var state = new byte[arm.StateBytes];
        arm.Save(state);
        return state;
    }
}
