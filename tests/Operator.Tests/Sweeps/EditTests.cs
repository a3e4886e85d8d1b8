using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hem.Core.Planning;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>An edited spec means the difference.</summary>
public sealed class EditTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task More_seeds_and_more_values_run_only_what_is_missing()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        await world.ApplyAsync(SweepBuilder.Make().Axis("N", 5).Seeds(1));
        await world.CompleteAsync(1);
        string first = (await world.TrialsAsync()).Single().Metadata.Uid!;

        await world.EditAsync(SweepBuilder.Make().Axis("N", 5, 10).Seeds(2));
        HemSweepStatus status = await world.CompleteAsync(4);
        status.ObservedGeneration.ShouldBe(2);
        HemTrialResource[] trials = await world.TrialsAsync(all => all.Count(IsDone) == 4, "all trials say that they are done");
        trials.Count(trial => trial.Metadata.Uid == first).ShouldBe(1);
        trials.ShouldAllBe(trial => trial.Status!.Attempts == 1);
    }

    [Fact]
    public async Task A_value_that_is_taken_out_is_deleted_or_stopped_or_superseded()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = pod => NOf(pod) == 5 ? Training.Finishes : Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Axis("N", 5, 10, 20).Parallelism(1));
        await world.StatusAsync(status => status is { Done: 1, Running: 1 }, "N=5 is done and N=10 runs");
        await Wait.UntilAsync(() => world.Kubelet.Running == 1, "N=10 trains");

        await world.EditAsync(SweepBuilder.Make().Axis("N", 40).Parallelism(1));
        await world.StatusAsync(status => status is { Trials: 1, Superseded: 2, Running: 1 }, "two are superseded, and the new one runs");
        HemTrialResource[] trials = await world.TrialsAsync(
            all => all.Length == 3 && all.Count(trial => trial.Status?.Phase == HemTrialPhase.Superseded) == 2,
            "the one that never began is deleted");
        trials.Select(trial => trial.Spec.Parameters.GetProperty("N").GetInt32()).Order().ShouldBe([5, 10, 40]);
        trials.Single(trial => trial.Spec.Parameters.GetProperty("N").GetInt32() == 10).Status!.Failures.ShouldBe(0);

        // What is asked for again is where it was.
        world.Kubelet.Train = _ => Training.Finishes;
        await world.EditAsync(SweepBuilder.Make().Axis("N", 5, 10, 40).Parallelism(2));
        (await world.CompleteAsync(3)).Superseded.ShouldBe(0);
        trials = await world.TrialsAsync(all => all.Count(IsDone) == 3, "all are done");
        trials.Single(trial => trial.Spec.Parameters.GetProperty("N").GetInt32() == 5).Status!.Attempts.ShouldBe(1);
        trials.Single(trial => trial.Spec.Parameters.GetProperty("N").GetInt32() == 10).Status!.Attempts.ShouldBe(2);
    }

    [Fact]
    public async Task A_sweep_that_is_suspended_saves_and_goes_on_later()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(3).Parallelism(2));
        await Wait.UntilAsync(() => world.Kubelet.Running == 2, "two train");

        await world.EditAsync(SweepBuilder.Make().Seeds(3).Parallelism(2).Suspended());
        HemSweepStatus status = await world.StatusAsync(one => one.State == SweepState.Suspended, "it is suspended");
        status.Running.ShouldBe(0);
        status.Conditions!.Single(one => one.Type == "Suspended").Status.ShouldBe("True");
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length == 0, "nothing is left");
        await Wait.UntilAsync(() => world.Kubelet.Running == 0, "nobody trains");

        world.Kubelet.Train = _ => Training.Finishes;
        await world.EditAsync(SweepBuilder.Make().Seeds(3).Parallelism(2).Suspended(false));
        await world.CompleteAsync(3);
        HemTrialResource[] trials = await world.TrialsAsync(all => all.Count(IsDone) == 3, "all are done");
        trials.ShouldAllBe(trial => trial.Status!.Failures == 0 && trial.Status.Disruptions == 0 && trial.Status.Retries == 0);
        trials.Count(trial => trial.Status!.Attempts == 2).ShouldBe(2);
    }

    [Fact]
    public async Task Parallelism_may_be_changed_either_way()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(4).Parallelism(1));
        await Wait.UntilAsync(() => world.Kubelet.Running == 1, "one trains");
        await world.EditAsync(SweepBuilder.Make().Seeds(4).Parallelism(3));
        await Wait.UntilAsync(() => world.Kubelet.Running == 3, "three train");
        await world.EditAsync(SweepBuilder.Make().Seeds(4).Parallelism(1));
        await Wait.UntilAsync(() => world.Kubelet.Running == 1, "one trains");
        await world.StatusAsync(status => status is { Running: 1, Waiting: 3, Failed: 0 }, "the others wait");
    }

    [Fact]
    public async Task A_budget_that_is_used_up_stops_the_sweep_until_it_is_raised()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        world.Kubelet.Train = _ => Training.Runs;
        await world.ApplyAsync(SweepBuilder.Make().Seeds(2).Parallelism(1).Budget("wallClock", "2s"));
        HemSweepStatus status = await world.StatusAsync(one => one.State == SweepState.BudgetExhausted, "the budget is exhausted");
        status.Conditions!.Single(one => one.Type == "Complete").Message!.ShouldContain("raise spec.budget.wallClock");
        await Wait.UntilAsync(() => world.Kubelet.Running == 0, "nobody trains");

        world.Kubelet.Train = _ => Training.Finishes;
        await world.EditAsync(SweepBuilder.Make().Seeds(2).Parallelism(1).Budget("wallClock", "1h"));
        await world.CompleteAsync(2);
    }

    [Fact]
    public async Task A_spec_with_faults_starts_nothing_and_names_them_all()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        SweepBuilder wrong = SweepBuilder.Make().Axis("N", 5, 10).With("exclude", new JsonArray(
            new JsonObject { ["N"] = 5 }, new JsonObject { ["N"] = 10 }, new JsonObject { ["N"] = 7 }));
        await world.ApplyAsync(wrong);
        HemSweepStatus status = await world.StatusAsync(one => one.State == SweepState.Invalid, "it is refused");
        string message = status.Conditions!.Single(one => one.Type == "Accepted" && one.Status == "False").Message!;
        message.ShouldContain("spec.exclude[2]");
        (await world.TrialsAsync()).ShouldBeEmpty();

        await world.EditAsync(SweepBuilder.Make().Axis("N", 5, 10).With("exclude", new JsonArray(new JsonObject { ["N"] = 5 })));
        await world.CompleteAsync(1);
        await Wait.UntilAsync(
            async () => (await world.EventsAsync()).Any(one => one is { Reason: "Invalid", InvolvedObject.Kind: "HemSweep" }),
            "an event tells of it");
    }

    [Fact]
    public async Task A_spec_with_faults_leaves_what_was_done_as_it_is_though_the_operator_is_restarted()
    {
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane);
        await world.ApplyAsync(SweepBuilder.Make().Axis("N", 5, 10));
        await world.CompleteAsync(2);
        await world.TrialsAsync(all => all.Count(IsDone) == 2, "both say so");
        await world.EditAsync(Excluding(7));
        await world.StatusAsync(status => status.State == SweepState.Invalid, "it is refused");

        await world.RestartOperatorAsync();
        await world.EditAsync(Excluding(8));
        HemSweepStatus status = await world.StatusAsync(one => one.ObservedGeneration == 3, "the restarted operator has looked at it");
        (status.State, status.Trials, status.Done, status.Superseded).ShouldBe((SweepState.Invalid, 2, 2, 0));
        (await world.TrialsAsync()).Count(IsDone).ShouldBe(2);

        static SweepBuilder Excluding(int n) => SweepBuilder.Make().Axis("N", 5, 10)
            .With("exclude", new JsonArray(new JsonObject { ["N"] = n }));
    }

    [Fact]
    public async Task An_edit_is_seen_though_its_generation_was_given_out_before()
    {
        // As after a restore of the API server's data, and an edit before the operator saw any of it.
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        var faults = new FaultHandler();
        faults.On(
            request => request.RequestUri!.AbsolutePath.EndsWith("/hemsweeps", StringComparison.Ordinal),
            Fault.Rewrite(line => Regex.Replace(line, "\"generation\":[0-9]+", "\"generation\":1")));
        world.Faults = faults.Wrap;
        world.StartOperator();
        await world.ApplyAsync(SweepBuilder.Make().Seeds(1));
        await world.CompleteAsync(1);
        await world.EditAsync(SweepBuilder.Make().Seeds(2));
        (await world.CompleteAsync(2)).ObservedGeneration.ShouldBe(1);
    }

    private static bool IsDone(HemTrialResource trial) => trial.Status?.Phase == HemTrialPhase.Succeeded;

    private static int NOf(Hem.Kubernetes.V1Pod pod) =>
        (int)JsonNode.Parse(pod.Spec!.Containers![0].Env!.Single(variable => variable.Name == "HEM_TRIAL").Value!)!["parameters"]!["N"]!;
}
