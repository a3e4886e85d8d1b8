using System.Text.Json.Nodes;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
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

    [Fact]
    public async Task A_sweep_that_is_deleted_lets_its_trainers_save_and_leaves_nothing()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs with { LeavesWith = null };
        await world.ApplyAsync(SweepBuilder.Make().Seeds(3).Parallelism(2));
        await Wait.UntilAsync(() => world.Kubelet.Running == 2, "two train");
        string uid = (await world.SweepAsync())!.Metadata.Uid!;

        await world.DeleteAsync();
        await Wait.UntilAsync(async () => (await world.TrialsAsync()).Length + (await world.JobsAsync()).Length == 0, "trials and Jobs go");
        await Wait.UntilAsync(() => world.Kubelet.Pods.All(pod => pod.Metadata.DeletionTimestamp is not null), "pods are asked to leave");
        world.Kubelet.Pods.Length.ShouldBe(2);
        world.Store.ReadLiveAttempts().Count.ShouldBe(2);

        world.Kubelet.Train = _ => Training.Runs;
        await Wait.UntilAsync(() => world.Kubelet.Pods.Length == 0, "they leave");
        await Wait.UntilAsync(() => world.Store.FindSweepByUid(uid) is { Deleted: not null }, "the record knows it");
        world.Store.ReadLiveAttempts().ShouldBeEmpty();
        world.Store.ReadAttempts(uid).ShouldAllBe(attempt => attempt.Outcome == Hem.Results.AttemptOutcome.Left);
    }

    [Fact]
    public async Task A_sweep_that_is_deleted_and_made_again_runs_anew()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        await world.ApplyAsync(SweepBuilder.Make().Seeds(2));
        await world.CompleteAsync(2);
        string first = (await world.SweepAsync())!.Metadata.Uid!;
        await world.DeleteAsync();
        await world.ApplyAsync(SweepBuilder.Make().Seeds(2));
        await world.CompleteAsync(2);
        string second = (await world.SweepAsync())!.Metadata.Uid!;
        second.ShouldNotBe(first);
        (await world.TrialsAsync()).ShouldAllBe(trial => trial.Spec.SweepUid == second);
        world.Store.ReadAttempts(first).Count().ShouldBe(2);
        world.Store.ReadAttempts(second).Count().ShouldBe(2);
    }

    [Fact]
    public async Task A_finished_sweep_is_deleted_when_its_time_is_over_and_its_results_stay()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Ttl(1));
        await Wait.UntilAsync(async () => await world.SweepAsync() is null, "the sweep is deleted", Timeouts.Normal);
        await Wait.UntilAsync(async () => (await world.TrialsAsync()).Length == 0, "and its trials");
        world.Store.ReadTrials(sweep.Metadata.Uid!).Single().Finished.ShouldNotBeNull();
        world.Store.ReadPoints(sweep.Metadata.Uid!).Count().ShouldBe(4);
    }

    [Fact]
    public async Task A_restart_in_the_middle_repeats_nothing()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = pod => world.Kubelet.IsFirst(pod) ? Training.Runs : Training.Finishes;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(6).Parallelism(3));
        await world.StatusAsync(status => status.Running > 0, "it runs");
        await world.RestartOperatorAsync();
        world.Kubelet.Train = _ => Training.Finishes;
        await world.CompleteAsync(6);
        HemTrialResource[] trials = await world.TrialsAsync(
            all => all.Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == 6, "all are done");
        trials.ShouldAllBe(trial => trial.Status!.Attempts == 1 && trial.Status.Disruptions == 0);
        world.Kubelet.MostOfOneTrial.ShouldBe(1);
    }

    [Fact]
    public async Task What_happens_while_no_operator_runs_is_found_out()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Seeds(2).Parallelism(2));
        await world.StatusAsync(status => status.Running == 2, "two run");
        await Wait.UntilAsync(() => world.Store.ReadLiveAttempts().Count(one => one.ProcessId is not null) == 2, "starts are recorded");
        await world.StopOperatorAsync();
        await world.DeleteAsync();
        await Wait.UntilAsync(() => world.Kubelet.Pods.Length == 0, "all is gone", Timeouts.Normal);
        world.StartOperator();
        await Wait.UntilAsync(() => world.Store.FindSweepByUid(sweep.Metadata.Uid!) is { Deleted: not null }, "the record knows it");
        world.Store.ReadLiveAttempts().ShouldBeEmpty();
    }

    [Fact]
    public async Task Trials_and_attempts_that_a_late_writer_makes_change_nothing()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        await world.ApplyAsync(SweepBuilder.Make());
        await world.CompleteAsync(1);
        HemTrialResource trial = (await world.TrialsAsync()).Single();
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length == 0, "its Job is deleted");

        // What a leader that was stopped in between would still send.
        HemSweepResource sweep = (await world.SweepAsync())!;
        var (read, expansion, _) = sweep.Read();
        world.Kubelet.Train = _ => Training.Runs;
        var late = new AttemptJob(
            world.Namespace, sweep.Metadata.Uid!, read!, expansion!.Trials.Single(), 1, trial.AsController(HemResources.Trials));
        await world.Client.CreateAsync(Resources.Jobs, JobBuilder.Build(late, world.Options));
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length == 0, "the Job is deleted again");
        await Wait.UntilAsync(() => world.Kubelet.Pods.Length == 0, "and its pod");
        world.Store.ReadAttempts(sweep.Metadata.Uid!).Count().ShouldBe(1);
        (await world.SweepAsync())!.Status!.Done.ShouldBe(1);
    }

    [Fact]
    public async Task A_lost_record_is_made_up_for_by_what_trials_say()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Finishes;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(2));
        await world.CompleteAsync(2);
        await world.TrialsAsync(all => all.Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == 2, "both say so");
        await world.StopOperatorAsync();
        world.LoseStore();
        world.StartOperator();
        await world.EditAsync(SweepBuilder.Make().Seeds(3));
        await world.CompleteAsync(3);
        (await world.TrialsAsync()).ShouldAllBe(trial => trial.Status!.Attempts == 1);
    }

    [Fact]
    public async Task A_lost_record_is_made_up_for_once_and_for_all()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Finishes;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(2));
        await world.CompleteAsync(2);
        await world.TrialsAsync(all => all.Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == 2, "both say so");
        world.Kubelet.Train = _ => Training.Runs;
        await world.EditAsync(SweepBuilder.Make().Seeds(3));
        await Wait.UntilAsync(() => world.Kubelet.Running == 1, "the third trains");
        await world.TrialsAsync(all => all.Any(trial => trial.Status?.Phase == HemTrialPhase.Running), "and says so");
        string job = (await world.JobsAsync()).Single().Metadata.Uid!;

        await world.StopOperatorAsync();
        world.LoseStore();
        world.StartOperator();
        await Wait.UntilAsync(() => world.Store.ReadLiveAttempts().Count == 1, "the one that trains is adopted");
        await world.RestartOperatorAsync();
        await world.StatusAsync(status => status is { Done: 2, Running: 1 }, "all is as it was");

        (await world.JobsAsync()).Single().Metadata.Uid.ShouldBe(job);
        world.Store.ReadTrials((await world.SweepAsync())!.Metadata.Uid!).Count(trial => trial.Finished is not null).ShouldBe(2);
        world.Kubelet.Train = _ => Training.Finishes;
        await world.CompleteAsync(3);
        (await world.TrialsAsync()).ShouldAllBe(trial => trial.Status!.Attempts == 1);
    }

    [Fact]
    public async Task A_sweep_that_is_deleted_while_places_are_free_ends()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(60).Parallelism(60));
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length > 5, "it starts its trials");
        string uid = (await world.SweepAsync())!.Metadata.Uid!;

        await world.DeleteAsync();

        await Wait.UntilAsync(() => world.Store.FindSweepByUid(uid) is { Deleted: not null }, "the record knows it");
        await Wait.UntilAsync(async () => (await world.TrialsAsync()).Length + (await world.JobsAsync()).Length == 0, "nothing is left");
        world.Store.ReadLiveAttempts().ShouldBeEmpty();
        world.Store.ReadAttempts(uid).GroupBy(attempt => attempt.Trial).ShouldAllBe(attempts => attempts.Count() == 1);
        await Wait.UntilAsync(() => world.Engine.Statuses == 0, "and no status waits to be written");
    }

    [Fact]
    public async Task A_record_that_cannot_be_read_for_a_while_costs_no_attempt()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = pod => NOf(pod) == 5 ? Training.Runs : Training.Finishes;
        await world.ApplyAsync(SweepBuilder.Make().Axis("N", 5, 10).Parallelism(2));
        await world.StatusAsync(status => status is { Done: 1, Running: 1 }, "one is done and one runs");
        await Wait.UntilAsync(() => world.Store.ReadLiveAttempts().Any(one => one.ProcessId is not null), "its start is recorded");
        await world.StopOperatorAsync();
        // Read for the one that is done, after the one that runs was found in the record.
        world.Execute("ALTER TABLE points RENAME TO away");
        world.StartOperator();
        await Wait.UntilAsync(
            async () => (await world.EventsAsync()).Any(one => one is { Reason: "StoreTrouble", InvolvedObject.Kind: "HemSweep" }),
            "the sweep's owner is told");
        world.Execute("ALTER TABLE away RENAME TO points");

        world.Kubelet.Train = _ => Training.Finishes;
        await world.CompleteAsync(2);
        HemTrialResource[] trials = await world.TrialsAsync(
            all => all.Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == 2, "both say so");
        trials.ShouldAllBe(trial => trial.Status!.Attempts == 1 && trial.Status.Disruptions == 0);
        world.Kubelet.MostOfOneTrial.ShouldBe(1);
    }

    [Fact]
    public async Task Two_sweeps_of_one_name_in_two_namespaces_have_nothing_to_do_with_each_other()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        await using SweepWorld other = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        other.StartOperator(world);
        await world.ApplyAsync(SweepBuilder.Make().Seeds(2));
        await other.ApplyAsync(SweepBuilder.Make().Seeds(3));
        await world.CompleteAsync(2);
        await other.CompleteAsync(3);
        world.Store.ReadSweeps().Select(sweep => (sweep.Namespace, sweep.Name)).Order()
            .ShouldBe(new[] { (world.Namespace, "s"), (other.Namespace, "s") }.Order());
        await world.DeleteAsync();
        await Wait.UntilAsync(async () => (await world.TrialsAsync()).Length == 0, "the one's trials go");
        (await other.TrialsAsync()).Length.ShouldBe(3);
        await other.StopOperatorAsync();
    }

    private static int NOf(V1Pod pod) =>
        (int)JsonNode.Parse(pod.Spec!.Containers![0].Env!.Single(variable => variable.Name == "HEM_TRIAL").Value!)!["parameters"]!["N"]!;
}
