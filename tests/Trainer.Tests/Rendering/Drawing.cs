using Hem.Trainer.MuJoCo;
using Hem.Trainer.Rendering;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;

namespace Trainer.Tests.Rendering;

/// <summary>What the tests of pictures share.</summary>
internal static class Drawing
{
    /// <summary>Skips the test where nothing can be drawn.</summary>
    public static void Require()
    {
        try
        {
            MuJoCoLibrary.Load();
            OpenGl.EnsureContext();
        }
        catch (BadConfigurationException e)
        {
            Assert.Skip(e.Message);
        }
    }

    /// <summary>An episode's start and its goal, and then where an action of ones leads, drawn so.</summary>
    public static byte[] Picture(SceneRenderer renderer, IVisibleTask task, ReadOnlySpan<byte> simulation, ReadOnlySpan<byte> state)
    {
        var picture = new byte[3 * renderer.Width * renderer.Height];
        task.Pose(simulation, state, renderer.Simulation);
        renderer.Draw(picture);
        return picture;
    }

    /// <summary>Where a point of the world is in a picture of the camera "agent": pixels from the top left, and its depth in m.</summary>
    public static unsafe (double U, double V, double Depth) Project(Simulation simulation, int size, double x, double y, double z)
    {
        simulation.Place();
        MjData* data = simulation.Pointer;
        int camera = simulation.Model.Camera(SceneRenderer.Agent);
        double* place = data->cam_xpos + 3 * camera, axes = data->cam_xmat + 9 * camera;
        double fovy = simulation.ModelPointer->cam_fovy[camera];
        (double dx, double dy, double dz) = (x - place[0], y - place[1], z - place[2]);
        double right = dx * axes[0] + dy * axes[3] + dz * axes[6];
        double up = dx * axes[1] + dy * axes[4] + dz * axes[7];
        double depth = -(dx * axes[2] + dy * axes[5] + dz * axes[8]);
        double focal = size / 2.0 / Math.Tan(fovy * Math.PI / 360);
        return (size / 2.0 + focal * right / depth, size / 2.0 - focal * up / depth, depth);
    }
}
