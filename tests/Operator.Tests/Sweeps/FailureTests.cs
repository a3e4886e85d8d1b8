using System.Text.Json.Nodes;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>What goes wrong with trainers, and what others do to their pods.</summary>
public sealed class FailureTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task A_failure_is_tried_again_and_told_with_the_last_words()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = pod => AttemptOf(pod) == 1 ? Training.Fails(1, "loading\nout of luck\n") : Training.Finishes;
        await world.ApplyAsync(SweepBuilder.Make());
        await world.CompleteAsync(1);
        HemTrialStatus status = await TrialAsync(world, one => one.Phase == HemTrialPhase.Succeeded);
        (status.Attempts, status.Failures, status.Disruptions, status.Retries).ShouldBe((2, 1, 0, 1));
        CoreV1Event told = await EventAsync(world, "AttemptFailed");
        told.Message!.ShouldContain("exit code 1: out of luck");
        told.Message!.ShouldContain("loading");
    }

    [Fact]
    public async Task Exit_code_64_ends_a_trial_at_once_with_its_message()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Fails(64, "N must be at least 1");
        await world.ApplyAsync(SweepBuilder.Make());
        await world.StatusAsync(status => status is { State: SweepState.CompleteWithFailures, Failed: 1 }, "the sweep has ended");
        HemTrialStatus trial = await TrialAsync(world, one => one.Phase == HemTrialPhase.Failed);
        (trial.Attempts, trial.Failures, trial.Reason).ShouldBe((1, 1, "BadConfiguration"));
        trial.Message!.ShouldContain("N must be at least 1");
    }

    [Fact]
    public async Task A_trial_that_fails_too_often_has_failed()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Fails(137, reason: "OOMKilled");
        await world.ApplyAsync(SweepBuilder.Make().Retries(failures: 1));
        await world.StatusAsync(status => status.State == SweepState.CompleteWithFailures, "the sweep has ended");
        HemTrialStatus trial = await TrialAsync(world, one => one.Phase == HemTrialPhase.Failed);
        trial.Attempts.ShouldBe(2);
        trial.Message.ShouldBe("failed 2 times, the last time: out of memory");
    }

    [Fact]
    public async Task Exit_code_0_without_a_stored_Finished_is_a_failure()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => new Training { IsFinished = false };
        await world.ApplyAsync(SweepBuilder.Make().Retries(failures: 0));
        await world.StatusAsync(status => status.State == SweepState.CompleteWithFailures, "the sweep has ended");
        (await TrialAsync(world, one => one.Phase == HemTrialPhase.Failed)).Message!.ShouldContain("Finished");
    }

    [Fact]
    public async Task An_eviction_is_a_disruption()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = pod => AttemptOf(pod) == 1
            ? Training.Fails(137) with { PodReason = ("Evicted", "The node was low on resource: memory.") }
            : Training.Finishes;
        await world.ApplyAsync(SweepBuilder.Make().Retries(failures: 0));
        await world.CompleteAsync(1);
        HemTrialStatus status = await TrialAsync(world, one => one.Phase == HemTrialPhase.Succeeded);
        (status.Attempts, status.Failures, status.Disruptions, status.Retries).ShouldBe((2, 0, 1, 1));
        (await EventAsync(world, "AttemptDisrupted")).Message!.ShouldContain("low on resource");
    }

    [Theory]
    [InlineData("pod")]
    [InlineData("pod, at once")]
    [InlineData("Job")]
    [InlineData("HemTrial")]
    public async Task What_somebody_deletes_is_a_disruption_and_never_runs_twice(string what)
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Retries(failures: 0));
        await Wait.UntilAsync(() => world.Kubelet.Running == 1, "it trains");
        // The record must know that it ran, or nobody could tell afterwards.
        await Wait.UntilAsync(() => world.Store.ReadLiveAttempts().Any(one => one.ProcessId is not null), "its start is recorded");
        V1Pod pod = world.Kubelet.Pods.Single();

        world.Kubelet.Train = one => AttemptOf(one) == 1 ? Training.Runs : Training.Finishes;
        switch (what)
        {
            case "pod":
                await world.Client.DeleteAsync(Resources.Pods, world.Namespace, pod.Metadata.Name!);
                break;
            case "pod, at once":
                await world.Client.DeleteAsync(
                    Resources.Pods, world.Namespace, pod.Metadata.Name!, new DeleteOptions { GracePeriodSeconds = 0 });
                break;
            case "Job":
                await world.Client.DeleteAsync(
                    Resources.Jobs, world.Namespace, (await world.JobsAsync()).Single().Metadata.Name!,
                    new DeleteOptions { PropagationPolicy = PropagationPolicy.Background });
                break;
            default:
                await world.Client.DeleteAsync(HemResources.Trials, world.Namespace, (await world.TrialsAsync()).Single().Metadata.Name!);
                break;
        }

        await world.CompleteAsync(1);
        HemTrialStatus status = await TrialAsync(world, one => one.Phase == HemTrialPhase.Succeeded);
        (status.Attempts, status.Failures, status.Disruptions).ShouldBe((2, 0, 1));
        world.Kubelet.MostOfOneTrial.ShouldBe(1);
    }

    [Fact]
    public async Task What_waits_for_a_node_or_an_image_says_so_in_one_line()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        int pods = 0;
        var order = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        world.Kubelet.Train = pod => order.GetOrAdd(pod.Metadata.Uid!, _ => Interlocked.Increment(ref pods)) <= 2
            ? Training.Unschedulable("0/4 nodes are available: 4 Insufficient nvidia.com/gpu.")
            : Training.Waits("ImagePullBackOff", "Back-off pulling image");
        await world.ApplyAsync(SweepBuilder.Make().Seeds(5).Parallelism(3).Gpus(1));
        HemSweepStatus status = await world.StatusAsync(
            one => Progressing(one) is { } message && message.Contains("1 cannot pull", StringComparison.Ordinal)
                && message.Contains("2 unschedulable", StringComparison.Ordinal),
            "the reasons are told");
        Progressing(status).ShouldBe(
            "2 unschedulable: 0/4 nodes have nvidia.com/gpu, 1 cannot pull hem-trainer-gpu:latest, 2 wait for parallelism");
    }

    [Fact]
    public async Task What_a_quota_does_not_let_its_Job_create_says_so_in_one_line()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.QuotaAsync(pods: 1);
        await world.ApplyAsync(SweepBuilder.Make().Seeds(4).Parallelism(3));

        HemSweepStatus status = await world.StatusAsync(
            one => Progressing(one) is { } message && message.Contains("2 not created", StringComparison.Ordinal), "the quota is named");
        Progressing(status).ShouldBe(
            "1 run, 2 not created: exceeded quota: q, requested: pods=1, limited: pods=1, 1 wait for parallelism");
        HemTrialResource[] waiting = await world.TrialsAsync(
            all => all.Count(trial => trial.Status?.Reason == "NotCreated") == 2, "and so do the trials");
        waiting.First(trial => trial.Status?.Reason == "NotCreated").Status!.Message!.ShouldContain("exceeded quota");

        // What is told is what is: once there is room, nothing is left of it.
        await world.QuotaAsync(pods: 9);
        await world.StatusAsync(one => Progressing(one) == "3 run, 1 wait for parallelism", "all three run");
    }

    [Fact]
    public async Task Gpu_hours_add_up_while_pods_hold_gpus()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(2).Parallelism(2).Gpus(4).Budget("gpuHours", 0.003));
        // 8 GPUs use 0.003 hours up in 1.35 s.
        HemSweepStatus status = await world.StatusAsync(one => one.State == SweepState.BudgetExhausted, "the GPU hours are used up");
        status.Usage!.GpuHours!.Value.ShouldBeGreaterThanOrEqualTo(0.0025);
        status.Conditions!.Single(one => one.Type == "Complete").Message!.ShouldContain("raise spec.budget.gpuHours");
    }

    [Fact]
    public async Task A_name_that_is_taken_is_a_conflict_until_it_is_free()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        HemSweepResource sweep = SweepBuilder.Make().Build(world.Namespace);
        string name = sweep.Read().Expansion!.Trials.Single().Name;
        HemTrialResource theirs = await world.Client.CreateAsync(HemResources.Trials, new HemTrialResource
        {
            Metadata = new V1ObjectMeta { Name = name, Namespace = world.Namespace },
            Spec = new HemTrialSpec
            {
                Sweep = "other",
                SweepUid = "other",
                Hash = new string('0', 64),
                Seed = 1,
                Configuration = new string('0', 16),
                Parameters = System.Text.Json.JsonSerializer.SerializeToElement(new { task = "flipbit-25", algorithm = "hem" }),
            },
        });
        world.StartOperator();
        await world.ApplyAsync(SweepBuilder.Make());
        await world.StatusAsync(status => status.Failed == 1, "the conflict counts");
        (await world.Client.GetAsync(HemResources.Trials, world.Namespace, name))!.Metadata.Uid.ShouldBe(theirs.Metadata.Uid);

        await world.Client.DeleteAsync(HemResources.Trials, world.Namespace, name);
        await world.CompleteAsync(1);
    }

    private static string? Progressing(HemSweepStatus status) => status.Conditions?.Single(one => one.Type == "Progressing").Message;

    private static int AttemptOf(V1Pod pod) => int.Parse(pod.Label(HemLabels.Attempt)!);

    private static async Task<HemTrialStatus> TrialAsync(SweepWorld world, Func<HemTrialStatus, bool> condition) =>
        (await world.TrialsAsync(all => all is [{ Status: { } status }] && condition(status), "the trial's status")).Single().Status!;

    private static Task<CoreV1Event> EventAsync(SweepWorld world, string reason) =>
        Wait.ForAsync(async () => (await world.EventsAsync()).FirstOrDefault(one => one.Reason == reason), $"an event {reason}");
}
