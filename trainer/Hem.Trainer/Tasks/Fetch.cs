using Hem.Trainer.MuJoCo;

namespace Hem.Trainer.Tasks;

/// <summary>What tells the Fetch tasks apart.</summary>
/// <param name="Name">Of the task and of its model.</param>
/// <param name="Base">Where the robot stands along the table, m.</param>
/// <param name="ExtraHeight">How much higher than the table the gripper starts, m.</param>
/// <param name="CanGrip">Whether the fingers can be moved.</param>
internal sealed record FetchSettings(string Name, double Base, double ExtraHeight, bool CanGrip)
{
    /// <summary>The gripper reaches a point.</summary>
    public static readonly FetchSettings Reach = new("fetch-reach", 0.4049, 0.2, CanGrip: false);

    /// <summary>The closed gripper pushes a cube to a point of the table.</summary>
    public static readonly FetchSettings Push = new("fetch-push", 0.405, 0, CanGrip: false)
    {
        ObjectStart = (1.25, 0.53, 0.4),
        ObjectRange = 0.15,
    };

    /// <summary>The closed gripper lets a puck slide to a point of a long table, out of its reach.</summary>
    public static readonly FetchSettings Slide = new("fetch-slide", 0.05, -0.02, CanGrip: false)
    {
        ObjectStart = (1.7, 1.1, 0.41),
        ObjectRange = 0.1,
        TargetRange = 0.3,
        TargetOffset = 0.4,
    };

    /// <summary>The gripper takes a cube and brings it to a point, half of the time one above the table.</summary>
    public static readonly FetchSettings PickPlace = new("fetch-pickplace", 0.405, 0.2, CanGrip: true)
    {
        ObjectStart = (1.25, 0.53, 0.4),
        ObjectRange = 0.15,
        TargetHeight = 0.45,
    };

    /// <summary>Where the object lies before everything comes to rest, m; null without one.</summary>
    public (double X, double Y, double Z)? ObjectStart { get; init; }

    /// <summary>The object starts so far from the gripper at most, per axis, m.</summary>
    public double ObjectRange { get; init; }

    /// <summary>Goals are so far from the gripper's start at most, per axis, m.</summary>
    public double TargetRange { get; init; } = 0.15;

    /// <summary>Goals lie so much farther along the table, m.</summary>
    public double TargetOffset { get; init; }

    /// <summary>With probability 0.5 the goal is lifted by up to this, m.</summary>
    public double TargetHeight { get; init; }

    public bool HasObject => ObjectStart is not null;
}

/// <summary>
/// The Fetch robot's tasks (Plappert et al. 2018; the environments of Gym as of 2020): the agent leads the gripper, which points down, by
/// a target that each action sets anew to where the gripper is, moved by at most 5 cm per axis. A soft weld pulls the gripper after it.
/// </summary>
/// <remarks>
/// State of reach: grip position, right and left finger, grip velocity, velocities of the fingers. With an object: grip position, object
/// position, object - grip, fingers, the object's Euler angles, its linear velocity relative to the grip's, its angular velocity, grip
/// velocity, velocities of the fingers. Velocities are per action (0.04 s). Goal: where the grip or the object shall be. Input:
/// positions as (p - p0) / 0.15 with p0 the gripper's start, differences / 0.15, fingers / 0.05, angles as they are, velocities * 50.
/// </remarks>
internal sealed class Fetch : SimulatedTask
{
    /// <summary>Nearer to the goal is a success, m.</summary>
    public const double Threshold = 0.05;

    private const double ActionScale = 0.05, SecondsPerAction = 0.04, NearestObject = 0.1;
    private const double PositionScale = 0.15, FingerScale = 0.05, VelocityScale = 50;
    private const int Substeps = 20, SettleActions = 10, GoalActions = 25;
    private const int GripperNumbers = 7;

    private static readonly FetchSettings[] All = [FetchSettings.Reach, FetchSettings.Push, FetchSettings.Slide, FetchSettings.PickPlace];

    private readonly FetchSettings settings;
    private readonly bool normalize;
    private readonly int gripper, grip, rightFinger, leftFinger, rightFingerSpeed, leftFingerSpeed, item, itemSite;
    private readonly double[] gripStart = new double[3];
    private readonly double itemHeight;
    private readonly byte[] settled;

    /// <param name="settings">Which of the tasks.</param>
    /// <param name="normalize">Whether the network's inputs are scaled.</param>
    public Fetch(FetchSettings settings, bool normalize = true)
        : base(
            settings.Name, settings.Name, stateSize: settings.HasObject ? 25 : 10, goalSize: 3, actionSize: settings.HasObject ? 4 : 3,
            ownNumbers: GripperNumbers)
    {
        (this.settings, this.normalize) = (settings, normalize);
        (gripper, grip) = (Model.Body("gripper_link"), Model.Site("grip"));
        (rightFinger, leftFinger) = (Model.QposOf("r_gripper_finger_joint"), Model.QposOf("l_gripper_finger_joint"));
        (rightFingerSpeed, leftFingerSpeed) = (Model.QvelOf("r_gripper_finger_joint"), Model.QvelOf("l_gripper_finger_joint"));
        if (settings.HasObject)
            (item, itemSite) = (Model.QposOf("object"), Model.Site("object"));
        (settled, itemHeight) = Settle();
    }

    /// <summary>The task of that name, or null.</summary>
    public static FetchSettings? Find(string name) => Array.Find(All, settings => settings.Name == name);

    /// <summary>p0: where the grip is when everything has come to rest, m. Goals and objects are drawn around it.</summary>
    public ReadOnlySpan<double> GripStart => gripStart;

    /// <summary>h0: the height of an object at rest, and of the goals on the table, m.</summary>
    public double ObjectHeight => itemHeight;

    public override double SuccessDistance => Threshold;

    /// <summary>Where in the state the achieved goal begins.</summary>
    private int Achieved => settings.HasObject ? 3 : 0;

    public override void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) =>
        Floats(state).Slice(Achieved, 3).CopyTo(Floats(goal));

    public override bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) =>
        Distance(Floats(state).Slice(Achieved, 3), Floats(goal)) < Threshold;

    public override void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        int size = Input.StateVector;
        Floats(state).CopyTo(input);
        Floats(goal).CopyTo(input[size..]);
        if (!normalize)
            return;

        Place(input);
        Place(input[size..]);
        if (!settings.HasObject)
        {
            Scale(input[3..5], 1 / FingerScale);
            Scale(input[5..10], VelocityScale);
            return;
        }

        Place(input[3..]);
        Scale(input[6..9], 1 / PositionScale);
        Scale(input[9..11], 1 / FingerScale);
        Scale(input[14..25], VelocityScale);
    }

    public override (double X, double Y, double Z) PlaceOf(ReadOnlySpan<byte> goal) => (Floats(goal)[0], Floats(goal)[1], Floats(goal)[2]);

    /// <summary>For 25 actions' time the gripper is led to the goal, or out of the way of an object, which is then put there.</summary>
    public override StepOutcome MoveToGoal(Span<byte> simulation, Span<byte> state, ReadOnlySpan<byte> goal) =>
        Change(simulation, state, goal, (robot, place) =>
        {
            // The weld holds the gripper's link, the grip is 2 cm below it. From behind the table the gripper hides no object.
            if (settings.HasObject)
                Lead(robot, gripStart[0] - 0.3, gripStart[1], itemHeight + 0.3, 1, 0, 1, 0);
            else
                Lead(robot, place[0], place[1], place[2] + 0.02, 1, 0, 1, 0);
            bool held = robot.Step(GoalActions * Substeps);
            if (settings.HasObject)
            {
                (robot.Qpos[item], robot.Qpos[item + 1], robot.Qpos[item + 2]) = (place[0], place[1], place[2]);
                robot.Qvel[Model.QvelOf("object")..][..6].Clear();
            }

            robot.Forward();
            return held;
        });

    /// <summary>Everything at rest; an object at least 10 cm from the gripper.</summary>
    protected override void Start(Simulation simulation, ref RandomStream random)
    {
        simulation.Load(settled);
        if (settings.HasObject)
        {
            double x, y;
            do
                (x, y) = (Uniform(ref random, settings.ObjectRange), Uniform(ref random, settings.ObjectRange));
            while (x * x + y * y < NearestObject * NearestObject);
            PutObject(simulation, x, y);
        }

        simulation.Forward();
    }

    protected override void DrawGoal(ref RandomStream random, ReadOnlySpan<float> state, Span<float> goal)
    {
        for (int i = 0; i < 3; i++)
            goal[i] = (float)(gripStart[i] + (i == 0 ? settings.TargetOffset : 0) + Uniform(ref random, settings.TargetRange));
        if (!settings.HasObject)
            return;
        double height = itemHeight;
        if (settings.TargetHeight > 0 && random.NextDouble() < 0.5)
            height += settings.TargetHeight * random.NextDouble();
        goal[2] = (float)height;
    }

    /// <remarks>
    /// A gripper that is kept closed is closed again after the steps, and where everything is is computed anew. One that is not is seen as
    /// at the start of the last step, 2 ms ago, as in the original; hence the episode carries its place.
    /// </remarks>
    protected override bool Act(Simulation simulation, ReadOnlySpan<double> own, ReadOnlySpan<float> action)
    {
        if (settings.CanGrip)
        {
            simulation.Ctrl[0] = simulation.Qpos[rightFinger] + action[3];
            simulation.Ctrl[1] = simulation.Qpos[leftFinger] + action[3];
        }

        // Half of the way to (1, 0, 1, 0), so that the gripper keeps pointing down.
        Lead(
            simulation,
            own[0] + ActionScale * action[0], own[1] + ActionScale * action[1], own[2] + ActionScale * action[2],
            own[3] + 1, own[4], own[5] + 1, own[6]);
        if (!simulation.Step(Substeps))
            return false;
        if (!settings.CanGrip)
        {
            (simulation.Qpos[rightFinger], simulation.Qpos[leftFinger]) = (0, 0);
            simulation.Place();
        }

        return true;
    }

    protected override void SaveOwn(Simulation simulation, Span<double> own)
    {
        simulation.BodyPosition(gripper).CopyTo(own);
        simulation.BodyQuaternion(gripper).CopyTo(own[3..]);
    }

    protected override void Observe(Simulation simulation, Span<float> state)
    {
        Span<double> gripVelocity = stackalloc double[3];
        ReadOnlySpan<double> gripPosition = simulation.SitePosition(grip), q = simulation.Qpos, v = simulation.Qvel;
        simulation.SiteVelocity(grip, gripVelocity, []);
        Put(state, gripPosition, 1);
        Span<float> fingers = state.Slice(settings.HasObject ? 9 : 3, 2);
        (fingers[0], fingers[1]) = ((float)q[rightFinger], (float)q[leftFinger]);
        Span<float> velocities = state[^5..];
        Put(velocities, gripVelocity, SecondsPerAction);
        velocities[3] = (float)(SecondsPerAction * v[rightFingerSpeed]);
        velocities[4] = (float)(SecondsPerAction * v[leftFingerSpeed]);
        if (!settings.HasObject)
            return;

        Span<double> linear = stackalloc double[3], angular = stackalloc double[3], angles = stackalloc double[3];
        ReadOnlySpan<double> position = simulation.SitePosition(itemSite);
        simulation.SiteVelocity(itemSite, linear, angular);
        EulerAngles(simulation.SiteMatrix(itemSite), angles);
        Put(state[3..], position, 1);
        Put(state[11..], angles, 1);
        Put(state[17..], angular, SecondsPerAction);
        for (int i = 0; i < 3; i++)
        {
            state[6 + i] = (float)(position[i] - gripPosition[i]);
            state[14 + i] = (float)(SecondsPerAction * linear[i] - SecondsPerAction * gripVelocity[i]);
        }
    }

    /// <summary>Starts an episode whose object lies so far from the gripper; what is not drawn is as in every start.</summary>
    internal void StartAt(double x, double y, Span<byte> simulation, Span<byte> state)
    {
        settled.CopyTo(simulation);
        Change(simulation, state, default, (robot, _) =>
        {
            if (settings.HasObject)
                PutObject(robot, x, y);
            robot.Forward();
            return true;
        });
    }

    /// <summary>Places the object on the table, so far from where the gripper starts; it has the rest's height and turn.</summary>
    private void PutObject(Simulation simulation, double x, double y) =>
        (simulation.Qpos[item], simulation.Qpos[item + 1]) = (gripStart[0] + x, gripStart[1] + y);

    /// <summary>The angles about x, y, z, in this order, of a rotation matrix [3, 3].</summary>
    internal static void EulerAngles(ReadOnlySpan<double> r, Span<double> angles)
    {
        const double epsilon = 4 * 2.220446049250313e-16;
        double cosine = Math.Sqrt(r[8] * r[8] + r[5] * r[5]);
        bool regular = cosine > epsilon;
        angles[2] = regular ? -Math.Atan2(r[1], r[0]) : -Math.Atan2(-r[3], r[4]);
        angles[1] = -Math.Atan2(-r[2], cosine);
        angles[0] = regular ? -Math.Atan2(r[5], r[8]) : 0;
    }

    private static void Put(Span<float> to, ReadOnlySpan<double> three, double scale)
    {
        for (int i = 0; i < 3; i++)
            to[i] = (float)(scale * three[i]);
    }

    private static void Lead(Simulation simulation, double x, double y, double z, double qw, double qx, double qy, double qz)
    {
        Span<double> target = simulation.MocapPositions, turn = simulation.MocapQuaternions;
        (target[0], target[1], target[2]) = (x, y, z);
        (turn[0], turn[1], turn[2], turn[3]) = (qw, qx, qy, qz);
    }

    private static void Scale(Span<float> values, double by)
    {
        foreach (ref float value in values)
            value *= (float)by;
    }

    private void Place(Span<float> position)
    {
        for (int i = 0; i < 3; i++)
            position[i] = (float)((position[i] - gripStart[i]) / PositionScale);
    }

    /// <summary>
    /// The robot drives to the table, its gripper to where it starts, an object comes to rest: 0.4 s. What is at rest is read before the
    /// last step's motion is computed, as in the original (0.06 mm).
    /// </summary>
    private (byte[] State, double ObjectHeight) Settle()
    {
        using var robot = new Simulation(Model);
        robot.Qpos[Model.QposOf("slide0")] = settings.Base;
        robot.Qpos[Model.QposOf("slide1")] = 0.48;
        if (settings.ObjectStart is { } place)
            (robot.Qpos[item], robot.Qpos[item + 1], robot.Qpos[item + 2]) = place;
        robot.Forward();
        ReadOnlySpan<double> at = robot.SitePosition(grip);
        Lead(robot, at[0] - 0.498, at[1] + 0.005, at[2] - 0.431 + settings.ExtraHeight, 1, 0, 1, 0);
        if (!robot.Step(SettleActions * Substeps))
            throw new ModelException($"{Name} does not come to rest");
        robot.SitePosition(grip).CopyTo(gripStart);
        var state = new byte[robot.StateBytes];
        robot.Save(state);
        return (state, settings.HasObject ? robot.SitePosition(itemSite)[2] : 0);
    }
}
