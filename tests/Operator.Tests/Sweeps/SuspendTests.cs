using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Between_the_pods_of_a_Job_that_was_suspended_and_resumed_while_no_operator_ran_nothing_was_held(bool isTold)
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        var faults = new FaultHandler();
        faults.On(request => request.RequestUri!.AbsolutePath.Contains("/jobs", StringComparison.Ordinal), Fault.Rewrite(ShowResumed));
        world.Faults = faults.Wrap;
        world.StartOperator();
        world.Kubelet.Train = _ => Training.Runs;
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make());
        await Wait.UntilAsync(() => world.Store.ReadLiveAttempts().Any(one => one.ProcessStarted is not null), "its start is recorded");
        AttemptRecord first = world.Store.ReadLiveAttempts().Single();
        await world.StopOperatorAsync();
        // A time that whole seconds do not blur: an event of now, and a Job that is resumed a while later.
        DateTimeOffset start = DateTimeOffset.FromUnixTimeMilliseconds(first.ProcessStarted!.Value);
        DateTimeOffset suspended = start.AddSeconds(100), resumed = start.AddSeconds(300);
        V1Job job = (await world.JobsAsync()).Single();
        if (isTold) await TellSuspendedAsync(world, job, suspended);
        await AnnotateAsync(world, "resumed", $"{resumed.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}");
        string pod = world.Kubelet.Pods.Single().Metadata.Name!;
        await world.QuotaAsync(pods: 0);
        await world.Client.DeleteAsync(Resources.Pods, world.Namespace, pod, new DeleteOptions { GracePeriodSeconds = 0 });
        await Wait.UntilAsync(() => world.Kubelet.Pods.Length == 0, "it is gone");

        world.StartOperator();
        await Wait.UntilAsync(() => world.Store.ReadHeldTimes(sweep.Metadata.Uid!).Count == 1, "what it held is recorded");
        HeldTimeRecord held = world.Store.ReadHeldTimes(sweep.Metadata.Uid!).Single();
        (held.From, held.To).ShouldBe((start, isTold ? suspended : resumed));
        AttemptRecord now = world.Store.ReadLiveAttempts().Single();
        (now.Id, now.ProcessStarted).ShouldBe((first.Id, (long?)null));
    }

    private static Task TellSuspendedAsync(SweepWorld world, V1Job job, DateTimeOffset at) =>
        world.Client.CreateAsync(Resources.Events, new CoreV1Event
        {
            Metadata = new() { Name = $"{job.Metadata.Name}.suspended", Namespace = world.Namespace },
            InvolvedObject = new()
            {
                ApiVersion = "batch/v1",
                Kind = "Job",
                Namespace = world.Namespace,
                Name = job.Metadata.Name,
                Uid = job.Metadata.Uid,
            },
            Reason = "Suspended",
            Message = "Job suspended",
            Type = "Normal",
            FirstTimestamp = at,
            LastTimestamp = at,
            Source = new() { Component = "job-controller" },
        });

    /// <summary>By the clock that the operator has too: where it jumps, it does so for both.</summary>
    private static Task AfterAsync(long unixMilliseconds, int seconds, string what) => Wait.UntilAsync(
        () => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() > unixMilliseconds + 1000 * seconds, what);

    /// <summary>What the operator reads of a Job with the annotation.</summary>
    internal static string ShowSuspended(string line) => line.Contains("\"test/suspended\":\"yes\"", StringComparison.Ordinal)
        ? line.Replace("\"spec\":{\"parallelism\"", "\"spec\":{\"suspend\":true,\"parallelism\"")
        : line;

    /// <summary>What the operator reads of a Job that goes on since the time in the annotation.</summary>
    private static string ShowResumed(string line) =>
        Regex.Match(line, "\"test/resumed\":\"([^\"]+)\"") is { Success: true } found
            ? line.Replace("\"status\":{", "\"status\":{\"conditions\":[{\"type\":\"Suspended\",\"status\":\"False\","
                + $"\"lastTransitionTime\":\"{found.Groups[1].Value}\"}}],")
            : line;

    internal static Task AnnotateAsync(SweepWorld world, string suspended) => AnnotateAsync(world, "suspended", suspended);

    private static async Task AnnotateAsync(SweepWorld world, string what, string value) => await world.Client.MergePatchAsync(
        Resources.Jobs, world.Namespace, (await world.JobsAsync()).Single().Metadata.Name!, new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [$"test/{what}"] = value } },
        });
}
