using Hem.Core.Planning;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.Results;
using Hem.TestCluster;
using AttemptOutcome = Hem.Results.AttemptOutcome;

namespace Operator.Tests.Sweeps;

/// <summary>What is done to a sweep while no operator runs, and after one had begun something.</summary>
public sealed class AwayTests(ControlPlaneFixture fixture)
{
    private static readonly SweepBuilder active = SweepBuilder.Make().Seeds(2).Parallelism(2).Suspended(false);
    private static readonly SweepBuilder suspended = SweepBuilder.Make().Seeds(2).Parallelism(2).Suspended();

    [Fact]
    public async Task A_sweep_that_was_suspended_meanwhile_saves_when_an_operator_comes()
    {
        await using SweepWorld world = await TrainingAsync();
        await world.StopOperatorAsync();
        await world.EditAsync(suspended);
        world.StartOperator();

        await world.StatusAsync(status => status is { State: SweepState.Suspended, ObservedGeneration: 2 }, "it is suspended");
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length == 0, "nothing is left");
        await CompletesAsync(world, attempts: 2);
    }

    [Fact]
    public async Task A_sweep_that_was_suspended_and_resumed_meanwhile_trained_all_the_time()
    {
        await using SweepWorld world = await TrainingAsync();
        string[] jobs = [.. (await world.JobsAsync()).Select(job => job.Metadata.Uid!).Order()];
        await world.StopOperatorAsync();
        await world.EditAsync(suspended);
        await world.EditAsync(active);
        world.StartOperator();

        await world.StatusAsync(status => status is { State: SweepState.Progressing, ObservedGeneration: 3, Running: 2 }, "it goes on");
        (await world.JobsAsync()).Select(job => job.Metadata.Uid!).Order().ShouldBe(jobs);
        await CompletesAsync(world, attempts: 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Trainers_that_left_as_asked_while_nobody_looked_were_not_disrupted(bool resumed)
    {
        await using SweepWorld world = await TrainingAsync();
        // Asked to leave by an operator that does not live to see it.
        world.Kubelet.Train = _ => Training.Runs with { LeavesWith = null };
        await world.EditAsync(suspended);
        await Wait.UntilAsync(() => world.Kubelet.Pods.All(pod => pod.Metadata.DeletionTimestamp is not null), "they are asked");
        await world.StopOperatorAsync();
        world.Kubelet.Train = _ => Training.Runs;
        await Wait.UntilAsync(
            async () => world.Kubelet.Pods.Length == 0 && (await world.JobsAsync()).Length == 0, "they leave, and their Jobs go");
        if (resumed) await world.EditAsync(active);
        world.StartOperator();

        if (!resumed) await world.StatusAsync(status => status.State == SweepState.Suspended, "it is suspended");
        await CompletesAsync(world, attempts: 2);
        AttemptRecord[] first = [.. world.Store.ReadAttempts((await world.SweepAsync())!.Metadata.Uid!).Where(one => one.Number == 1)];
        first.ShouldAllBe(one => one.Outcome == AttemptOutcome.Left);
    }

    private async Task<SweepWorld> TrainingAsync()
    {
        SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(active);
        await Wait.UntilAsync(
            () => world.Store.ReadLiveAttempts().Count(one => one.ProcessStarted is not null) == 2, "two train, and the record knows");
        return world;
    }

    /// <summary>Active and left to itself, all trials complete after so many attempts each, none of them a failure or disruption.</summary>
    private static async Task CompletesAsync(SweepWorld world, int attempts)
    {
        world.Kubelet.Train = _ => Training.Finishes;
        await world.EditAsync(active);
        await world.CompleteAsync(2);
        HemTrialResource[] trials = await world.TrialsAsync(
            all => all.Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == 2, "both say so");
        trials.ShouldAllBe(
            trial => trial.Status!.Attempts == attempts && trial.Status.Failures == 0 && trial.Status.Disruptions == 0);
        world.Kubelet.MostOfOneTrial.ShouldBe(1);
    }
}
