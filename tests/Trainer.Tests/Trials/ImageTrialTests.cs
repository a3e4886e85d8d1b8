using Hem.Core.Sweeps;
using Trainer.Tests.Rendering;

namespace Trainer.Tests.Trials;

/// <summary>A trial with images, by the real program: from the drawn states through the convolutional trunk to the curve.</summary>
public class ImageTrialTests
{
    [Theory]
    [InlineData("hem", "pointmass", "image", 1)]
    [InlineData("hem", "reacher", "vector", 3)]
    [InlineData("her-dense", "pointmass", "vector", 2)]
    public async Task Killed_and_begun_again_it_comes_to_the_same_curve(string algorithm, string task, string goal, int frames)
    {
        Drawing.Require();
        ParameterSet parameters = ParameterSet.Of(
            ("algorithm", algorithm), ("task", task), ("stateObservation", "image"), ("goalObservation", goal), ("imageSize", 36),
            ("frames", frames),
            ("workers", 2), ("N", 2), ("batchSize", 8), ("updates", 4), ("iterations", 3), ("bufferTrajectories", 8),
            ("hiddenLayers", 1), ("hiddenUnits", 16), ("evaluationEpisodes", 3));
        await using var harness = new TrialHarness(parameters, checkpointSeconds: 0.02);
        await harness.ServeAsync();
        TrainerProcess first = harness.Start();
        await harness.UntilAsync(() => harness.Sink.Curve.Count >= 2, first);
        first.Kill();
        await harness.EndAsync(first);
        TrainerProcess second = harness.Start();
        (await harness.EndAsync(second)).ShouldBe(0, second.Log);
        second.Log.ShouldContain("resumed after");
        harness.Sink.Curve.Count.ShouldBe(4);
        KillTests.Check(harness, harness.Trial.Seed);
    }
}
