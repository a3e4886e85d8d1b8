using Hem.Trainer;
using Hem.Trainer.Rendering;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Rendering;

public class CameraTests
{
    /// <summary>Points of the world, their pixels in pictures of both usual sizes, and their depth.</summary>
    [Theory]
    [InlineData("pointmass", 0.1, 0.1, 0.02, 31.94, 16.06, 55.89, 28.11, 0.730)]
    public void The_camera_shows_a_point_where_it_should(
        string name, double x, double y, double z, double u48, double v48, double u84, double v84, double depth)
    {
        Drawing.Require();
        IVisibleTask task = VisibleTasks.All[name]();
        using var renderer = new SceneRenderer(task.Model, 48, 48);
        var random = new RandomStream(1, RandomPurpose.Worker);
        byte[] simulation = new byte[task.SimulationBytes], state = new byte[task.StateBytes], goal = new byte[task.GoalBytes];
        task.Reset(ref random, simulation, state, goal);
        task.Pose(simulation, state, renderer.Simulation);
        foreach ((int size, double u, double v) in (ReadOnlySpan<(int, double, double)>)[(48, u48, v48), (84, u84, v84)])
        {
            (double U, double V, double Depth) at = Drawing.Project(renderer.Simulation, size, x, y, z);
            at.U.ShouldBe(u, 0.0051);
            at.V.ShouldBe(v, 0.0051);
            at.Depth.ShouldBe(depth, 0.00051);
        }
    }
}
