using Hem.Trainer;
using Hem.Trainer.Rendering;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Rendering;

public class CameraTests
{
    /// <summary>Points of the world, their pixels in pictures of both usual sizes, and their depth.</summary>
    [Theory]
    [InlineData("fetch-reach", 1.341833, 0.7491, 0.534723, 24.32, 22.56, 42.57, 39.49, 0.930)]
    [InlineData("fetch-reach", 1.19, 0.60, 0.385, 16.38, 22.36, 28.66, 39.13, 1.143)]
    [InlineData("fetch-reach", 1.49, 0.90, 0.685, 37.11, 22.63, 64.95, 39.61, 0.719)]
    [InlineData("fetch-reach", 1.55, 0.40, 0.40, 0.54, 39.16, 0.95, 68.54, 0.886)]
    [InlineData("sawyer-reach", 0, 0.5, 0.0523, 24.00, 24.15, 42.00, 42.26, 0.829)]
    [InlineData("sawyer-reach", -0.2, 0.75, 0.05, 42.53, 37.66, 74.43, 65.91, 0.625)]
    [InlineData("sawyer-reach", 0.2, 0.55, 0.3, 6.05, 8.56, 10.60, 14.98, 0.646)]
    [InlineData("reacher", 0.21, 0, 0.01, 39.40, 24.00, 68.95, 42.00, 0.790)]
    [InlineData("reacher", 0.3, 0.3, 0.01, 46.00, 2.00, 80.51, 3.49, 0.790)]
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
