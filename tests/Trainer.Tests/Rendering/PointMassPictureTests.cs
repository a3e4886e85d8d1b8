using System.Runtime.InteropServices;
using Hem.Trainer.Rendering;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Rendering;

public class PointMassPictureTests
{
    [Theory]
    [InlineData(48)]
    [InlineData(84)]
    [InlineData(128)]
    public void The_disc_and_the_pillars_are_where_they_are(int size)
    {
        Drawing.Require();
        var task = new PointMass();
        using var renderer = new SceneRenderer(task.Model, size, size);
        (double X, double Y)[] places = [(0, 0), (0.2, 0.05), (-0.25, 0.28), (0.03, -0.29), (-0.15, -0.02)];
        foreach ((double x, double y) in places)
        {
            double[] body = [x, y, 0, 0];
            byte[] picture = Drawing.Picture(renderer, task, MemoryMarshal.AsBytes(body.AsSpan()), new byte[task.StateBytes]);

            // The disc is smaller than two pixels: the warmest pixel must be one that it touches.
            (double u, double v, _) = Drawing.Project(renderer.Simulation, size, x, y, 0.01);
            int warmest = Enumerable.Range(0, size * size).MaxBy(i => picture[3 * i] - picture[3 * i + 2]);
            (picture[3 * warmest] - picture[3 * warmest + 2]).ShouldBeGreaterThan(40);
            (warmest % size + 0.5 - u).ShouldBeInRange(-1.2, 1.2);
            (warmest / size + 0.5 - v).ShouldBeInRange(-1.2, 1.2);

            (u, v, _) = Drawing.Project(renderer.Simulation, size, -0.1, 0.1, 0.04);
            int pillar = 3 * ((int)v * size + (int)u);
            for (int channel = 0; channel < 3; channel++)
                ((double)picture[pillar + channel]).ShouldBe(255 * (0.3 + 0.2 * channel), 1.5);
        }
    }
}
