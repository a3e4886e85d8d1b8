using System.Runtime.InteropServices;
using Hem.Trainer.MuJoCo;
using Hem.Trainer.Tasks;
using Trainer.Tests.MuJoCo;

namespace Trainer.Tests.Tasks;

/// <summary>Measured values are those of Gym's models of 2020, with the robot's meshes, in MuJoCo 2.2.2.</summary>
public class FetchTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => ["fetch-reach", "fetch-push", "fetch-slide", "fetch-pickplace"];

    [Theory]
    [InlineData("fetch-reach", 0.05e-3, 1.341832326, 0.749100384, 0.534722846, 0)]
    [InlineData("fetch-push", 3e-3, 1.347867568, 0.748949476, 0.413637725, 0.424699749)]
    [InlineData("fetch-slide", 3e-3, 0.995703673, 0.748906839, 0.412685992, 0.414018944)]
    [InlineData("fetch-pickplace", 0.05e-3, 1.341932326, 0.749100371, 0.534722847, 0.424699749)]
    public void The_robot_and_the_object_come_to_rest_where_measured(
        string name, double tolerance, double x, double y, double z, double height)
    {
        Fetch task = Make(name);
        ShouldBeAt([(float)task.GripStart[0], (float)task.GripStart[1], (float)task.GripStart[2]], tolerance, x, y, z);
        task.ObjectHeight.ShouldBe(height, 1e-7);
    }

    [Theory]
    [InlineData("fetch-reach", 0.05e-3, 1.341832710, 0.749100387, 0.534722725)]
    [InlineData("fetch-push", 3e-3, 1.347822833, 0.748951528, 0.413637611)]
    [InlineData("fetch-slide", 3e-3, 0.995642352, 0.748909348, 0.412685875)]
    [InlineData("fetch-pickplace", 0.05e-3, 1.341932710, 0.749100375, 0.534722726)]
    public void The_first_observation_is_the_measured_one(string name, double tolerance, double x, double y, double z)
    {
        Fetch task = Make(name);
        var episode = Start(task);
        ShouldBeAt(episode.State, tolerance, x, y, z);
        if (name == "fetch-reach")
        {
            // The fingers, m, and their ways per action; the hand stands still, with primitive shapes as with meshes.
            ((double)episode.State[3]).ShouldBe(1.97805e-4, 2e-5);
            ((double)episode.State[4]).ShouldBe(7.15193e-5, 2e-5);
            ((double)episode.State[8]).ShouldBe(4.73326e-6, 0.1 * 4.73326e-6);
            ((double)episode.State[9]).ShouldBe(-2.28455e-6, 0.1 * 2.28455e-6);
            for (int i = 5; i < 8; i++)
                ((double)episode.State[i]).ShouldBe(0, 1e-5);
            return;
        }

        ShouldBeAt(episode.State[3..], tolerance, x + 0.12, y + 0.06, name == "fetch-slide" ? 0.414022562 : 0.424702091);
        for (int i = 0; i < 3; i++)
            episode.State[6 + i].ShouldBe(episode.State[3 + i] - episode.State[i], 1e-6f);
    }

    /// <summary>The link of the gripper, m; then the joints that hold it, rad (torso m), and the fingers, right and left, m.</summary>
    [Theory]
    [InlineData("fetch-reach", 0.05e-3, 2e-4, 1.341833690, 0.749100348, 0.554722725, -0.0000210825, 0.0600288106, 0.0096759230,
        -0.8282306326, -0.0030564937, 1.4439788493, 0.0025344346, 0.9551008710, 0.0059607705, 0.0001977963, 0.0000715275)]
    [InlineData("fetch-pickplace", 0.05e-3, 2e-4, 1.341933690, 0.749100335, 0.554722725, -0.0000210825, 0.0600288106, 0.0096758585,
        -0.8282306333, -0.0030564497, 1.4439788504, 0.0025344496, 0.9551008701, 0.0059607192, 0.0000029164, -0.0000000472)]
    [InlineData("fetch-push", 3e-3, 2e-2, 1.347807030, 0.748955704, 0.433637604, -0.0000111627, 0.0600288106, 0.0090308675,
        -0.5835531279, -0.0022220126, 1.4329170942, 0.0024843727, 0.7206467321, 0.0059273957, -0.0000015019, 0.0012444445)]
    [InlineData("fetch-slide", 3e-3, 2e-2, 0.995619094, 0.748915369, 0.432685860, -0.0000096397, 0.0600288106, 0.0089547786,
        -0.5763715555, -0.0021913155, 1.4202838322, 0.0023011415, 0.7257259186, 0.0060169608, -0.0000020241, 0.0014627053)]
    public void The_arm_comes_to_rest_as_measured(
        string name, double place, double angle, double x, double y, double z, params double[] joints)
    {
        Fetch task = Make(name);
        var episode = Start(task);
        using var robot = new Simulation(task.Model);
        task.Pose(episode.SimulationBytes, episode.StateBytes, robot);
        robot.Forward();
        ReadOnlySpan<double> link = robot.BodyPosition(task.Model.Body("gripper_link"));
        ShouldBeAt([(float)link[0], (float)link[1], (float)link[2]], place, x, y, z);
        string[] names =
        [
            "torso_lift", "head_tilt", "shoulder_pan", "shoulder_lift", "upperarm_roll", "elbow_flex", "forearm_roll", "wrist_flex",
            "wrist_roll", "r_gripper_finger", "l_gripper_finger",
        ];
        foreach ((string joint, double value) in names.Zip(joints))
        {
            double tolerance = joint.EndsWith("finger", StringComparison.Ordinal) ? Math.Min(angle, 2e-3) : angle;
            episode.Qpos[task.Model.QposOf(joint + "_joint")].ShouldBe(value, tolerance, joint);
        }
    }

    /// <summary>Action k: (sin 0.3k, cos 0.2k, sin(0.11k + 1), cos 0.4k).</summary>
    [Theory]
    [InlineData("fetch-reach", 1, 1.34134921, 0.779764613, 0.560336600)]
    [InlineData("fetch-reach", 2, 1.34929484, 0.812632267, 0.590091096)]
    [InlineData("fetch-reach", 3, 1.36583998, 0.843334375, 0.621019731)]
    [InlineData("fetch-reach", 4, 1.38893210, 0.870803649, 0.652794341)]
    [InlineData("fetch-reach", 5, 1.41559378, 0.893645305, 0.684561487)]
    [InlineData("fetch-pickplace", 1, 1.34148027, 0.778463308, 0.559232006, 0.0397943, 0.0416168)]
    [InlineData("fetch-pickplace", 2, 1.34907607, 0.810732064, 0.588389569, 0.0514232, 0.0517202)]
    [InlineData("fetch-pickplace", 3, 1.36516672, 0.840739270, 0.618560508, 0.0501331, 0.0501515)]
    [InlineData("fetch-pickplace", 4, 1.38770512, 0.867645867, 0.649608121, 0.0500503, 0.0500511)]
    [InlineData("fetch-pickplace", 5, 1.41389569, 0.890078320, 0.680713172, 0.0440009, 0.0441873)]
    public void Waves_of_actions_move_the_hand_as_measured(
        string name, int steps, double x, double y, double z, double right = 0, double left = 0)
    {
        var episode = Start(Make(name));
        for (int k = 0; k < steps; k++)
            episode.Step(Math.Sin(0.3 * k), Math.Cos(0.2 * k), Math.Sin(0.11 * k + 1), Math.Cos(0.4 * k)).ShouldBe(StepOutcome.Stepped);
        ShouldBeAt(episode.State, 0.1e-3, x, y, z);
        ReadOnlySpan<float> fingers = episode.State.Slice(name == "fetch-reach" ? 3 : 9, 2);
        ((double)fingers[0]).ShouldBe(right, 1e-6);
        ((double)fingers[1]).ShouldBe(left, 1e-6);
    }

    [Theory]
    [InlineData(0, 0, 1, 1.34185926, 0.74910066, 0.53454539)]
    [InlineData(0, 0, 2, double.NaN, double.NaN, 0.53434947)]
    [InlineData(0, 0, 3, double.NaN, double.NaN, 0.53415530)]
    [InlineData(0, 0, 5, 1.34198461, 0.74910183, 0.53376540)]
    [InlineData(0, 0, 10, 1.34214709, 0.74910329, 0.53278750)]
    [InlineData(0, 0, 20, 1.34247453, 0.74910620, 0.53082702)]
    [InlineData(1, 0, 1, 1.37132935, 0.74908971, 0.53445564)]
    [InlineData(1, 0, 2, 1.40344044, 0.74907819, 0.53415209)]
    [InlineData(1, 0, 3, 1.43479187, 0.74906416, 0.53381270)]
    [InlineData(1, 0, 5, 1.49389690, 0.74901426, 0.53277300)]
    [InlineData(0, -1, 1, 1.34158027, 0.74909836, 0.50415835)]
    [InlineData(0, -1, 2, 1.34132915, 0.74909526, 0.47071363)]
    [InlineData(0, -1, 3, 1.34104486, 0.74909194, 0.43756953)]
    [InlineData(0, -1, 5, 1.34088482, 0.74909001, 0.41497748)]
    public void The_same_action_again_and_again_moves_the_hand_as_measured(
        double ax, double az, int steps, double x, double y, double z)
    {
        var episode = Start(Make("fetch-reach"));
        for (int k = 0; k < steps; k++)
            episode.Step(ax, 0, az);
        ShouldBeAt(episode.State, 0.1e-3, double.IsNaN(x) ? episode.State[0] : x, double.IsNaN(y) ? episode.State[1] : y, z);
    }

    /// <summary>At full stretch, and on the table.</summary>
    [Theory]
    [InlineData(1, 0, 10, 1.53905359, 0.74833216, 0.52109399)]
    [InlineData(1, 0, 20, 1.54739505, 0.74695394, 0.49821059)]
    [InlineData(0, -1, 10, 1.34089940, 0.74909018, 0.41527046)]
    [InlineData(0, -1, 20, 1.34093450, 0.74909070, 0.41527126)]
    public void The_hand_stops_where_measured(double ax, double az, int steps, double x, double y, double z)
    {
        var episode = Start(Make("fetch-reach"));
        for (int k = 0; k < steps; k++)
            episode.Step(ax, 0, az);
        ShouldBeAt(episode.State, 0.2e-3, x, y, z);
    }

    /// <summary>A cube let go in the air falls and spins; an observation's velocities are ways and angles per action.</summary>
    [Fact]
    public void A_falling_spinning_cube_is_observed_as_it_moves()
    {
        var episode = Start(Make("fetch-push"));
        episode.Qpos[^5] += 0.4;
        (episode.Qvel[^6], episode.Qvel[^4], episode.Qvel[^1]) = (0.5, 0, 1);
        episode.Step(0, 1, 0.5, 0);
        float[] before = episode.State.ToArray();
        episode.Step(0, 1, 0.5, 0);
        float[] after = episode.State.ToArray();
        double[] velocity = [.. Enumerable.Range(0, 3).Select(i => (double)after[14 + i] + after[20 + i])];
        (after[3] - before[3]).ShouldBe(0.02f, 1e-5f);
        velocity[0].ShouldBe(0.02, 1e-5);
        velocity[1].ShouldBe(0, 1e-5);
        velocity[2].ShouldBe(-9.81 * 0.08 * 0.04, 2e-5);
        ((double)after[5] - before[5]).ShouldBe(-9.81 * 0.002 * 0.002 * (40 * 41 - 20 * 21) / 2, 2e-5);

        // The damping of 0.01 brakes the spin, by the cube's inertia of 8.3333e-4, in each of the steps.
        double kept = 1 / (1 + 0.002 * 0.01 / 8.3333e-4);
        ((double)after[19]).ShouldBe(0.04 * Math.Pow(kept, 40), 1e-5);
        ((double)after[13] - before[13]).ShouldBe(
            0.002 * Enumerable.Range(21, 20).Sum(step => Math.Pow(kept, step)), 1e-5);
        after[21].ShouldBeInRange(0.01f, 0.04f);   // the hand goes on while its target stands still
        (after[1] - before[1]).ShouldBe(0.033f, 0.003f);
    }

    /// <summary>From behind the cube, straight on: it moves with the hand and falls off the table.</summary>
    [Fact]
    public void A_cube_is_pushed_off_the_table()
    {
        Fetch task = Make("fetch-push");
        var episode = Start(task, 0.1, 0);
        double edge = 0, height = 0;
        for (int k = 0; k < 50; k++)
        {
            episode.Step(k < 25 ? 1 : 0, 0, 0, 0).ShouldBe(StepOutcome.Stepped);
            if (episode.State[5] > 0.4)
                edge = episode.State[3];
            height = episode.State[5];
        }

        edge.ShouldBe(1.55, 0.03);
        height.ShouldBeLessThan(0.2);
    }

    /// <summary>Open, over the cube, down, close, up.</summary>
    [Fact]
    public void A_cube_is_picked_up()
    {
        Fetch task = Make("fetch-pickplace");
        var episode = Start(task, 0.1, -0.05);
        for (int k = 0; k < 12; k++)
            Go(episode.State[6], episode.State[7], 0.52 - episode.State[2], 1);
        for (int k = 0; k < 12; k++)
            Go(episode.State[6], episode.State[7], 0.425 - episode.State[2], 1);
        for (int k = 0; k < 4; k++)
            Go(0, 0, 0, -1);
        for (int k = 0; k < 12; k++)
            Go(0, 0, 0.6 - episode.State[2], -1);
        episode.State[5].ShouldBeGreaterThan(0.55f);
        episode.State[8].ShouldBe(-0.002f, 0.003f);
        episode.State[9].ShouldBe(0.024f, 0.002f);
        episode.State[10].ShouldBe(0.024f, 0.002f);

        void Go(double x, double y, double z, double fingers) =>
            episode.Step(20 * x, 20 * y, 20 * z, fingers).ShouldBe(StepOutcome.Stepped);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Objects_and_goals_are_drawn_where_they_should(string name)
    {
        Fetch task = Make(name);
        FetchSettings settings = Fetch.Find(name)!;
        double[] start = task.GripStart.ToArray();
        var episode = new SimulatedEpisode(task, 3);
        const int count = 2000;
        double[] sum = new double[3], square = new double[3];
        int lifted = 0, near = 0;
        for (int i = 0; i < count; i++)
        {
            episode.Reset();
            for (int axis = 0; axis < 3; axis++)
            {
                double away = episode.Goal[axis] - start[axis];
                sum[axis] += away;
                square[axis] += away * away;
            }

            lifted += episode.Goal[2] > task.ObjectHeight + 1e-6 ? 1 : 0;
            if (!settings.HasObject)
                continue;
            double x = episode.State[3] - start[0], y = episode.State[4] - start[1];
            Math.Max(Math.Abs(x), Math.Abs(y)).ShouldBeLessThan(settings.ObjectRange + 1e-6);
            Math.Sqrt(x * x + y * y).ShouldBeGreaterThan(0.1 - 1e-6);
            near += Math.Abs(x) < 0.5 * settings.ObjectRange ? 1 : 0;
            episode.State[5].ShouldBe((float)task.ObjectHeight, 1e-4f);
        }

        for (int axis = 0; axis < (settings.HasObject ? 2 : 3); axis++)
        {
            // Uniform: deviation range / sqrt(3).
            double mean = sum[axis] / count, deviation = Math.Sqrt(square[axis] / count - mean * mean);
            mean.ShouldBe(axis == 0 ? settings.TargetOffset : 0, 4 * deviation / Math.Sqrt(count));
            deviation.ShouldBe(settings.TargetRange / Math.Sqrt(3), 0.03 * settings.TargetRange);
        }

        if (!settings.HasObject)
            return;

        // Of the square without the disc, the part with |x| below half the range.
        double r = 0.1, range = settings.ObjectRange, half = 0.5 * range;
        double strip = Math.Min(r, half), disc = Math.PI * r * r;
        double discInStrip = 2 * (strip * Math.Sqrt(r * r - strip * strip) + r * r * Math.Asin(strip / r));
        double share = (4 * half * range - discInStrip) / (4 * range * range - disc);
        (near / (double)count).ShouldBe(share, 4 * Math.Sqrt(share * (1 - share) / count));
        (lifted / (double)count).ShouldBe(name == "fetch-pickplace" ? 0.5 : 0, 0.045);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Nearer_than_5_cm_is_a_success_and_what_is_achieved_is_one(string name)
    {
        Fetch task = Make(name);
        var episode = new SimulatedEpisode(task);
        var goal = new byte[task.GoalBytes];
        task.AchievedGoal(episode.StateBytes, goal);
        Span<float> place = MemoryMarshal.Cast<byte, float>(goal.AsSpan());
        place.ToArray().ShouldBe(episode.State.Slice(task.Input.StateVector == 10 ? 0 : 3, 3).ToArray());
        task.IsSuccess(episode.StateBytes, goal).ShouldBeTrue();
        place[1] += 0.0499f;
        task.IsSuccess(episode.StateBytes, goal).ShouldBeTrue();
        place[1] += 0.0002f;
        task.IsSuccess(episode.StateBytes, goal).ShouldBeFalse();
    }

    [Fact]
    public void Inputs_are_scaled_by_the_tasks_constants_unless_they_are_wanted_raw()
    {
        Native.Require();
        Fetch scaled = new(FetchSettings.Push), raw = new(FetchSettings.Push, normalize: false);
        var episode = new SimulatedEpisode(scaled);
        episode.StepAtRandom();
        float[] s = episode.State.ToArray(), g = episode.Goal.ToArray(), input = new float[28];
        byte[] goal = MemoryMarshal.AsBytes<float>(g).ToArray();
        double[] p0 = scaled.GripStart.ToArray();
        raw.Encode(episode.StateBytes, goal, input);
        input.ShouldBe([.. s, .. g]);
        scaled.Encode(episode.StateBytes, goal, input);
        for (int i = 0; i < 28; i++)
        {
            double expected = i switch
            {
                < 6 => (s[i] - p0[i % 3]) / 0.15,
                < 9 => s[i] / 0.15,
                < 11 => s[i] / 0.05,
                < 14 => s[i],
                < 25 => 50 * s[i],
                _ => (g[i - 25] - p0[i - 25]) / 0.15,
            };
            ((double)input[i]).ShouldBe(expected, 1e-5 * (1 + Math.Abs(expected)));
        }
    }

    /// <summary>
    /// Uniform actions of whole episodes: in how many the object ends over 5 cm from where it was. Goals farther away are as good as never
    /// seen by exploration alone. Of 200 episodes 16 of push, 35 of slide, 10 of pick and place.
    /// </summary>
    [Theory]
    [InlineData("fetch-push")]
    [InlineData("fetch-slide")]
    [InlineData("fetch-pickplace")]
    public void A_random_policy_seldom_moves_the_object(string name)
    {
        var episode = new SimulatedEpisode(Make(name), 7);
        int count = Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 } ? 200 : 40, moved = 0;
        for (int i = 0; i < count; i++)
        {
            episode.Reset();
            double x = episode.State[3], y = episode.State[4], z = episode.State[5];
            for (int step = 0; step < 50; step++)
                episode.StepAtRandom().ShouldBe(StepOutcome.Stepped);
            moved += Math.Sqrt(Square(x, 3) + Square(y, 4) + Square(z, 5)) > 0.05 ? 1 : 0;
        }

        output.WriteLine($"moved in {moved} of {count}");
        moved.ShouldBeLessThan((int)(0.35 * count));

        double Square(double from, int index) => (episode.State[index] - from) * (episode.State[index] - from);
    }

    /// <summary>About x by a, then y by b, then z by c: R = Rx(a) Ry(b) Rz(c).</summary>
    [Theory]
    [InlineData(0.3, -0.7, 1.1)]
    [InlineData(-2.9, 0.1, -3)]
    [InlineData(0, 1.2, 0.4)]
    public void Angles_are_those_of_the_rotation(double a, double b, double c)
    {
        var ((sa, ca), (sb, cb), (sc, cc)) = (Math.SinCos(a), Math.SinCos(b), Math.SinCos(c));
        double[] rotation =
        [
            cb * cc, -cb * sc, sb,
            ca * sc + sa * sb * cc, ca * cc - sa * sb * sc, -sa * cb,
            sa * sc - ca * sb * cc, sa * cc + ca * sb * sc, ca * cb,
        ];
        var angles = new double[3];
        Fetch.EulerAngles(rotation, angles);
        angles.ShouldBe([a, b, c], 1e-12);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_goals_picture_shows_a_state_that_achieves_it(string name)
    {
        Fetch task = Make(name);
        var episode = new SimulatedEpisode(task, 5);
        task.MoveToGoal(episode.SimulationBytes, episode.StateBytes, MemoryMarshal.AsBytes(episode.Goal));
        episode.IsSuccess.ShouldBeTrue();
    }

    private static Fetch Make(string name)
    {
        Native.Require();
        return new Fetch(Fetch.Find(name)!);
    }

    /// <summary>An episode whose object lies so far from the gripper.</summary>
    private static SimulatedEpisode Start(Fetch task, double x = 0.12, double y = 0.06)
    {
        var episode = new SimulatedEpisode(task);
        task.StartAt(x, y, episode.SimulationBytes, episode.StateBytes);
        return episode;
    }

    private static void ShouldBeAt(ReadOnlySpan<float> place, double tolerance, double x, double y, double z)
    {
        double dx = place[0] - x, dy = place[1] - y, dz = place[2] - z;
        Math.Sqrt(dx * dx + dy * dy + dz * dz).ShouldBeLessThan(tolerance, $"({place[0]}, {place[1]}, {place[2]}), not ({x}, {y}, {z})");
    }
}
