using System.Runtime.InteropServices;
using Hem.Trainer.Tasks;
using Trainer.Tests.MuJoCo;

namespace Trainer.Tests.Tasks;

public class SawyerReachTests
{
    private const double Printed = 0.5e-5 + 1e-6;   // measured values are given to five digits

    [Fact]
    public void An_episode_starts_where_measured()
    {
        var episode = Start();
        double[] hand = [-0.0000098, 0.4999822, 0.0522926];
        double[] joints = [1.7244568, -0.7533568, 0.0750391, 2.1726772, 2.7912573, -0.1609639, 0.7256521, 0.0194451];
        for (int i = 0; i < 3; i++)
            ((double)episode.State[i]).ShouldBe(hand[i], 1e-6);
        for (int i = 0; i < 8; i++)
            episode.Qpos[i].ShouldBe(joints[i], 1e-6);
    }

    [Theory]
    [InlineData(0, 0, 0, 1, -0.00039, 0.54595, 0.05547)]
    [InlineData(0, 0, 0, 2, -0.00014, 0.54852, 0.05542)]
    [InlineData(0, 0, 0, 3, -0.00006, 0.54912, 0.05542)]
    [InlineData(0, 0, 0, 6, -0.00003, 0.54948, 0.05542)]
    [InlineData(0, 0, 0, 10, -0.00003, 0.54969, 0.05542)]
    [InlineData(0, 0, 0, 20, -0.00004, 0.54991, 0.05541)]
    [InlineData(1, 0, 0, 1, 0.01642, 0.54589, 0.05545)]
    [InlineData(1, 0, 0, 2, 0.03298, 0.54847, 0.05544)]
    [InlineData(1, 0, 0, 3, 0.05146, 0.54899, 0.05551)]
    [InlineData(1, 0, 0, 6, 0.10666, 0.55054, 0.05606)]
    [InlineData(1, 0, 0, 10, 0.16117, 0.54859, 0.06466)]
    [InlineData(1, 0, 0, 20, 0.16859, 0.54965, 0.06218)]
    [InlineData(0, 1, 0, 1, -0.00039, 0.54595, 0.05547)]
    [InlineData(0, 1, 0, 2, -0.00043, 0.56621, 0.05542)]
    [InlineData(0, 1, 0, 3, -0.00070, 0.58591, 0.05541)]
    [InlineData(0, 1, 0, 6, -0.00116, 0.64555, 0.05542)]
    [InlineData(0, 1, 0, 10, -0.00301, 0.72441, 0.05577)]
    [InlineData(0, 1, 0, 20, -0.00404, 0.74571, 0.05592)]
    [InlineData(0, 0, 1, 1, -0.00039, 0.54595, 0.05547)]
    [InlineData(0, 0, 1, 2, -0.00029, 0.54991, 0.06984)]
    [InlineData(0, 0, 1, 3, -0.00042, 0.54988, 0.08983)]
    [InlineData(0, 0, 1, 6, -0.00061, 0.54986, 0.14979)]
    [InlineData(0, 0, 1, 10, 0.00099, 0.55212, 0.22767)]
    [InlineData(0, 0, 1, 20, 0.00308, 0.55562, 0.29586)]
    public void The_hand_follows_as_measured(double ax, double ay, double az, int steps, double x, double y, double z)
    {
        var episode = Start();
        for (int k = 0; k < steps; k++)
            episode.Step(ax, ay, az).ShouldBe(StepOutcome.Stepped);
        ((double)episode.State[0]).ShouldBe(x, Printed);
        ((double)episode.State[1]).ShouldBe(y, Printed);
        ((double)episode.State[2]).ShouldBe(z, Printed);
    }

    /// <summary>The corners of the box of goals; at x = 0.2 the arm is in its own way.</summary>
    [Fact]
    public void Every_goal_can_be_reached()
    {
        foreach (double x in new[] { -1.0, 1 })
        {
            foreach (double y in new[] { -1.0, 1 })
            {
                foreach (double z in new[] { -1.0, 1 })
                {
                    var episode = Start();
                    Span<float> corner = episode.Goal;
                    (corner[0], corner[1], corner[2]) = (x < 0 ? -0.2f : 0.2f, y < 0 ? 0.55f : 0.75f, z < 0 ? 0.05f : 0.3f);
                    for (int k = 0; k < 50; k++)
                        episode.Step(x, y, z);
                    episode.IsSuccess.ShouldBeTrue();
                    double away = Math.Sqrt(
                        Square(episode.State[0] - corner[0]) + Square(episode.State[1] - corner[1]) + Square(episode.State[2] - corner[2]));
                    away.ShouldBeLessThan(x < 0 ? 0.0125 : 0.0335);
                }
            }
        }

        static double Square(double a) => a * a;
    }

    [Fact]
    public void Goals_fill_the_box_and_nearer_than_6_cm_is_a_success()
    {
        Native.Require();
        var task = new SawyerReach();
        var episode = new SimulatedEpisode(task, 9);
        double[] least = [9, 9, 9], most = [-9, -9, -9];
        for (int i = 0; i < 1000; i++)
        {
            episode.Reset();
            for (int axis = 0; axis < 3; axis++)
                (least[axis], most[axis]) = (Math.Min(least[axis], episode.Goal[axis]), Math.Max(most[axis], episode.Goal[axis]));
        }

        for (int axis = 0; axis < 3; axis++)
        {
            least[axis].ShouldBe(SawyerReach.Low[axis], 0.005);
            most[axis].ShouldBe(SawyerReach.High[axis], 0.005);
        }

        episode.State.CopyTo(episode.Goal);
        episode.Goal[0] += 0.0599f;
        episode.IsSuccess.ShouldBeTrue();
        episode.Goal[0] += 0.0002f;
        episode.IsSuccess.ShouldBeFalse();
    }

    [Fact]
    public void Inputs_are_shares_of_the_box_unless_they_are_wanted_raw()
    {
        Native.Require();
        SawyerReach scaled = new(), raw = new(normalize: false);
        var input = new float[6];
        byte[] state = MemoryMarshal.AsBytes<float>([0.2f, 0.55f, 0.175f]).ToArray();
        byte[] goal = MemoryMarshal.AsBytes<float>([0, 0.75f, 0.3f]).ToArray();
        raw.Encode(state, goal, input);
        input.ShouldBe([0.2f, 0.55f, 0.175f, 0, 0.75f, 0.3f]);
        scaled.Encode(state, goal, input);
        input.ShouldBe([1, -1, 0, 0, 1, 1], 1e-5f);
    }

    [Fact]
    public void A_goals_picture_shows_the_hand_there()
    {
        var episode = Start();
        Span<float> goal = episode.Goal;
        (goal[0], goal[1], goal[2]) = (-0.1f, 0.7f, 0.2f);
        new SawyerReach().MoveToGoal(episode.SimulationBytes, episode.StateBytes, MemoryMarshal.AsBytes(goal));
        episode.State[0].ShouldBe(-0.1f, 0.01f);
        episode.IsSuccess.ShouldBeTrue();
    }

    private static SimulatedEpisode Start()
    {
        Native.Require();
        return new SimulatedEpisode(new SawyerReach());
    }
}
