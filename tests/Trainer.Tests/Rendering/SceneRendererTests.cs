using Hem.Trainer;
using Hem.Trainer.Rendering;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Rendering;

public class SceneRendererTests
{
    public static TheoryData<string> Tasks => [.. VisibleTasks.All.Keys];

    [Theory]
    [MemberData(nameof(Tasks))]
    public void The_same_pose_gives_the_same_bytes_on_every_thread_and_in_every_renderer(string name)
    {
        Drawing.Require();
        IVisibleTask task = VisibleTasks.All[name]();
        Span<byte> goal = stackalloc byte[task.GoalBytes];
        byte[][] simulations = [new byte[task.SimulationBytes], new byte[task.SimulationBytes]];
        byte[][] states = [new byte[task.StateBytes], new byte[task.StateBytes]];
        var random = new RandomStream(1, RandomPurpose.Worker);
        for (int i = 0; i < 2; i++)
        {
            task.Reset(ref random, simulations[i], states[i], goal);
            task.MoveToGoal(simulations[i], states[i], goal);
        }

        using var renderer = new SceneRenderer(task.Model, 84, 84);
        byte[] first = Drawing.Picture(renderer, task, simulations[0], states[0]);
        byte[] second = Drawing.Picture(renderer, task, simulations[1], states[1]);
        first.SequenceEqual(second).ShouldBeFalse();

        using var smooth = new SceneRenderer(task.Model, 100, 60, samples: 4);
        using var other = new SceneRenderer(task.Model, 84, 84);
        Drawing.Picture(smooth, task, simulations[1], states[1]);
        Drawing.Picture(other, task, simulations[0], states[0]).SequenceEqual(first).ShouldBeTrue();
        Drawing.Picture(renderer, task, simulations[1], states[1]).SequenceEqual(second).ShouldBeTrue();

        byte[][] elsewhere = new byte[2][];
        Thread[] threads = [.. Enumerable.Range(0, elsewhere.Length).Select(i => new Thread(() =>
        {
            using var own = new SceneRenderer(task.Model, 84, 84);
            for (int round = 0; round < 5; round++)
                Drawing.Picture(own, task, simulations[1], states[1]);
            elsewhere[i] = Drawing.Picture(own, task, simulations[0], states[0]);
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        elsewhere.All(picture => picture.SequenceEqual(first)).ShouldBeTrue();
    }

    [Fact]
    public void Rows_come_from_the_top_and_markers_are_drawn_where_they_are()
    {
        Drawing.Require();
        var task = new PointMass();
        using var renderer = new SceneRenderer(task.Model, 84, 84);
        var picture = new byte[3 * 84 * 84];
        renderer.Simulation.Qpos.Clear();
        renderer.Draw(picture, [new Marker(0.2, 0.25, 0.02, 0.03, 1, 0, 0, 1)]);
        (double u, double v, _) = Drawing.Project(renderer.Simulation, 84, 0.2, 0.25, 0.02);
        (u > 42).ShouldBeTrue();
        (v < 42).ShouldBeTrue();
        ReadOnlySpan<byte> pixel = picture.AsSpan(3 * (84 * (int)v + (int)u), 3);
        (pixel[0] > 200 && pixel[1] < 60 && pixel[2] < 60).ShouldBeTrue();
        renderer.Draw(picture);
        picture.AsSpan(3 * (84 * (int)v + (int)u), 3)[0].ShouldBeLessThan((byte)100);
    }

    [Fact]
    public void A_renderer_refuses_another_thread()
    {
        Drawing.Require();
        using var renderer = new SceneRenderer(new PointMass().Model, 36, 36);
        Exception? caught = null;
        var thread = new Thread(() => caught = Record.Exception(() => renderer.Draw(new byte[3 * 36 * 36])));
        thread.Start();
        thread.Join();
        caught.ShouldBeOfType<InvalidOperationException>();
    }
}
