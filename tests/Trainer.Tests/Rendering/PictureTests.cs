using System.Runtime.InteropServices;
using Hem.Trainer;
using Hem.Trainer.Rendering;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Rendering;

/// <summary>What an agent must see is where the projection of its place says.</summary>
public class PictureTests
{
    [Theory]
    [InlineData(48)]
    [InlineData(84)]
    public void The_tip_of_the_reacher_is_green_at_its_place(int size)
    {
        Drawing.Require();
        var seen = new Seen(new Reacher(), size);
        foreach (Shot shot in seen.AtGoals(5))
        {
            (double u, double v, _) = shot.Project(shot.Place.X, shot.Place.Y, 0.01);
            int greenest = Enumerable.Range(0, size * size).MaxBy(i => shot.Green(i));
            shot.Green(greenest).ShouldBeGreaterThan(30);
            (greenest % size + 0.5 - u).ShouldBeInRange(-1.5, 1.5);
            (greenest / size + 0.5 - v).ShouldBeInRange(-1.5, 1.5);
        }
    }

    /// <summary>The claws reach 5.5 cm below the hand, the nearer one 3.5 cm before it; higher up, the wrist hides them.</summary>
    [Theory]
    [InlineData(48)]
    [InlineData(84)]
    public void The_claws_of_the_sawyer_are_green_below_its_hand(int size)
    {
        Drawing.Require();
        var seen = new Seen(new SawyerReach(), size);
        foreach (Shot shot in seen.AtGoals(4))
        {
            ReadOnlySpan<float> hand = shot.State;
            (double u, double v, _) = shot.Project(hand[0], hand[1] + 0.035, hand[2] - 0.055);
            int[] green = [.. Enumerable.Range(0, size * size).Where(i => shot.Green(i) > 60)];
            green.Length.ShouldBeGreaterThan(size / 16);
            green.Average(i => i % size + 0.5).ShouldBe(u, 0.025 * size);
            ((double)green.Max(i => i / size + 1)).ShouldBe(v, 0.03 * size);
        }
    }

    [Theory]
    [InlineData(48)]
    [InlineData(84)]
    public void The_fingers_of_the_fetch_are_dark_at_the_grip_between_a_bright_table(int size)
    {
        Drawing.Require();
        var seen = new Seen(new Fetch(FetchSettings.Reach), size);
        Shot shot = seen.AtStart();
        ReadOnlySpan<float> grip = shot.State;
        (double u, double v, _) = shot.Project(grip[0], grip[1] + 0.008, grip[2]);
        shot.Brightness(u, v).ShouldBeLessThan(70);
        shot.Brightness(u - size / 10.0, v).ShouldBeGreaterThan(200);
        shot.Brightness(u + size / 10.0, v).ShouldBeGreaterThan(200);
    }

    [Theory]
    [InlineData("fetch-push", 48)]
    [InlineData("fetch-push", 84)]
    [InlineData("fetch-slide", 84)]
    [InlineData("fetch-pickplace", 84)]
    public void An_object_at_its_goal_is_dark_there(string name, int size)
    {
        Drawing.Require();
        var seen = new Seen(VisibleTasks.All[name](), size);
        foreach (Shot shot in seen.AtGoals(6))
        {
            (double x, double y, double z) = shot.Place;
            (double u, double v, double depth) = shot.Project(x, y, z);
            if (v >= size)
                continue;   // the puck slides farther than the robot's camera sees
            double besides = 0.06 / depth * size * 1.26;   // 6 cm: 1.26 = 1 / (2 tan(43.3 / 2))
            shot.Brightness(u, v).ShouldBeLessThan(70);
            if (z < 0.43)
                Math.Max(shot.Brightness(u - besides, v), shot.Brightness(u + besides, v)).ShouldBeGreaterThan(180);
        }
    }

    /// <summary>A task and its renderer.</summary>
    private sealed class Seen
    {
        private readonly IVisibleTask task;
        private readonly SceneRenderer renderer;

        public Seen(IVisibleTask task, int size) => (this.task, renderer) = (task, new SceneRenderer(task.Model, size, size));

        public Shot AtStart() => Shoot(1, atGoal: false);

        public IEnumerable<Shot> AtGoals(int count) => Enumerable.Range(1, count).Select(seed => Shoot(seed, atGoal: true));

        private Shot Shoot(int seed, bool atGoal)
        {
            var random = new RandomStream(seed, RandomPurpose.Worker);
            byte[] simulation = new byte[task.SimulationBytes], state = new byte[task.StateBytes], goal = new byte[task.GoalBytes];
            task.Reset(ref random, simulation, state, goal);
            if (atGoal)
                task.MoveToGoal(simulation, state, goal);
            byte[] picture = Drawing.Picture(renderer, task, simulation, state);
            return new Shot(renderer, picture, MemoryMarshal.Cast<byte, float>(state).ToArray(), task.PlaceOf(goal));
        }
    }

    private sealed record Shot(SceneRenderer Renderer, byte[] Picture, float[] State, (double X, double Y, double Z) Place)
    {
        public (double U, double V, double Depth) Project(double x, double y, double z) =>
            Drawing.Project(Renderer.Simulation, Renderer.Width, x, y, z);

        /// <summary>How much more green than red or blue a pixel is.</summary>
        public int Green(int pixel) => Picture[3 * pixel + 1] - Math.Max(Picture[3 * pixel], Picture[3 * pixel + 2]);

        public double Brightness(double u, double v) =>
            Picture.AsSpan(3 * (Renderer.Width * (int)v + (int)u), 3).ToArray().Average(channel => channel);
    }
}
