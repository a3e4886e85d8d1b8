using Hem.Core.Planning;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>An API server that comes back older than it was. It has a control plane of its own: others would not like it.</summary>
public sealed class RestoreTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task What_was_finished_stays_finished_when_the_API_server_comes_back_older()
    {
        // Skips where there can be none.
        _ = fixture.ControlPlane;
        await using ControlPlane plane = await ControlPlane.StartAsync();
        await using SweepWorld world = await SweepWorld.CreateAsync(plane);
        world.Kubelet.Train = _ => Training.Runs;
        // More than are made before there is a place for them: some will be missing afterwards.
        const int Trials = 20;
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Seeds(Trials).Parallelism(1));
        await Wait.UntilAsync(() => world.Kubelet.Running == 1, "the first trial runs");
        await world.StatusAsync(status => status.Running == 1, "the status says so");
        string older = await plane.SnapshotAsync();
        (await world.TrialsAsync()).Length.ShouldBeLessThan(Trials);

        world.Kubelet.Train = _ => Training.Finishes;
        await world.EditAsync(SweepBuilder.Make().Seeds(Trials).Parallelism(10));
        await world.CompleteAsync(Trials);
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length == 0, "the Jobs are deleted");
        world.Kubelet.Train = _ => Training.Runs;
        await plane.RestoreAsync(older);

        await world.StatusAsync(status => status is { State: SweepState.Complete, Done: Trials }, "the sweep is complete again");
        HemTrialResource[] trials = await world.TrialsAsync(
            all => all.Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == Trials,
            "its trials are there again, complete");
        trials.ShouldAllBe(trial => trial.Status!.Attempts == 1);
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length == 0, "the Job that came back is deleted", Timeouts.Normal);
        await Wait.UntilAsync(() => world.Kubelet.Pods.Length == 0, "and its pod");
        world.Store.ReadAttempts(sweep.Metadata.Uid!).Count().ShouldBe(Trials);
    }
}
