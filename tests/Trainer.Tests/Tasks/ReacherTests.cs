using System.Runtime.InteropServices;
using Hem.Trainer.Tasks;
using Trainer.Tests.MuJoCo;

namespace Trainer.Tests.Tasks;

public class ReacherTests
{
    [Theory]
    [InlineData(1, 0.0896891997, -0.020015887, 3.95574938, -0.00157790236, 0.20933118, 0.0166147654)]
    [InlineData(2, 0.207708384, -0.0200626814, 7.83325898, -0.00309060038, 0.205919681, 0.0411419172)]
    [InlineData(10, 3.79211373, -0.0213899895, 36.2161248, -0.0127771321, -0.168516137, -0.125288782)]
    public void A_full_torque_on_the_first_joint_turns_the_arm_as_measured(
        int steps, double t1, double t2, double w1, double w2, double x, double y)
    {
        var episode = Start();
        for (int k = 0; k < steps; k++)
            episode.Step(1, 0).ShouldBe(StepOutcome.Stepped);
        Check(episode, t1, t2, w1, w2, x, y);
    }

    [Theory]
    [InlineData(1, 0.0499920547, -0.00013619875, -0.000789272598, 1.97978206, 0.209738386, 0.0104789959)]
    [InlineData(5, 0.290429794, 0.319182411, 5.40769541, 3.80287156, 0.185997801, 0.0916168564)]
    [InlineData(10, 0.494620446, 0.275440297, -0.425619679, -3.33398542, 0.166980417, 0.124049435)]
    [InlineData(50, 1.78085516, 0.519355512, 3.908631, -1.05094457, -0.0941593863, 0.179813996)]
    public void Waves_of_torque_move_the_arm_as_measured(int steps, double t1, double t2, double w1, double w2, double x, double y)
    {
        var episode = Start();
        for (int k = 0; k < steps; k++)
            episode.Step(0.5 * Math.Sin(0.7 * k), 0.5 * Math.Cos(0.5 * k)).ShouldBe(StepOutcome.Stepped);
        Check(episode, t1, t2, w1, w2, x, y);
    }

    /// <summary>At full torque the soft limit of the second joint gives way a little.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void The_second_joint_stops_just_beyond_its_limit(double torque)
    {
        var episode = Start();
        for (int k = 0; k < 100; k++)
            episode.Step(0, torque).ShouldBe(StepOutcome.Stepped);
        (torque * episode.Qpos[1]).ShouldBeInRange(3.001, 3.004);
    }

    [Fact]
    public void The_state_says_where_the_joints_the_elbow_and_the_tip_are()
    {
        var episode = Start();
        (episode.Qpos[0], episode.Qpos[1]) = (0.9, -2);
        episode.Step(0.3, -0.6);
        var (t1, t2) = (episode.Qpos[0], episode.Qpos[1]);
        double[] expected =
        [
            Math.Cos(t1), Math.Cos(t2), Math.Sin(t1), Math.Sin(t2), 0.1 * Math.Cos(t1), 0.1 * Math.Sin(t1),
            0.02 * episode.Qvel[0], 0.02 * episode.Qvel[1],
            0.1 * Math.Cos(t1) + 0.11 * Math.Cos(t1 + t2), 0.1 * Math.Sin(t1) + 0.11 * Math.Sin(t1 + t2), 0.01,
        ];
        for (int i = 0; i < expected.Length; i++)
            ((double)episode.State[i]).ShouldBe(expected[i], 1e-7);
    }

    [Fact]
    public void Starts_are_small_goals_fill_the_disc_and_a_success_is_within_the_radius()
    {
        Native.Require();
        var task = new Reacher();
        var episode = new SimulatedEpisode(task, 4);
        int inner = 0;
        for (int i = 0; i < 4000; i++)
        {
            episode.Reset();
            for (int joint = 0; joint < 2; joint++)
            {
                Math.Abs(episode.Qpos[joint]).ShouldBeLessThan(0.1);
                Math.Abs(episode.Qvel[joint]).ShouldBeLessThan(0.005);
            }

            double distance = Math.Sqrt(episode.Goal[0] * episode.Goal[0] + episode.Goal[1] * episode.Goal[1]);
            distance.ShouldBeLessThan(0.2000001);
            inner += distance < 0.1 ? 1 : 0;
        }

        (inner / 4000.0).ShouldBe(0.25, 0.028);
        episode.State[8..10].CopyTo(episode.Goal);
        episode.IsSuccess.ShouldBeTrue();
        episode.Goal[0] += 0.01696f;
        episode.IsSuccess.ShouldBeTrue();
        episode.Goal[0] += 0.00002f;
        episode.IsSuccess.ShouldBeFalse();
        task.AchievedGoal(episode.StateBytes, MemoryMarshal.AsBytes(episode.Goal));
        episode.Goal.ToArray().ShouldBe(episode.State[8..10].ToArray());
    }

    [Fact]
    public void Places_are_scaled_for_the_network_unless_they_are_wanted_raw()
    {
        Native.Require();
        Reacher scaled = new(), raw = new(normalize: false);
        var episode = new SimulatedEpisode(scaled);
        float[] input = new float[13], s = episode.State.ToArray(), g = episode.Goal.ToArray();
        raw.Encode(episode.StateBytes, MemoryMarshal.AsBytes(episode.Goal), input);
        input.ShouldBe([.. s, .. g]);
        scaled.Encode(episode.StateBytes, MemoryMarshal.AsBytes(episode.Goal), input);
        input.ShouldBe(
            [s[0], s[1], s[2], s[3], s[4] / 0.3f, s[5] / 0.3f, s[6], s[7], s[8] / 0.3f, s[9] / 0.3f, s[10], g[0] / 0.3f, g[1] / 0.3f],
            1e-6f);
    }

    [Theory]
    [InlineData(0.1f, 0.05f)]
    [InlineData(-0.15f, 0.1f)]
    [InlineData(0, -0.02f)]
    public void A_goals_picture_shows_the_tip_there(float x, float y)
    {
        var episode = Start();
        (episode.Goal[0], episode.Goal[1]) = (x, y);
        new Reacher().MoveToGoal(episode.SimulationBytes, episode.StateBytes, MemoryMarshal.AsBytes(episode.Goal));
        episode.State[8].ShouldBe(x, 1e-6f);
        episode.State[9].ShouldBe(y, 1e-6f);
    }

    private static SimulatedEpisode Start()
    {
        Native.Require();
        var episode = new SimulatedEpisode(new Reacher());
        (episode.Qpos[0], episode.Qpos[1]) = (0.05, -0.02);
        episode.Qvel.Clear();
        return episode;
    }

    private static void Check(SimulatedEpisode episode, double t1, double t2, double w1, double w2, double x, double y)
    {
        episode.Qpos[0].ShouldBe(t1, 1e-6);
        episode.Qpos[1].ShouldBe(t2, 1e-6);
        episode.Qvel[0].ShouldBe(w1, 1e-6);
        episode.Qvel[1].ShouldBe(w2, 1e-6);
        ((double)episode.State[8]).ShouldBe(x, 1e-6);
        ((double)episode.State[9]).ShouldBe(y, 1e-6);
    }
}
