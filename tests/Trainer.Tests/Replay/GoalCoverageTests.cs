using System.Runtime.InteropServices;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Replay;
using Hem.Trainer.Tasks;
using Trainer.Tests.Algorithms;
using Trainer.Tests.Tasks;

namespace Trainer.Tests.Replay;

public class GoalCoverageTests
{
    private static readonly HemSettings Tiny = new()
    {
        Iterations = 4,
        Workers = 2,
        N = 3,
        BatchSize = 8,
        Updates = 2,
        HiddenLayers = 1,
        HiddenUnits = 8,
        EvaluationEpisodes = 5,
    };

    [Fact]
    public void Every_state_after_an_action_counts_once_and_the_start_does_not()
    {
        var task = new FlipBit(12);
        using var store = new TrajectoryStore(TrajectoryLayout.Of(task), 3);
        Put(store[0], [0, 0], [1, 0], [1, 1], [1, 0]);
        Put(store[1], [5, 5], [0, 0], [1, 1]);
        Put(store[2], [9, 9], [8, 8]);
        var coverage = new GoalCoverage(task, states: 4);
        coverage.Add(store[0]);
        coverage.Add(store[1]);
        coverage.Count.ShouldBe(3);
        coverage.Add(store[2]);
        coverage.Count.ShouldBe(4);
        coverage.Clear();
        coverage.Count.ShouldBe(0);
    }

    [Fact]
    public void Points_count_by_cells_of_5_cm()
    {
        ITask task = new Glider();
        Cell(0.01f, 0.01f).ShouldBe(Cell(0.049f, 0));
        Cell(0.01f, 0.01f).ShouldNotBe(Cell(0.051f, 0.01f));
        Cell(0.01f, 0.01f).ShouldNotBe(Cell(-0.01f, 0.01f));
        Cell(0.06f, 0.01f).ShouldNotBe(Cell(0.01f, 0.06f));
        Cell(-0.01f, -0.01f).ShouldBe(Cell(-0.04f, -0.03f));

        UInt128 Cell(float x, float y) => task.AchievedCell(MemoryMarshal.AsBytes<float>([x, y, 7, 7]));
    }

    [Fact]
    public void A_point_of_the_curve_has_the_mean_of_the_iterations_since_the_last()
    {
        List<Evaluation> each = Train(Tiny), last = Train(Tiny with { EvaluateEvery = 4 });
        each[0].GoalCoverage.ShouldBe(double.NaN);
        each.Skip(1).ShouldAllBe(point => point.GoalCoverage >= 1 && point.GoalCoverage <= 2 * 3 * 6);
        last[^1].GoalCoverage.ShouldBe(each.Skip(1).Average(point => point.GoalCoverage));
    }

    [Fact]
    public void More_trajectories_cover_more()
    {
        double[] means = [.. new[] { 1, 4, 16 }.Select(n => Train(Tiny with { N = n }).Skip(1).Average(point => point.GoalCoverage))];
        means.ShouldBeInOrder();
        means[2].ShouldBeGreaterThan(2 * means[0]);
    }

    [Fact]
    public void A_state_of_before_they_were_counted_goes_on_the_same_course()
    {
        List<Evaluation> expected = Train(Tiny with { EvaluateEvery = 4 });
        foreach (bool older in (bool[])[false, true])
        {
            // Left in the third iteration, two having been counted.
            using var left = new HemAlgorithm(Tiny with { EvaluateEvery = 4 }, 1, new FlipBit(6));
            left.Train(new RecordingHost { LeaveAfter = 1 + 2 * 3 }).ShouldBeFalse();
            using var resumed = new HemAlgorithm(Tiny with { EvaluateEvery = 4 }, 1, new FlipBit(6));
            Runs.CopyState(left, resumed);
            if (older)
                resumed.Load(new BinaryReader(new MemoryStream(Runs.State(left)[..^16])));
            var host = new RecordingHost();
            resumed.Train(host).ShouldBeTrue();
            Evaluation end = host.Curve.ShouldHaveSingleItem();
            (end with { GoalCoverage = 0 }).ShouldBe(expected[^1] with { GoalCoverage = 0 });
            end.GoalCoverage.Equals(expected[^1].GoalCoverage).ShouldBe(!older);
        }
    }

    private static List<Evaluation> Train(HemSettings settings) => Runs.Train(() => new HemAlgorithm(settings, 1, new FlipBit(6)));

    private static void Put(Trajectory trajectory, params byte[][] states)
    {
        trajectory.Length = states.Length - 1;
        for (int t = 0; t < states.Length; t++)
            states[t].CopyTo(trajectory.State(t));
    }
}
