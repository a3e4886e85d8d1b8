using Hem.Core.Planning;
using Hem.Operator.Api;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

public sealed class LifeTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task A_sweep_runs_to_its_end()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        await world.ApplyAsync(SweepBuilder.Make().Axis("N", 5, 10).Seeds(3).Parallelism(2));

        HemSweepStatus status = await world.CompleteAsync(6);
        status.Trials.ShouldBe(6);
        status.Running.ShouldBe(0);
        status.Failed.ShouldBe(0);
        status.Best!.Score.ShouldBe(0.5);
        status.Conditions!.Single(one => one.Type == "Complete").Status.ShouldBe("True");
        status.ObservedGeneration.ShouldBe(1);
        HemTrialResource[] trials = await world.TrialsAsync(
            all => all.Length == 6 && all.All(trial => trial.Status?.Phase == HemTrialPhase.Succeeded), "all trials say so");
        trials.ShouldAllBe(trial => trial.Status!.Attempts == 1 && trial.Status.Progress == "4/4" && trial.Status.Retries == 0);
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length == 0, "the Jobs are deleted");
        world.Kubelet.MostAtOnce.ShouldBeLessThanOrEqualTo(2);
        world.Kubelet.MostOfOneTrial.ShouldBe(1);
    }
}
