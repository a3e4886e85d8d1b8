using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Results;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>
/// Sweeps, Jobs and pods are watched apart: the end of a pod may be seen before what ended it. Here the watch that would tell is held back,
/// and nobody but the API server itself knows.
/// </summary>
public sealed class WatchOrderTests(ControlPlaneFixture fixture)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pods_that_go_with_their_sweep_were_asked_to_leave_though_its_deletion_was_not_seen_yet(bool trainersSave)
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        TaskCompletionSource held = HoldWatch(world, "hemsweeps");
        world.Kubelet.Train = _ => Training.Runs;
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Seeds(3).Parallelism(2));
        string uid = sweep.Metadata.Uid!;
        world.StartOperator();
        await Wait.UntilAsync(() => Started(world) == 2, "two train, and the record knows");

        await world.DeleteAsync();
        if (!trainersSave) await DeletePodsAtOnceAsync(world);

        await Wait.UntilAsync(() => world.Store.ReadAttempts(uid).All(one => one.Ended is not null), "their ends are recorded");
        world.Store.ReadAttempts(uid).Select(one => (one.Number, one.Outcome))
            .ShouldBe([(1, AttemptOutcome.Left), (1, AttemptOutcome.Left)]);
        await Wait.UntilAsync(() => world.Store.FindSweepByUid(uid) is { Deleted: not null }, "and the sweep's");
        (await world.EventsAsync()).ShouldNotContain(one => one.Reason == "AttemptDisrupted");
        held.SetResult();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pod_that_its_queue_took_away_is_no_disruption_though_the_Jobs_suspension_was_not_seen_yet(bool trainersSave)
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        world.StartOperator();
        world.Kubelet.Train = _ => Training.Runs;
        string uid = (await world.ApplyAsync(SweepBuilder.Make())).Metadata.Uid!;
        await Wait.UntilAsync(() => Started(world) == 1, "it trains, and the record knows");
        // Another one, that lists what is there and hears of Jobs no more, and of pods late.
        await world.StopOperatorAsync();
        TaskCompletionSource held = HoldWatch(world, "jobs", SuspendTests.ShowSuspended), pods = HoldWatch(world, "pods");
        await world.EditAsync(SweepBuilder.Make().Parallelism(7));
        world.StartOperator();
        await world.StatusAsync(status => status is { Running: 1, ObservedGeneration: 2 }, "it is taken over");

        await world.QuotaAsync(pods: 0);
        await SuspendTests.AnnotateAsync(world, "yes");
        if (trainersSave)
            await world.Client.DeleteAsync(Resources.Pods, world.Namespace, world.Kubelet.Pods.Single().Metadata.Name!);
        else await DeletePodsAtOnceAsync(world);
        await Wait.UntilAsync(() => world.Kubelet.Pods.Length == 0, "it is gone");
        // That it is to leave, that it has ended and that it is gone may come at once.
        pods.SetResult();

        await Wait.UntilAsync(() => world.Store.ReadHeldTimes(uid).Count == 1, "what it held is recorded");
        world.Store.ReadAttempts(uid).Single().Ended.ShouldBeNull();
        (await world.JobsAsync()).Single().Metadata.DeletionTimestamp.ShouldBeNull();
        held.SetResult();
    }

    /// <summary>
    /// The watches of one kind tell nothing until they may. Lists and what is asked for by name go through.
    /// </summary>
    private static TaskCompletionSource HoldWatch(SweepWorld world, string plural, Func<string, string>? rewrite = null)
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var faults = new FaultHandler();
        faults.OnWatch(plural, Fault.DelayBodyUntil(held.Task));
        if (rewrite is not null)
            faults.On(request => request.RequestUri!.AbsolutePath.Contains($"/{plural}", StringComparison.Ordinal), Fault.Rewrite(rewrite));
        world.Faults = world.Faults is { } others ? inner => faults.Wrap(others(inner)) : faults.Wrap;
        return held;
    }

    private static int Started(SweepWorld world) => world.Store.ReadLiveAttempts().Count(one => one.ProcessStarted is not null);

    private static async Task DeletePodsAtOnceAsync(SweepWorld world)
    {
        foreach (V1Pod pod in world.Kubelet.Pods)
            await world.Client.DeleteAsync(
                Resources.Pods, world.Namespace, pod.Metadata.Name!, new DeleteOptions { GracePeriodSeconds = 0 });
    }
}
