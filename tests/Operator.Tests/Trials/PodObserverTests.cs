using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Trials;

namespace Operator.Tests.Trials;

public sealed class PodObserverTests
{
    [Theory]
    [InlineData(
        "Error creating: pods \"s-0-1-x\" is forbidden: exceeded quota: gpus, requested: cpu=1,memory=2Gi, used: cpu=3,memory=6Gi, "
        + "limited: cpu=4,memory=8Gi", "not created: exceeded quota: gpus, requested: cpu=1,memory=2Gi, limited: cpu=4,memory=8Gi")]
    [InlineData(
        "Error creating: pods \"s-0-1-x\" is forbidden: violates PodSecurity \"restricted:latest\": hostPath volumes (volume \"data\")",
        "not created: violates PodSecurity \"restricted:latest\": hostPath volumes (volume \"data\")")]
    [InlineData(
        "Error creating: admission webhook \"policy.example.org\" denied the request: no team label",
        "not created: admission webhook \"policy.example.org\" denied the request: no team label")]
    public void Why_a_pod_is_not_created_is_told_without_its_name(string message, string told) =>
        PodObserver.NotCreated(message).ShouldBe(told);

    private static readonly DateTimeOffset start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void A_pod_without_a_node_says_what_lacks()
    {
        PodView view = PodObserver.Observe(Pod("Pending", Unscheduled("0/4 nodes are available: 4 Insufficient nvidia.com/gpu.")));
        view.Phase.ShouldBe(AttemptPhase.Starting);
        view.Waiting.ShouldBe("unschedulable: 0/4 nodes have nvidia.com/gpu");
        view.StartedAt.ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData(" preemption: 0/4 nodes are available.")]
    public void Where_more_lacks_the_schedulers_words_stay(string preemption)
    {
        const string Message = "0/4 nodes are available: 1 node(s) had taint {a: b}, that the pod didn't tolerate, 3 Insufficient cpu";
        PodObserver.Observe(Pod("Pending", Unscheduled($"{Message}.{preemption}"))).Waiting.ShouldBe($"unschedulable: {Message}");
    }

    [Theory]
    [InlineData("ErrImagePull", "rpc error: 17", "cannot pull trainer:1")]
    [InlineData("ImagePullBackOff", "Back-off pulling image", "cannot pull trainer:1")]
    [InlineData("CreateContainerConfigError", "configmap \"ca\" not found", "cannot start: configmap \"ca\" not found")]
    [InlineData("ContainerCreating", null, null)]
    public void A_pod_on_a_node_says_why_it_does_not_run(string reason, string? message, string? waiting)
    {
        V1Pod pod = Pod("Pending", Scheduled(), State(waiting: new() { Reason = reason, Message = message }));
        PodView view = PodObserver.Observe(pod);
        view.Waiting.ShouldBe(waiting);
        view.StartedAt.ShouldBe(start);
    }

    [Theory]
    [InlineData("{\"LogLevel\":\"Error\",\"Message\":\"failed: x\",\"State\":{}}", "failed: x")]
    [InlineData("ssage\":\"torn\"}\n{\"Message\":\"one\"}\nplain\n{\"Message\":\"failed: y\"}", "one\nplain\nfailed: y")]
    [InlineData("{not json}\nfailed: z", "{not json}\nfailed: z")]
    [InlineData("[1]\n{\"Message\":7}", "[1]\n{\"Message\":7}")]
    public void What_a_trainer_said_last_is_its_messages(string log, string expected) =>
        TrainerLog.Messages(log).ShouldBe(expected);

    [Fact]
    public void A_pod_that_is_deleted_is_stopping_until_it_is_terminal()
    {
        V1Pod pod = Pod("Running", Scheduled());
        PodObserver.Observe(pod).Phase.ShouldBe(AttemptPhase.Running);
        pod.Metadata.DeletionTimestamp = start;
        PodObserver.Observe(pod).Phase.ShouldBe(AttemptPhase.Stopping);
    }

    [Theory]
    [InlineData(1, false, AttemptResult.Failed, false)]
    [InlineData(64, false, AttemptResult.Failed, true)]
    [InlineData(139, false, AttemptResult.Failed, false)]
    [InlineData(143, false, AttemptResult.Disrupted, false)]
    [InlineData(143, true, AttemptResult.Left, false)]
    [InlineData(137, true, AttemptResult.Left, false)]
    [InlineData(0, false, AttemptResult.Failed, false)]
    [InlineData(0, true, AttemptResult.Left, false)]
    public void Exit_codes_are_what_the_contract_says(int code, bool stopAsked, AttemptResult result, bool permanent)
    {
        AttemptOutcome outcome = Outcome(Ended(code), stopAsked: stopAsked);
        outcome.Result.ShouldBe(result);
        outcome.Permanent.ShouldBe(permanent);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(137)]
    public void Finished_is_complete_however_it_ended(int code) =>
        Outcome(Ended(code), finished: true).Result.ShouldBe(AttemptResult.Completed);

    [Fact]
    public void A_failures_reason_is_what_the_trainer_said_last()
    {
        Outcome(Ended(1, message: "loading\nValueError: no such task\n")).Reason.ShouldBe("exit code 1: ValueError: no such task");
        Outcome(Ended(64, message: "N must be at least 1\n")).Reason.ShouldBe("bad configuration (exit code 64): N must be at least 1");
        Outcome(Ended(1, message: "words"), reported: "the disk is full").Reason.ShouldBe("the disk is full");
    }

    [Fact]
    public void Out_of_memory_and_out_of_storage_are_failures_with_their_own_reason()
    {
        V1Pod memory = Ended(137, reason: "OOMKilled");
        memory.Spec!.Containers!.Single().Resources = new() { Limits = new() { ["memory"] = "1Gi" } };
        AttemptOutcome outcome = Outcome(memory);
        (outcome.Result, outcome.Reason).ShouldBe((AttemptResult.Failed, "out of memory (limit 1Gi)"));

        V1Pod storage = Ended(137);
        (storage.Status!.Reason, storage.Status.Message) =
            ("Evicted", "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ");
        outcome = Outcome(storage);
        outcome.Result.ShouldBe(AttemptResult.Failed);
        outcome.Reason.ShouldStartWith("out of ephemeral storage: Pod ephemeral local storage usage");
    }

    [Theory]
    [InlineData("Evicted", "The node was low on resource: memory. ", "evicted: The node was low on resource: memory.")]
    [InlineData("Preempting", "Preempted in order to admit critical pod", "preempted: Preempted in order to admit critical pod")]
    [InlineData("NodeLost", "Node x was unresponsive", "its node is lost: Node x was unresponsive")]
    [InlineData("OutOfcpu", "Pod Node didn't have enough resource: cpu", "refused by its node: Pod Node didn't have enough resource: cpu")]
    public void What_others_did_to_a_pod_is_a_disruption(string reason, string message, string words)
    {
        V1Pod pod = Pod("Failed", Scheduled());
        (pod.Status!.Reason, pod.Status.Message) = (reason, message);
        AttemptOutcome outcome = Outcome(pod);
        (outcome.Result, outcome.Reason).ShouldBe((AttemptResult.Disrupted, words));
        Outcome(pod, stopAsked: true).Result.ShouldBe(AttemptResult.Left);
    }

    [Fact]
    public void A_condition_names_the_disruption_whatever_the_exit_code()
    {
        V1Pod pod = Ended(1);
        pod.Status!.Conditions!.Add(
            new() { Type = "DisruptionTarget", Status = "True", Reason = "PreemptionByScheduler", Message = "by x" });
        AttemptOutcome outcome = Outcome(pod);
        (outcome.Result, outcome.Reason).ShouldBe((AttemptResult.Disrupted, "preempted: by x"));

        V1Pod bad = Ended(64);
        bad.Status!.Conditions!.Add(new() { Type = "DisruptionTarget", Status = "True", Reason = "PreemptionByScheduler" });
        Outcome(bad).Permanent.ShouldBeTrue();
    }

    [Fact]
    public void A_pod_that_is_gone_without_a_terminal_phase_is_a_disruption()
    {
        V1Pod deleted = Pod("Running", Scheduled());
        deleted.Metadata.DeletionTimestamp = start;
        PodView view = PodObserver.ObserveGone(deleted, start.AddMinutes(1));
        view.Phase.ShouldBe(AttemptPhase.Gone);
        view.EndedAt.ShouldBe(start.AddMinutes(1));
        AttemptOutcome outcome = PodObserver.OutcomeOf(view.End, finished: false, stopAsked: false, null, false);
        (outcome.Result, outcome.Reason).ShouldBe((AttemptResult.Disrupted, "its pod was deleted"));
        PodObserver.OutcomeOf(view.End, finished: false, stopAsked: true, null, false).Result.ShouldBe(AttemptResult.Left);
        PodObserver.OutcomeOf(view.End, finished: true, stopAsked: false, null, false).Result.ShouldBe(AttemptResult.Completed);
    }

    [Fact]
    public void A_pod_that_is_gone_may_have_told_its_exit_code()
    {
        V1Pod deleted = Ended(143);
        deleted.Status!.Phase = "Running";
        deleted.Metadata.DeletionTimestamp = start;
        PodView view = PodObserver.ObserveGone(deleted, start);
        view.Phase.ShouldBe(AttemptPhase.Exited);
        view.End!.ExitCode.ShouldBe(143);
    }

    private static AttemptOutcome Outcome(V1Pod pod, bool finished = false, bool stopAsked = false, string? reported = null)
    {
        PodView view = PodObserver.Observe(pod);
        view.Phase.ShouldBe(AttemptPhase.Exited);
        return PodObserver.OutcomeOf(view.End, finished, stopAsked, reported, permanent: false);
    }

    private static V1Pod Ended(int code, string? message = null, string reason = "Error") =>
        Pod(code == 0 ? "Succeeded" : "Failed", Scheduled(),
            State(terminated: new() { ExitCode = code, Message = message, Reason = reason }));

    private static V1PodCondition Scheduled() => new() { Type = "PodScheduled", Status = "True", LastTransitionTime = start };

    private static V1PodCondition Unscheduled(string message) =>
        new() { Type = "PodScheduled", Status = "False", Reason = "Unschedulable", Message = message };

    private static V1ContainerState State(V1ContainerStateWaiting? waiting = null, V1ContainerStateTerminated? terminated = null) =>
        new() { Waiting = waiting, Terminated = terminated };

    private static V1Pod Pod(string phase, V1PodCondition condition, V1ContainerState? state = null) => new()
    {
        Metadata = new() { Name = "p", Namespace = "ns", Uid = "u" },
        Spec = new() { Containers = [new() { Name = "trainer", Image = "trainer:1" }] },
        Status = new()
        {
            Phase = phase,
            Conditions = [condition],
            ContainerStatuses = state is null ? null : [new() { Name = "trainer", State = state }],
        },
    };
}
