using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Trials;

namespace Operator.Tests.Trials;

public sealed class TrialObserverTests
{
    private static readonly DateTimeOffset start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly LiveAttempt _attempt = new("default", "sweep", "t", 1);

    [Fact]
    public void A_claim_without_a_job_is_launched() => Step().ShouldBe(AttemptStep.Launch);

    [Fact]
    public void A_claim_that_is_to_leave_before_it_has_a_job_is_over()
    {
        _attempt.StopReason = "the sweep is suspended";
        Step().ShouldBe(AttemptStep.End);
    }

    [Fact]
    public void A_job_without_a_pod_is_waited_for()
    {
        Job();
        AttemptView view = TrialObserver.Judge(_attempt);
        (view.Step, view.Phase, view.Waiting).ShouldBe((AttemptStep.None, AttemptPhase.Starting, (string?)null));
    }

    [Fact]
    public void A_suspended_job_waits_and_is_left_suspended()
    {
        Job(suspend: true, queue: "team");
        AttemptView view = TrialObserver.Judge(_attempt);
        (view.Step, view.Phase, view.Waiting).ShouldBe((AttemptStep.None, AttemptPhase.Starting, (string?)"wait in queue team"));
    }

    [Fact]
    public void A_pod_that_its_queue_takes_away_is_neither_failure_nor_disruption()
    {
        Job(suspend: true, queue: "team");
        AttemptPod pod = Pod("Running");
        pod.Pod.Metadata.DeletionTimestamp = start;
        Step().ShouldBe(AttemptStep.None);
        Exit(pod, 143);
        Step().ShouldBe(AttemptStep.Suspend);

        pod.IsSuspended = true;
        AttemptView waiting = TrialObserver.Judge(_attempt);
        (waiting.Step, waiting.Phase, waiting.StartedAt).ShouldBe((AttemptStep.None, AttemptPhase.Starting, (DateTimeOffset?)null));

        Job(suspend: false, queue: "team");
        Pod("Running", "second");
        TrialObserver.Judge(_attempt).Phase.ShouldBe(AttemptPhase.Running);
        _attempt.Disruption.ShouldBeNull();
    }

    [Fact]
    public void A_pod_that_its_queue_took_away_without_a_word_is_no_disruption_either()
    {
        Job(suspend: true);
        AttemptPod pod = Pod("Running");
        pod.IsGone = true;
        Step().ShouldBe(AttemptStep.Suspend);
    }

    [Fact]
    public void A_pod_that_somebody_deletes_takes_its_job_with_it()
    {
        Job();
        AttemptPod pod = Pod("Running");
        pod.Pod.Metadata.DeletionTimestamp = start;
        AttemptView view = TrialObserver.Judge(_attempt);
        (view.Step, view.Phase).ShouldBe((AttemptStep.DeleteJob, AttemptPhase.Stopping));
        _attempt.Disruption.ShouldNotBeNull();

        // It may live for as long as it likes: until then the attempt is not over.
        _attempt.Job!.Metadata.DeletionTimestamp = start;
        Step().ShouldBe(AttemptStep.None);
        pod.IsGone = true;
        Step().ShouldBe(AttemptStep.None);
        (_attempt.Job, _attempt.WasLaunched) = (null, true);
        view = TrialObserver.Judge(_attempt);
        view.Step.ShouldBe(AttemptStep.End);
        PodObserver.OutcomeOf(view.End, false, false, null, false).Result.ShouldBe(AttemptResult.Disrupted);
    }

    [Fact]
    public void A_second_pod_keeps_the_attempt_alive()
    {
        Job();
        Exit(Pod("Running"), 1);
        Pod("Running", "second");
        TrialObserver.Judge(_attempt).Phase.ShouldBe(AttemptPhase.Running);
    }

    [Fact]
    public void A_pod_that_takes_the_place_of_a_deleted_one_gives_way_to_the_next_attempt()
    {
        Job();
        Pod("Running").IsGone = true;
        AttemptPod second = Pod("Running", "second");
        Step().ShouldBe(AttemptStep.DeleteJob);

        _attempt.Job!.Metadata.DeletionTimestamp = start;
        Exit(second, 143);
        AttemptView view = TrialObserver.Judge(_attempt);
        view.Step.ShouldBe(AttemptStep.End);
        PodObserver.OutcomeOf(view.End, false, false, null, false).Result.ShouldBe(AttemptResult.Disrupted);
    }

    [Fact]
    public void A_pod_that_takes_the_place_of_one_that_a_queue_took_away_goes_on()
    {
        Job();
        _attempt.Job!.Status = new() { Conditions = [new() { Type = "Suspended", Status = "False" }] };
        Pod("Running").IsGone = true;
        Pod("Running", "second");
        TrialObserver.Judge(_attempt).Phase.ShouldBe(AttemptPhase.Running);
        _attempt.Disruption.ShouldBeNull();
    }

    [Theory]
    [InlineData(-60, 60, 60, true)]
    [InlineData(-60, 60, null, true)]
    // The pod that was recorded is there still, or only to be seen to go.
    [InlineData(-60, 60, -90, false)]
    // Resumed before the pod began that was recorded.
    [InlineData(60, 0, 60, false)]
    [InlineData(0, 0, 0, false)]
    [InlineData(null, 60, 60, false)]
    public void A_pod_that_came_after_an_unseen_suspension_has_not_held_the_place_before(
        int? recorded, int resumed, int? created, bool unseen)
    {
        Job();
        _attempt.RecordedStart = recorded is { } at ? start.AddSeconds(at) : null;
        _attempt.Job!.Status = new()
        {
            Conditions = [new() { Type = "Suspended", Status = "False", LastTransitionTime = start.AddSeconds(resumed) }],
        };
        if (created is { } made) Pod("Running").Pod.Metadata.CreationTimestamp = start.AddSeconds(made);
        (Step() == AttemptStep.Suspend).ShouldBe(unseen);
        if (!unseen) return;

        _attempt.RecordedStart = null;
        TrialObserver.Judge(_attempt).StartedAt.ShouldBe(created is null ? null : (DateTimeOffset?)start);
    }

    [Fact]
    public void A_pod_that_ended_ends_its_attempt()
    {
        Job();
        Exit(Pod("Running"), 1);
        AttemptView view = TrialObserver.Judge(_attempt);
        (view.Step, view.End!.ExitCode, view.StartedAt).ShouldBe((AttemptStep.End, (int?)1, (DateTimeOffset?)start));
    }

    [Fact]
    public void A_job_that_is_gone_with_its_pod_is_a_disruption()
    {
        _attempt.WasLaunched = true;
        AttemptView view = TrialObserver.Judge(_attempt);
        view.Step.ShouldBe(AttemptStep.End);
        PodObserver.OutcomeOf(view.End, false, false, null, false).Result.ShouldBe(AttemptResult.Disrupted);
    }

    private AttemptStep Step() => TrialObserver.Judge(_attempt).Step;

    private void Job(bool suspend = false, string? queue = null)
    {
        _attempt.WasLaunched = true;
        _attempt.Job = new V1Job
        {
            Metadata = new() { Name = "t-1", Uid = "job", Labels = queue is null ? [] : new() { [HemLabels.KueueQueue] = queue } },
            Spec = new() { Suspend = suspend },
        };
    }

    private AttemptPod Pod(string phase, string uid = "first")
    {
        var pod = new AttemptPod(new V1Pod
        {
            Metadata = new() { Name = uid, Uid = uid },
            Status = new()
            {
                Phase = phase,
                Conditions = [new() { Type = "PodScheduled", Status = "True", LastTransitionTime = start }],
            },
        });
        _attempt.Pods.Add(pod);
        return pod;
    }

    private static void Exit(AttemptPod pod, int code)
    {
        pod.Pod.Status!.Phase = code == 0 ? "Succeeded" : "Failed";
        pod.Pod.Status.ContainerStatuses = [new() { Name = "trainer", State = new() { Terminated = new() { ExitCode = code } } }];
    }
}
