using Hem.Trainer;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Tasks;

/// <summary>The figures were computed exactly, by dynamic programming, for the grid as published.</summary>
public class FourRoomsTests
{
    [Fact]
    public void There_are_104_free_cells_4_corners_to_start_from_and_100_goals()
    {
        Enumerable.Range(0, FourRooms.Cells).Count(FourRooms.IsFree).ShouldBe(104);
        FourRooms.Goals.Length.ShouldBe(100);
        FourRooms.Starts.ToArray().ShouldBe([0, 10, 110, 120]);
        FourRooms.Goals.ToArray().Intersect(FourRooms.Starts.ToArray()).ShouldBeEmpty();
        foreach (int door in (int[])[5 * 11 + 1, 2 * 11 + 5, 6 * 11 + 8, 9 * 11 + 5])
            FourRooms.Goals.Contains((byte)door).ShouldBeTrue();
    }

    [Fact]
    public void Shortest_paths_are_10_515_on_average_and_19_at_most()
    {
        var lengths = new List<int>();
        foreach (byte start in FourRooms.Starts)
        {
            int[] distance = Distances(start);
            foreach (byte goal in FourRooms.Goals)
                lengths.Add(distance[goal]);
        }

        lengths.Average().ShouldBe(10.515, 1e-9);
        lengths.Max().ShouldBe(19);
    }

    [Theory]
    [InlineData(31, true, 0.9976)]
    [InlineData(31, false, 0.1128)]
    [InlineData(50, false, 0.1571)]
    public void The_best_and_the_random_policy_succeed_as_often_as_they_should(int steps, bool best, double expected) =>
        Success(steps, best).ShouldBe(expected, 0.00005);

    [Fact]
    public void With_50_actions_the_best_policy_nearly_always_succeeds() => Success(50, best: true).ShouldBeGreaterThan(0.9999);

    [Fact]
    public void An_action_slips_as_the_transition_rules_say()
    {
        var task = new FourRooms();
        var random = new RandomStream(5, RandomPurpose.Worker);
        var counts = new Dictionary<int, int>();
        const int Draws = 100_000;
        Span<byte> state = stackalloc byte[1];
        for (int i = 0; i < Draws; i++)
        {
            state[0] = 2 * 11 + 2;
            task.Step(ref random, [], state, 3);
            counts[state[0]] = counts.GetValueOrDefault(state[0]) + 1;
        }

        ((double)counts[2 * 11 + 3] / Draws).ShouldBe(0.85, 0.006);
        foreach (int other in (int[])[2 * 11 + 1, 11 + 2, 3 * 11 + 2])
            ((double)counts[other] / Draws).ShouldBe(0.05, 0.004);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0, 2, 0)]
    [InlineData(0, 1, 11)]
    [InlineData(0, 3, 1)]
    [InlineData(4, 3, 4)]
    [InlineData(2 * 11 + 4, 3, 2 * 11 + 5)]
    [InlineData(4 * 11 + 1, 1, 5 * 11 + 1)]
    [InlineData(4 * 11 + 2, 1, 4 * 11 + 2)]
    public void A_bump_leaves_the_position(int cell, int action, int expected) => FourRooms.Move(cell, action).ShouldBe(expected);

    [Fact]
    public void The_encodings_are_one_hot_cells_or_raw_coordinates()
    {
        var oneHot = new float[242];
        new FourRooms().Encode([13], [120], oneHot);
        oneHot.Sum().ShouldBe(2);
        oneHot[13].ShouldBe(1);
        oneHot[121 + 120].ShouldBe(1);
        var raw = new float[4];
        new FourRooms(CellEncoding.Raw).Encode([13], [120], raw);
        raw.ShouldBe([1, 2, 10, 10]);
    }

    private static int[] Distances(int start)
    {
        var distance = new int[FourRooms.Cells];
        Array.Fill(distance, -1);
        distance[start] = 0;
        var queue = new Queue<int>([start]);
        while (queue.TryDequeue(out int cell))
        {
            for (int action = 0; action < 4; action++)
            {
                int next = FourRooms.Move(cell, action);
                if (distance[next] < 0)
                {
                    distance[next] = distance[cell] + 1;
                    queue.Enqueue(next);
                }
            }
        }

        return distance;
    }

    private static double Success(int steps, bool best)
    {
        double sum = 0;
        foreach (byte goal in FourRooms.Goals)
        {
            var value = new double[FourRooms.Cells];
            value[goal] = 1;
            for (int step = 0; step < steps; step++)
            {
                var next = new double[FourRooms.Cells];
                next[goal] = 1;
                for (int cell = 0; cell < FourRooms.Cells; cell++)
                {
                    if (cell == goal || !FourRooms.IsFree(cell))
                        continue;
                    double uniform = Enumerable.Range(0, 4).Average(action => value[FourRooms.Move(cell, action)]);
                    double chosen = best ? Enumerable.Range(0, 4).Max(action => value[FourRooms.Move(cell, action)]) : uniform;
                    next[cell] = (1 - FourRooms.SlipProbability) * chosen + FourRooms.SlipProbability * uniform;
                }

                value = next;
            }

            foreach (byte start in FourRooms.Starts)
                sum += value[start];
        }

        return sum / (FourRooms.Starts.Length * FourRooms.Goals.Length);
    }
}
