using System.Diagnostics;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Tasks;
using Trainer.Tests.MuJoCo;

namespace Trainer.Tests.Algorithms;

/// <summary>
/// What hEM must reach on the tasks that MuJoCo simulates; a throw-away implementation did. HER comes to 0.9 with as many.
/// </summary>
public class SimulatedLearningTests(ITestOutputHelper output)
{
    /// <summary>0.98 after 100 trajectories, 1.00 from 200 on.</summary>
    [Fact]
    public void Fetch_reach_is_learned_from_160_trajectories() =>
        Reach(0.9, Once(iterations: 8), () => new Fetch(FetchSettings.Reach));

    /// <summary>1.00 from 100 trajectories on.</summary>
    [Fact]
    public void Sawyer_reach_is_learned() =>
        Reach(0.95, Long(Once(iterations: 10)), () => new SawyerReach());

    /// <summary>0.98 to 1.00 after 8,400 to 12,000 trajectories.</summary>
    [Fact]
    public void Reacher_is_learned() =>
        Reach(0.95, Long(new HemSettings { Iterations = 150, Workers = 4, EvaluateEvery = 30 }), () => new Reacher());

    /// <summary>0.99 after 800 trajectories, without MuJoCo.</summary>
    [Fact]
    public void Point_mass_is_learned()
    {
        var settings = new HemSettings { Iterations = 10, Workers = 4, EvaluateEvery = 10 };
        List<Evaluation> curve = Runs.Train(() => new HemAlgorithm(settings, 1, new PointMass()));
        output.WriteLine(string.Join(' ', curve.Select(point => $"{point.Trajectories}:{point.SuccessRate:F2}")));
        curve[0].SuccessRate.ShouldBeLessThan(0.2);
        curve[^1].SuccessRate.ShouldBeGreaterThanOrEqualTo(0.9);
    }

    /// <summary>0.89 after 56 trajectories, 0.93 after 80.</summary>
    [Fact]
    public void Fetch_reach_is_learned_by_HER_from_160_trajectories()
    {
        Long(Once(iterations: 1));
        Native.Require();
        var settings = new HerSettings { Iterations = 40, Workers = 2, EvaluateEvery = 10, EvaluationEpisodes = 100 };
        List<Evaluation> curve = Runs.Train(() => new HerDdpgAlgorithm(settings, 1, new Fetch(FetchSettings.Reach, normalize: false)));
        output.WriteLine(string.Join(' ', curve.Select(point => $"{point.Trajectories}:{point.SuccessRate:F2}")));
        curve.TakeLast(2).Average(point => point.SuccessRate).ShouldBeGreaterThanOrEqualTo(0.85);
    }

    private static HemSettings Once(int iterations) =>
        new() { Iterations = iterations, Workers = 1, N = 20, EvaluateEvery = iterations, EvaluationEpisodes = 50 };

    private static HemSettings Long(HemSettings settings)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }, "long: runs in make soak");
        return settings;
    }

    private void Reach(double rate, HemSettings settings, Func<ITask> task)
    {
        Native.Require();
        var clock = Stopwatch.StartNew();
        var host = new RecordingHost();
        using var algorithm = new HemAlgorithm(settings, seed: 1, task());
        algorithm.Train(host).ShouldBeTrue();
        List<Evaluation> curve = host.Curve;
        output.WriteLine(
            string.Join(' ', curve.Select(point => $"{point.Trajectories}:{point.SuccessRate:F2}"))
            + $" in {clock.Elapsed.TotalSeconds:F1} s");
        curve[^1].SuccessRate.ShouldBeGreaterThanOrEqualTo(rate);
    }
}
