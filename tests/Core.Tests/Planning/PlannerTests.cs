using Hem.Core.Planning;
using Hem.Core.Sweeps;

namespace Core.Tests.Planning;

public class PlannerTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static DesiredSweep Sweep(int trials, int parallelism = 2) => new()
    {
        Trials = [.. Enumerable.Range(0, trials).Select(i => new DesiredTrial($"t{i}", World.HashOf($"t{i}")))],
        Parallelism = parallelism,
    };

    private static TrialObservation Seen(string name, params AttemptObservation[] attempts) =>
        new(name, World.HashOf(name)) { Attempts = attempts };

    private static AttemptObservation Running(int number = 1, int startedSecondsAgo = 10, int gpus = 0) =>
        new(number, "id", AttemptPhase.Running) { StartedAt = Noon.AddSeconds(-startedSecondsAgo), Gpus = gpus };

    private static AttemptObservation Ended(AttemptOutcome outcome, int number = 1, double secondsAgo = 0) =>
        new(number, "id", AttemptPhase.Exited)
        {
            Outcome = outcome,
            StartedAt = Noon.AddSeconds(-100),
            EndedAt = Noon.AddSeconds(-secondsAgo),
        };

    private static TrialObservation Finished(string name) =>
        Seen(name, Ended(AttemptOutcome.Completed, secondsAgo: 5)) with { FinishedAt = Noon.AddSeconds(-6) };

    private static Plan Plan(DesiredSweep desired, params TrialObservation[] seen) => Planner.Plan(new ObservedSweep(desired, seen), Noon);

    [Fact]
    public void A_large_sweep_creates_only_what_it_can_run_and_a_small_window()
    {
        var plan = Plan(Sweep(100_000, parallelism: 8));

        plan.Actions.Count.ShouldBe(8 + Planner.Window);
        plan.Actions[0].ShouldBe(new CreateTrial("t0", World.HashOf("t0"), Complete: false));
    }

    [Fact]
    public void Created_trials_start_in_the_order_of_the_sweep() =>
        Plan(Sweep(3), Seen("t2"), Seen("t0"), Seen("t1")).Actions.ShouldBe([new StartAttempt("t0", 1), new StartAttempt("t1", 1)]);

    [Fact]
    public void A_failure_waits_for_its_back_off_and_is_tried_again_with_the_next_number()
    {
        var failed = Seen("t0", Ended(AttemptOutcome.Failed("exit code 1"), 1, 50), Ended(AttemptOutcome.Failed("exit code 1"), 2, 0.5));

        var early = Plan(Sweep(1), failed);
        early.Actions.ShouldBeEmpty();
        early.NextWake.ShouldBe(Noon.AddSeconds(1.5));
        early.Status[ConditionType.Progressing].Message.ShouldBe("1 back off after a failure, next in 2 s");

        Planner.Plan(new ObservedSweep(Sweep(1), [failed]), Noon.AddSeconds(1.5)).Actions.ShouldBe([new StartAttempt("t0", 3)]);
    }

    [Fact]
    public void Begun_trials_go_before_new_ones()
    {
        var plan = Plan(Sweep(3, parallelism: 1), Seen("t0"), Seen("t1"), Seen("t2", Ended(AttemptOutcome.Left, secondsAgo: 1)));

        plan.Actions.ShouldBe([new StartAttempt("t2", 2)]);
    }

    [Fact]
    public void Exit_0_without_a_stored_Finished_is_a_failure()
    {
        var desired = Sweep(1) with { Retries = new RetrySpec(Failures: 0) };
        var observed = new ObservedSweep(desired, [Seen("t0", Ended(AttemptOutcome.Completed))]);

        Planner.Plan(observed, Noon).Status.State.ShouldBe(SweepState.CompleteWithFailures);
        Planner.Describe(observed, "t0", Noon).Reason
            .ShouldBe("failed 1 time, the last time: exit code 0, but its Finished was never stored");
    }

    [Theory]
    [InlineData(0, false, AttemptResult.Completed, false)]
    [InlineData(143, true, AttemptResult.Left, false)]
    [InlineData(143, false, AttemptResult.Disrupted, false)]
    [InlineData(137, true, AttemptResult.Left, false)]
    [InlineData(137, false, AttemptResult.Failed, false)]
    [InlineData(64, true, AttemptResult.Failed, true)]
    [InlineData(1, true, AttemptResult.Failed, false)]
    public void Exit_codes_mean_what_the_trial_contract_says(int code, bool asked, AttemptResult result, bool permanent)
    {
        var outcome = AttemptOutcome.FromExit(code, asked);

        (outcome.Result, outcome.Permanent).ShouldBe((result, permanent));
    }

    [Fact]
    public void A_permanent_failure_is_not_tried_again()
    {
        var plan = Plan(Sweep(1), Seen("t0", Ended(AttemptOutcome.FromExit(64, false), secondsAgo: 1000)));

        plan.Actions.ShouldBeEmpty();
        plan.Status.State.ShouldBe(SweepState.CompleteWithFailures);
    }

    [Fact]
    public void Disruptions_do_not_use_up_the_retries_of_failures()
    {
        var desired = Sweep(1) with { Retries = new RetrySpec(Failures: 0, Disruptions: 2) };
        var gone = new AttemptObservation(2, "id", AttemptPhase.Gone) { EndedAt = Noon.AddSeconds(-8) };
        AttemptObservation[] twice = [Ended(AttemptOutcome.Disrupted("evicted"), 1, 9), gone];

        Plan(desired, Seen("t0", twice)).Actions.ShouldBe([new StartAttempt("t0", 3)]);
        Plan(desired, Seen("t0", [.. twice, Ended(AttemptOutcome.Disrupted("evicted"), 3, 7)])).Status.Counts.Failed.ShouldBe(1);
    }

    [Fact]
    public void Attempts_that_are_disrupted_as_soon_as_they_begin_are_tried_again_ever_later()
    {
        var seen = Enumerable.Range(1, 8).Select(number => Ended(AttemptOutcome.Disrupted("refused by its node"), number) with
        {
            StartedAt = Noon.AddSeconds(-1),
        }).ToArray();

        foreach (var (count, wait) in new[] { (1, 1), (3, 1), (4, 2), (5, 4), (8, 32) })
            Plan(Sweep(1), Seen("t0", seen[..count])).NextWake.ShouldBe(Noon.AddSeconds(wait), $"after {count}");

        var longer = seen[7] with { StartedAt = Noon.AddMinutes(-1) };
        Plan(Sweep(1), Seen("t0", [.. seen[..7], longer])).NextWake.ShouldBe(Noon.AddSeconds(1));
    }

    [Fact]
    public void Suspending_stops_what_runs_and_starts_nothing()
    {
        var desired = Sweep(3) with { Suspend = true };

        var plan = Plan(desired, Seen("t0", Running()), Seen("t1"));
        plan.Actions.ShouldBe([new StopAttempt("t0", 1, StopReason.Suspended)]);
        plan.Status.State.ShouldBe(SweepState.Suspending);
        plan.Status[ConditionType.Suspended].Status.ShouldBeFalse();

        var left = Plan(desired, Seen("t0", Ended(AttemptOutcome.Left)), Seen("t1"));
        left.Actions.ShouldBeEmpty();
        left.Status[ConditionType.Suspended].Status.ShouldBeTrue();
        left.Status.HasEnded.ShouldBeFalse();
    }

    [Fact]
    public void A_used_up_wall_clock_stops_the_sweep_and_a_larger_one_continues_it()
    {
        var desired = Sweep(3) with { WallClock = TimeSpan.FromSeconds(100) };
        var half = Plan(desired, Seen("t0", Running(startedSecondsAgo: 60)), Seen("t1", Running(startedSecondsAgo: 50)));
        half.Status.Usage.WallClock.ShouldBe(TimeSpan.FromSeconds(60), "two at once count once");
        half.NextWake.ShouldBe(Noon.AddSeconds(40));

        Plan(desired, Seen("t0", Running(startedSecondsAgo: 100))).Actions.ShouldBe([new StopAttempt("t0", 1, StopReason.BudgetExhausted)]);

        var left = Seen("t0", Ended(AttemptOutcome.Left));
        var ended = Plan(desired, left);
        ended.Actions.ShouldBeEmpty();
        ended.Status.HasEnded.ShouldBeTrue();
        ended.Status[ConditionType.Complete].Reason.ShouldBe("BudgetExhausted");
        ended.Status[ConditionType.Complete].Message.ShouldBe(
            "0 of 3 trials finished; wall clock: 0.03 h of 0.03 h used; raise spec.budget.wallClock to go on");
        Plan(desired with { WallClock = TimeSpan.FromHours(1) }, left).Actions.ShouldContain(new StartAttempt("t0", 2));
    }

    [Fact]
    public void Gpu_hours_are_gpus_times_the_time_they_were_held()
    {
        var desired = Sweep(3, parallelism: 3) with { GpuHours = 0.1 }; // 360 s

        var plan = Plan(desired, Seen("t0", Running(startedSecondsAgo: 30, gpus: 2)), Seen("t1", Running(startedSecondsAgo: 60, gpus: 4)));

        plan.Status.Usage.GpuTime.ShouldBe(TimeSpan.FromSeconds(300));
        plan.NextWake.ShouldBe(Noon.AddSeconds(10), "six GPUs use up the last 60 s in 10");
    }

    [Fact]
    public void Removed_values_are_deleted_stopped_or_kept_as_superseded_and_come_back()
    {
        var all = Sweep(4);
        var edited = all with { Trials = [.. all.Trials.Skip(3)] };
        TrialObservation[] seen = [Seen("t0"), Seen("t1", Running()), Finished("t2")];

        Plan(edited, seen).Actions.ShouldBe(
        [
            new StopAttempt("t1", 1, StopReason.Superseded),
            new DeleteTrial("t0"),
            new MarkSuperseded("t2"),
            new CreateTrial("t3", World.HashOf("t3"), Complete: false),
        ]);

        var left = Plan(edited, Seen("t1", Ended(AttemptOutcome.Left)), Seen("t3", Running()));
        left.Actions.ShouldBe([new MarkSuperseded("t1")]);
        left.Status.Counts.Superseded.ShouldBe(1);

        var back = Plan(all, Finished("t2") with { Superseded = true }, Seen("t1", Ended(AttemptOutcome.Left)) with { Superseded = true });
        back.Actions.ShouldContain(new ClearSuperseded("t2"));
        back.Actions.ShouldContain(new ClearSuperseded("t1"));
        back.Actions.ShouldContain(new StartAttempt("t1", 2));
    }

    [Fact]
    public void More_seeds_for_a_finished_sweep_run_only_the_difference()
    {
        var observed = new ObservedSweep(Sweep(2), [Finished("t0"), Finished("t1")]);
        Planner.Plan(observed, Noon).Status.State.ShouldBe(SweepState.Complete);

        observed.Edit(Sweep(3));

        Planner.Plan(observed, Noon).Actions.ShouldBe([new CreateTrial("t2", World.HashOf("t2"), Complete: false)]);
    }

    [Fact]
    public void Lower_parallelism_stops_the_youngest()
    {
        var plan = Plan(
            Sweep(4, parallelism: 1),
            Seen("t0", Running(startedSecondsAgo: 10)),
            Seen("t1", Running(startedSecondsAgo: 30)),
            Seen("t2", Running(startedSecondsAgo: 20)));

        plan.Actions.OfType<StopAttempt>().ShouldBe(
            [new StopAttempt("t0", 1, StopReason.ParallelismReduced), new StopAttempt("t2", 1, StopReason.ParallelismReduced)]);
    }

    [Fact]
    public void A_finished_trial_whose_object_is_missing_is_created_as_complete_and_gets_no_attempt()
    {
        var lost = new TrialObservation("t0", World.HashOf("t0")) { Exists = false, FinishedAt = Noon.AddHours(-1) };

        var plan = Plan(Sweep(1), lost);
        plan.Actions.ShouldBe([new CreateTrial("t0", World.HashOf("t0"), Complete: true)]);
        plan.Status.State.ShouldBe(SweepState.Complete);
        Plan(Sweep(1), lost with { Exists = true }).Actions.ShouldBeEmpty();
    }

    [Fact]
    public void Something_else_under_a_trials_name_is_a_fault_of_that_trial_and_left_alone()
    {
        var plan = Plan(Sweep(2), new TrialObservation("t0", "0123"), Finished("t1"));

        plan.Actions.ShouldBeEmpty();
        plan.Status.State.ShouldBe(SweepState.CompleteWithFailures);
        plan.Status.Faults.ShouldBe([("t0", "another trial already has the name t0: its hash is 0123, this sweep's is hash-of-t0")]);
        Plan(Sweep(0), Seen("t0") with { Conflict = "belongs to another sweep" }).Actions.ShouldBeEmpty();
    }

    [Fact]
    public void A_trainer_that_lives_on_after_its_Finished_is_stopped_in_the_end()
    {
        var observed = new ObservedSweep(Sweep(1), [Seen("t0", Running()) with { FinishedAt = Noon }]);

        var plan = Planner.Plan(observed, Noon);
        plan.Actions.ShouldBeEmpty();
        plan.Status.HasEnded.ShouldBeFalse();
        plan.NextWake.ShouldBe(Noon + Planner.FinishGrace);
        Planner.Plan(observed, plan.NextWake!.Value).Actions.ShouldBe([new StopAttempt("t0", 1, StopReason.Finished)]);
    }

    [Fact]
    public void A_spec_with_faults_starts_and_deletes_nothing_and_names_them_all()
    {
        var desired = new DesiredSweep { Trials = [], Parallelism = 2, Faults = ["spec.seeds: none", "spec.grid.N[2]: 0 is too small"] };

        var plan = Plan(desired, Seen("t0"), Seen("t1", Running()), Finished("t2"));

        plan.Actions.ShouldBeEmpty();
        plan.Status[ConditionType.Accepted].ShouldBe(
            new Condition(ConditionType.Accepted, false, "InvalidSpec", "2 faults: spec.seeds: none; spec.grid.N[2]: 0 is too small"));
    }

    [Fact]
    public void Progressing_says_in_one_line_why_trials_wait()
    {
        var starting = new AttemptObservation(1, "id", AttemptPhase.Starting) { Waiting = "unschedulable: 0/4 nodes have nvidia.com/gpu" };

        var plan = Plan(
            Sweep(10, parallelism: 4),
            Seen("t0", Running()),
            Seen("t1", starting),
            Seen("t2", starting),
            Seen("t3", new AttemptObservation(1, "id", AttemptPhase.Stopping)),
            Seen("t4", Ended(AttemptOutcome.Failed("exit code 1"))));

        plan.Status[ConditionType.Progressing].Message.ShouldBe(
            "1 run, 2 unschedulable: 0/4 nodes have nvidia.com/gpu, 1 save and leave, 5 wait for parallelism, "
            + "1 back off after a failure, next in 1 s");
    }

    [Fact]
    public void An_old_observation_takes_nothing_back()
    {
        var observed = new ObservedSweep(Sweep(1), [Finished("t0") with { Revision = 7 }]);

        observed.Observe(Seen("t0", Running()) with { Revision = 5 });
        observed.Observe(new TrialObservation("t0", World.HashOf("t0")) { Exists = false, Revision = 1 });

        Planner.Plan(observed, Noon).Actions.ShouldBeEmpty();
        Planner.Plan(observed, Noon).Status.State.ShouldBe(SweepState.Complete);
    }

    [Fact]
    public void A_sweep_becomes_desired_with_the_engines_default_parallelism()
    {
        var sweep = Support.Sweep.Named("s").Grid("N", 5, 10).Seeds(2).Retries(1, 7).Budget(TimeSpan.FromHours(1), 3).Suspended();
        var expansion = sweep.Expand();

        var desired = DesiredSweep.From(sweep.Build(), expansion, defaultParallelism: 6, generation: 4);

        desired.Trials.ShouldBe(expansion.Trials.Select(t => new DesiredTrial(t.Name, t.Hash)));
        (desired.Parallelism, desired.Retries, desired.WallClock, desired.GpuHours, desired.Suspend, desired.Generation)
            .ShouldBe((6, new RetrySpec(1, 7), TimeSpan.FromHours(1), 3, true, 4));
        DesiredSweep.From(sweep.Parallelism(3).Build(), expansion, 6).Parallelism.ShouldBe(3);
    }
}
