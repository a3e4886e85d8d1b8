using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Trainer.Algorithms;
using Trainer.Tests.Algorithms;

namespace Trainer.Tests.Trials;

/// <summary>The trainer program killed at random moments goes on to the curve of one that was left alone, bit for bit.</summary>
public class KillTests(ITestOutputHelper output)
{
    private static readonly ParameterSet Parameters = ParameterSet.Of(
        ("algorithm", "hem"), ("task", "flipbit-12"), ("workers", 2), ("N", 8), ("batchSize", 32), ("updates", 10), ("iterations", 120),
        ("bufferTrajectories", 100), ("hiddenLayers", 2), ("hiddenUnits", 48), ("evaluationEpisodes", 50));

    private static int Rounds => Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 } ? 60 : 2;

    [Fact]
    public async Task Killed_at_random_moments_it_goes_on_to_the_same_curve()
    {
        int kills = 0;
        for (int round = 0; round < Rounds; round++)
        {
            var random = new Random(round);
            await using var harness = new TrialHarness(Parameters, seed: round, checkpointSeconds: 0.02);
            await harness.ServeAsync();
            int code = -1;
            while (code != 0)
            {
                TrainerProcess process = harness.Start();
                int points = harness.Sink.Reports.Count + random.Next(60);
                int spin = random.Next(20);
                await harness.UntilAsync(() => process.HasExited || harness.Sink.Reports.Count >= points);
                await Task.Delay(spin);
                if (!process.HasExited && kills < 8 * (round + 1))
                {
                    process.Kill();
                    kills++;
                }

                code = await harness.EndAsync(process);
                (code is 0 or 137).ShouldBeTrue(process.Log);
                process.Log.ShouldNotContain("cannot be used");
            }

            Check(harness, round);
        }

        output.WriteLine($"{kills} kills in {Rounds} trials");
        kills.ShouldBeGreaterThan(4 * Rounds);
    }

    [Fact]
    public async Task Killed_before_anything_is_saved_it_starts_over_to_the_same_curve()
    {
        await using var harness = new TrialHarness(Parameters, seed: 77);
        await harness.ServeAsync();
        TrainerProcess first = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Curve.Count >= 3, first);
        first.Kill();
        await harness.EndAsync(first);
        TrainerProcess second = harness.Start();
        (await harness.EndAsync(second)).ShouldBe(0, second.Log);
        second.Log.ShouldContain("starting from zero");
        Check(harness, 77);
    }

    internal static void Check(TrialHarness harness, int seed)
    {
        harness.Sink.Differences.ShouldBeEmpty();
        harness.Sink.Has(TrainerMessage.ReportOneofCase.Finished).ShouldBeTrue();
        using IAlgorithm undisturbed = AlgorithmCatalog.Create(harness.Trial with { Seed = seed });
        var host = new RecordingHost();
        undisturbed.Train(host).ShouldBeTrue();
        harness.Sink.Curve
            .Select(p => new Evaluation(
                (long)p.Iteration, (long)p.Trajectories, (long)p.EnvSteps, (long)p.Updates, p.SuccessRate, p.Loss,
                GoalCoverage: p.HasGoalCoverage ? p.GoalCoverage : double.NaN))
            .ShouldBe(host.Curve);
    }
}
