using Hem.Trainer.MuJoCo;

namespace Trainer.Tests.MuJoCo;

public class SimulationTests
{
    /// <summary>A ball that falls on the floor, and one that a mocap body leads.</summary>
    private const string Balls = """
        <mujoco>
          <option timestep="0.002" />
          <worldbody>
            <geom name="floor" type="plane" size="1 1 1" />
            <body name="ball" pos="0 0 0.5">
              <joint name="ball" type="free" />
              <geom name="ball" size="0.1" />
              <site name="ball" pos="0.05 0 0" />
            </body>
            <body name="leader" mocap="true" pos="1 0 1" />
            <body name="led" pos="1 0 1"><joint type="free" /><geom size="0.1" /></body>
          </worldbody>
          <equality><weld body1="leader" body2="led" /></equality>
        </mujoco>
        """;

    [Fact]
    public void A_ball_falls_as_gravity_wants_and_comes_to_rest_on_the_floor()
    {
        Native.Require();
        using var model = Model.FromXml("balls.xml", Balls);
        using var simulation = new Simulation(model);
        int height = model.QposOf("ball") + 2;
        simulation.Step(50).ShouldBeTrue();
        simulation.Time.ShouldBe(0.1, 1e-12);
        simulation.Qpos[height].ShouldBe(0.5 - 9.81 * 0.002 * 0.002 * 50 * 51 / 2, 1e-9);
        simulation.Kinematics();
        double[] linear = new double[3], angular = new double[3];
        simulation.SiteVelocity(model.Site("ball"), linear, angular);
        linear[2].ShouldBe(-0.981, 1e-9);
        simulation.SitePosition(model.Site("ball"))[0].ShouldBe(0.05, 1e-9);
        simulation.Step(2000).ShouldBeTrue();
        simulation.Qpos[height].ShouldBe(0.1, 2e-3);
    }

    [Fact]
    public void What_a_mocap_body_leads_follows()
    {
        Native.Require();
        using var model = Model.FromXml("balls.xml", Balls);
        using var simulation = new Simulation(model);
        simulation.MocapPositions[3 * model.MocapOf("leader")] = 1.2;
        simulation.Step(500).ShouldBeTrue();
        simulation.Kinematics();
        simulation.BodyPosition(model.Body("led"))[0].ShouldBe(1.2, 1e-3);
    }

    [Fact]
    public void A_saved_state_goes_on_with_the_same_bits_in_another_simulation_whatever_that_did_before()
    {
        Native.Require();
        using var model = Model.FromXml("balls.xml", Balls);
        using Simulation one = new(model), other = new(model);
        one.Step(140).ShouldBeTrue();   // the ball is at the floor
        var saved = new byte[one.StateBytes];
        one.Save(saved);
        other.Qvel.Fill(3);
        other.Step(77).ShouldBeTrue();
        other.Load(saved);
        for (int i = 0; i < 20; i++)
        {
            one.Step(10).ShouldBeTrue();
            other.Step(10).ShouldBeTrue();
            other.Qpos.ToArray().ShouldBe(one.Qpos.ToArray());
            other.Qvel.ToArray().ShouldBe(one.Qvel.ToArray());
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(1e11)]
    [InlineData(1e9)]   // finite, and the step makes more of it
    public void A_simulation_that_diverges_says_so_and_can_be_used_again(double speed)
    {
        Native.Require();
        using var model = Model.FromXml("balls.xml", Balls);
        using var simulation = new Simulation(model);
        var start = new byte[simulation.StateBytes];
        simulation.Save(start);
        simulation.Qvel[4] = speed;
        simulation.Qvel[2] = -speed;
        simulation.Step(20).ShouldBeFalse();
        simulation.Load(start);
        simulation.Step(20).ShouldBeTrue();
        simulation.Qpos[2].ShouldBe(0.5 - 9.81 * 0.002 * 0.002 * 20 * 21 / 2, 1e-9);
    }

    [Fact]
    public void A_faulty_model_is_an_exception_that_says_where()
    {
        Native.Require();
        var unread = Should.Throw<ModelException>(() => Model.FromXml("torn.xml", "<mujoco><worldbody>"));
        unread.Message.ShouldContain("torn.xml");
        var faulty = Should.Throw<ModelException>(
            () => Model.FromXml("odd.xml", "<mujoco><worldbody><geom size='x' /></worldbody></mujoco>"));
        faulty.Message.ShouldContain("odd.xml");
        using var model = Model.FromXml("balls.xml", Balls);
        Should.Throw<ModelException>(() => model.Joint("elbow")).Message.ShouldContain("elbow");
        Should.Throw<ModelException>(() => model.MocapOf("ball"));
    }
}
