using System.Diagnostics;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Tasks;

namespace Trainer.Tests.Algorithms;

/// <summary>
/// What hEM must reach, mean over 3 seeds of the last 5 evaluations; the settings are those of examples/learn-*.yaml. Minutes each.
/// </summary>
public class LearningTests(ITestOutputHelper output)
{
    [Fact]
    public void Flip_bit_25_is_learned() =>
        Reach(0.95, new HemSettings { Iterations = 150, Workers = 4 }, new FlipBit(25));

    [Fact]
    public void Flip_bit_50_is_learned() =>
        Reach(0.9, new HemSettings { Iterations = 80, Workers = 30 }, new FlipBit(50));

    [Fact]
    public void Four_rooms_is_learned() =>
        Reach(0.85, new HemSettings { Iterations = 300, Workers = 8, BufferTrajectories = 2000 }, new FourRooms());

    private void Reach(double rate, HemSettings settings, IDiscreteTask task)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }, "long: runs in make soak");
        var scores = new List<double>();
        foreach (long seed in (long[])[1, 2, 3])
        {
            var clock = Stopwatch.StartNew();
            List<Evaluation> curve = HemTests.Train(settings, seed, task);
            scores.Add(curve.TakeLast(5).Average(point => point.SuccessRate));
            output.WriteLine(
                $"{task.Name}, seed {seed}: {scores[^1]:F3} after {curve[^1].Trajectories} trajectories, "
                + $"{clock.Elapsed.TotalMinutes:F2} minutes");
            IEnumerable<Evaluation> tenth = curve.Where(point => point.Iteration % 10 == 0);
            output.WriteLine(string.Join(' ', tenth.Select(point => $"{point.Iteration}:{point.SuccessRate:F2}")));
        }

        scores.Average().ShouldBeGreaterThanOrEqualTo(rate);
    }
}
