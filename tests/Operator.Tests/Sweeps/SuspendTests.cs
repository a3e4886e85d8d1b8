using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Results;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>
/// A queue that suspends and resumes Jobs, as Kueue does. The server that these tests have drops a Job's `suspend`: what the operator reads
/// is rewritten so that an annotation stands for it, and a quota keeps the Job controller from putting another pod in the first one's
/// place.
/// </summary>
public sealed class SuspendTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task The_time_that_a_pod_held_before_its_queue_took_it_away_outlives_the_operator()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        var faults = new FaultHandler();
        faults.On(request => request.RequestUri!.AbsolutePath.Contains("/jobs", StringComparison.Ordinal), Fault.Rewrite(ShowSuspended));
        world.Faults = faults.Wrap;
        world.StartOperator();
        world.Kubelet.Train = _ => Training.Runs;
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Gpus(2));
        string uid = sweep.Metadata.Uid!;
        await Wait.UntilAsync(() => world.Store.ReadLiveAttempts().Any(one => one.ProcessStarted is not null), "its start is recorded");
        long start = world.Store.ReadLiveAttempts().Single().ProcessStarted!.Value;
        await AfterAsync(start, seconds: 3, "it holds its place for a while");

        await world.QuotaAsync(pods: 0);
        await AnnotateAsync(world, "yes");
        await world.Client.DeleteAsync(
            Resources.Pods, world.Namespace, world.Kubelet.Pods.Single().Metadata.Name!, new DeleteOptions { GracePeriodSeconds = 0 });
        await Wait.UntilAsync(() => world.Store.ReadHeldTimes(uid).Count == 1, "what it held is recorded");
        HeldTimeRecord held = world.Store.ReadHeldTimes(uid).Single();
        AttemptRecord attempt = world.Store.ReadLiveAttempts().Single();
        attempt.ProcessStarted.ShouldBeNull();
        await world.StatusAsync(status => status.Conditions!.Any(one => one.Message == "1 wait: their Jobs are suspended"), "it waits");

        await world.RestartOperatorAsync();
        await AfterAsync(held.To.ToUnixTimeMilliseconds(), seconds: 3, "time goes by");
        await world.EditAsync(SweepBuilder.Make().Gpus(2).Parallelism(7));
        HemSweepStatus status = await world.StatusAsync(one => one.ObservedGeneration == 2, "the sweep is looked at again");
        double seconds = (held.To - held.From).TotalSeconds;
        ((double)status.Usage!.WallClockSeconds!).ShouldBeInRange(Math.Floor(seconds) - 1, seconds + 1);
        seconds.ShouldBeGreaterThan(2);
        status.Usage.GpuHours!.Value.ShouldBeInRange((2 * seconds - 2) / 3600, (2 * seconds + 2) / 3600);
        (status.Running, status.Failed).ShouldBe((1, 0));
        world.Store.ReadAttempts(uid).Single().Ended.ShouldBeNull();
        world.Store.ReadHeldTimes(uid).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_pod_that_was_taken_away_while_no_operator_ran_costs_nothing_from_then_on()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        var faults = new FaultHandler();
        faults.On(request => request.RequestUri!.AbsolutePath.Contains("/jobs", StringComparison.Ordinal), Fault.Rewrite(ShowSuspended));
        world.Faults = faults.Wrap;
        world.StartOperator();
        world.Kubelet.Train = _ => Training.Runs;
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make());
        await Wait.UntilAsync(() => world.Store.ReadLiveAttempts().Any(one => one.ProcessStarted is not null), "its start is recorded");
        await world.StopOperatorAsync();
        await world.QuotaAsync(pods: 0);
        await AnnotateAsync(world, "yes");
        await world.Client.DeleteAsync(
            Resources.Pods, world.Namespace, world.Kubelet.Pods.Single().Metadata.Name!, new DeleteOptions { GracePeriodSeconds = 0 });
        await Wait.UntilAsync(() => world.Kubelet.Pods.Length == 0, "it is gone");

        world.StartOperator();
        await Wait.UntilAsync(() => world.Store.ReadHeldTimes(sweep.Metadata.Uid!).Count == 1, "what it held is recorded");
        world.Store.ReadLiveAttempts().Single().ProcessStarted.ShouldBeNull();
    }

    /// <summary>By the clock that the operator has too: where it jumps, it does so for both.</summary>
    private static Task AfterAsync(long unixMilliseconds, int seconds, string what) => Wait.UntilAsync(
        () => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() > unixMilliseconds + 1000 * seconds, what);

    /// <summary>What the operator reads of a Job with the annotation.</summary>
    internal static string ShowSuspended(string line) => line.Contains("\"test/suspended\":\"yes\"", StringComparison.Ordinal)
        ? line.Replace("\"spec\":{\"parallelism\"", "\"spec\":{\"suspend\":true,\"parallelism\"")
        : line;

    internal static async Task AnnotateAsync(SweepWorld world, string suspended) => await world.Client.MergePatchAsync(
        Resources.Jobs, world.Namespace, (await world.JobsAsync()).Single().Metadata.Name!, new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["test/suspended"] = suspended } },
        });
}
