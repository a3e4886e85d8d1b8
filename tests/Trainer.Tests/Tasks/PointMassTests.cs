using System.Runtime.InteropServices;
using Hem.Trainer;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Tasks;

public class PointMassTests
{
    private static readonly double[] Signs = [-1, 1];

    /// <summary>From rest at the centre, one action held; to the last of the nine decimals that are known.</summary>
    [Theory]
    [InlineData(1, 0, 1, 0.004635564, 0, 0.151214788, 0)]
    [InlineData(1, 0, 2, 0.016130901, 0, 0.279563664, 0)]
    [InlineData(1, 0, 5, 0.082163118, 0, 0.559456272, 0)]
    [InlineData(1, 0, 8, 0.180817180, 0, 0.730609401, 0)]
    [InlineData(1, 0, 12, 0.290000000, 0, 0, 0)]
    [InlineData(1, 0.6, 5, 0.082163118, 0.049297871, 0.559456272, 0.335673763)]
    [InlineData(1, 0.6, 8, 0.180817180, 0.063852908, 0.730609401, 0.107156974)]
    [InlineData(1, 1, 5, 0.082163118, 0.060000000, 0.559456272, 0)]
    [InlineData(1, 1, 15, 0.290000000, 0.248210174, 0, 0.739299421)]
    public void It_moves_as_its_equations_say(double ax, double ay, int steps, double x, double y, double vx, double vy)
    {
        double[] expected = [x, y, vx, vy];
        foreach ((double signX, double signY) in Signs.SelectMany(_ => Signs, (a, b) => (a, b)))
        {
            var body = new Body(0, 0);
            for (int i = 0; i < steps; i++)
                body.Push((float)(ax * signX), (float)(ay * signY));

            // The action is a float: 0.6 is not quite 0.6.
            double tolerance = ay == 0.6 ? 2e-8 : 6e-10;
            double[] signs = [signX, signY, signX, signY];
            for (int i = 0; i < 4; i++)
            {
                body.Numbers[i].ShouldBe(signs[i] * expected[i], tolerance);
                body.State[i].ShouldBe((float)body.Numbers[i]);
            }
        }
    }

    [Fact]
    public void Against_every_face_of_a_pillar_it_stops_there_and_slides_along_it()
    {
        // From between the pillars and the wall towards the middle, and from the middle outwards.
        (double Start, double Direction, double Face)[] runs = [(0.2, -1, 0.14), (0, 1, 0.06)];
        foreach ((double signX, double signY) in Signs.SelectMany(_ => Signs, (a, b) => (a, b)))
        {
            foreach ((double start, double direction, double face) in runs)
            {
                var body = new Body(signX * start, signY * 0.1);
                for (int i = 0; i < 10; i++)
                    body.Push((float)(signX * direction), 0);
                body.Numbers[0].ShouldBe(signX * face, 1e-15);
                body.Numbers[2].ShouldBe(0);
                for (int i = 0; i < 3; i++)
                    body.Push((float)(signX * direction), 0.3f);
                body.Numbers[0].ShouldBe(signX * face, 1e-15);
                Math.Abs(body.Numbers[1] - signY * 0.1).ShouldBeGreaterThan(1e-3);

                // The same along y.
                body = new Body(signX * 0.1, signY * start);
                for (int i = 0; i < 10; i++)
                    body.Push(0, (float)(signY * direction));
                body.Numbers[1].ShouldBe(signY * face, 1e-15);
                for (int i = 0; i < 3; i++)
                    body.Push(0.3f, (float)(signY * direction));
                body.Numbers[1].ShouldBe(signY * face, 1e-15);
                Math.Abs(body.Numbers[0] - signX * 0.1).ShouldBeGreaterThan(1e-3);
            }
        }
    }

    [Fact]
    public void Under_any_actions_it_stays_in_the_room_and_out_of_the_pillars()
    {
        var random = new RandomStream(3, RandomPurpose.Worker);
        for (int episode = 0; episode < 300; episode++)
        {
            var body = new Body(0, 0);
            var (ax, ay) = (0f, 0f);
            for (int step = 0; step < 50; step++)
            {
                if (step % 5 == 0)
                    (ax, ay) = (2 * random.NextSingle() - 1, 2 * random.NextSingle() - 1);
                body.Push(ax, ay);
                IsFree(body.Numbers[0], body.Numbers[1], slack: 1e-12).ShouldBeTrue();
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Starts_and_goals_are_uniform_over_where_they_may_be(bool startsUniform)
    {
        var task = new PointMass(startsUniform);
        var random = new RandomStream(5, RandomPurpose.Worker);
        byte[] simulation = new byte[task.SimulationBytes], state = new byte[task.StateBytes], goal = new byte[task.GoalBytes];
        const int draws = 40_000;
        int startsNorth = 0, goalsInCorner = 0;
        double farthest = 0;
        for (int i = 0; i < draws; i++)
        {
            simulation.AsSpan().Fill(1);
            task.Reset(ref random, simulation, state, goal);
            float[] at = MemoryMarshal.Cast<byte, float>(state).ToArray(), to = MemoryMarshal.Cast<byte, float>(goal).ToArray();
            double[] body = MemoryMarshal.Cast<byte, double>(simulation).ToArray();
            (at[0], at[1], at[2], at[3]).ShouldBe(((float)body[0], (float)body[1], 0, 0));
            farthest = Math.Max(farthest, Math.Max(Math.Abs(body[0]), Math.Abs(body[1])));
            IsFree(body[0], body[1], 0).ShouldBeTrue();
            IsFree(to[0], to[1], 1e-7).ShouldBeTrue();
            startsNorth += body[1] > 0 ? 1 : 0;
            goalsInCorner += to[0] > 0.14 && to[1] > 0.14 ? 1 : 0;
        }

        farthest.ShouldBe(startsUniform ? 0.29 : 0.02, 1e-4);
        Math.Abs(startsNorth - draws / 2).ShouldBeLessThan(600);

        // Four standard deviations about the share of the corner beyond a pillar in the free area.
        double share = 0.15 * 0.15 / (0.58 * 0.58 - 4 * 0.08 * 0.08);
        Math.Abs(goalsInCorner - draws * share).ShouldBeLessThan(4 * Math.Sqrt(draws * share * (1 - share)));
    }

    [Fact]
    public void Success_is_within_17_mm_of_the_goal()
    {
        var task = new PointMass();
        PointMass.Tolerance.ShouldBe(0.0169705627, 1e-10);
        byte[] goal = Bytes(0.1f, -0.2f);
        for (int degrees = 0; degrees < 360; degrees += 7)
        {
            (double sin, double cos) = Math.SinCos(degrees * Math.PI / 180);
            byte[] At(double distance) => Bytes((float)(0.1 + distance * cos), (float)(-0.2 + distance * sin), 9, 9);
            task.IsSuccess(At(0.01697052), goal).ShouldBeTrue();
            task.IsSuccess(At(0.01697060), goal).ShouldBeFalse();
        }

        byte[] achieved = new byte[8];
        task.AchievedGoal(Bytes(0.1f, -0.2f, 3, 4), achieved);
        achieved.ShouldBe(goal);
    }

    [Fact]
    public void The_input_is_the_position_in_the_room_the_velocity_and_the_goal()
    {
        byte[] state = Bytes(0.15f, -0.3f, 0.5f, -0.25f), goal = Bytes(0.03f, 0.06f);
        var input = new float[6];
        var task = new PointMass();
        task.Input.ShouldBe(InputShape.OfVectors(4, 2));
        task.Encode(state, goal, input);
        input.Zip([0.5f, -1f, 0.5f, -0.25f, 0.1f, 0.2f]).ShouldAllBe(pair => Math.Abs(pair.First - pair.Second) < 1e-6);
        new PointMass(normalize: false).Encode(state, goal, input);
        input.ShouldBe([0.15f, -0.3f, 0.5f, -0.25f, 0.03f, 0.06f]);
    }

    private static byte[] Bytes(params float[] numbers) => MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray();

    private static bool IsFree(double x, double y, double slack) =>
        Math.Abs(x) <= 0.29 + slack && Math.Abs(y) <= 0.29 + slack
        && (Math.Abs(Math.Abs(x) - 0.1) >= 0.04 - slack || Math.Abs(Math.Abs(y) - 0.1) >= 0.04 - slack);

    /// <summary>An episode that begins at rest at (x, y).</summary>
    private sealed class Body
    {
        private readonly PointMass task = new();
        private readonly byte[] simulation, state;

        public Body(double x, double y)
        {
            (simulation, state) = (new byte[task.SimulationBytes], new byte[task.StateBytes]);
            (Numbers[0], Numbers[1]) = (x, y);
        }

        public Span<double> Numbers => MemoryMarshal.Cast<byte, double>(simulation.AsSpan());

        public Span<float> State => MemoryMarshal.Cast<byte, float>(state.AsSpan());

        public void Push(float ax, float ay)
        {
            RandomStream none = default;
            task.Step(ref none, simulation, state, [ax, ay]).ShouldBe(StepOutcome.Stepped);
        }
    }
}
