using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.Results.Sqlite;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>A store that is put back to what it was while trials ran: docs/operations.md, Restore.</summary>
public sealed class StoreRestoreTests(ControlPlaneFixture fixture)
{
    private const int Trials = 4;

    [Fact]
    public async Task What_ended_since_the_backup_is_not_trained_again_what_ran_goes_on_and_what_began_since_does_too()
    {
        await using HostWorld world = await HostWorld.CreateAsync(fixture.ControlPlane);
        // Given back at the end; long, so that it is not lost meanwhile.
        world.Options = world.Options with { LeaseDuration = TimeSpan.FromMinutes(1), RenewDeadline = TimeSpan.FromSeconds(50) };
        world.Kubelet.Train = _ => Training.Runs;
        HostWorld.Life before = world.Start();
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Seeds(Trials).Parallelism(2));
        await Wait.UntilAsync(() => world.Kubelet.Running == 2, "two trials run", Timeouts.Normal);
        string ended = world.Kubelet.Pods.Select(pod => pod.Label(HemLabels.Trial)!).Order(StringComparer.Ordinal).First();
        string backup = Path.Combine(world.Options.Store, "backup.db");
        StoreBackup.Write(world.Options.Store, backup);

        // One of them ends, and its place is taken by one that the backup knows nothing of.
        world.Kubelet.Train = pod => pod.Label(HemLabels.Trial) == ended ? Training.Finishes : Training.Runs;
        await Wait.UntilAsync(
            async () => (await world.TrialsAsync()).Any(
                trial => trial.Metadata.Name == ended && trial.Status?.Phase == HemTrialPhase.Succeeded)
                && (await world.JobsAsync()).Length == 2 && world.Kubelet.Running == 2,
            "one is complete, another runs", Timeouts.Normal);
        string[] pods = [.. world.Kubelet.Pods.Where(pod => pod.Status?.Phase == "Running").Select(pod => pod.Metadata.Uid!)];
        await world.EndAsync(before);
        PutBack(world.Options.Store, backup);

        world.Start();
        // Real trainers try again until the operator knows them; these try once.
        await Wait.UntilAsync(
            () => world.Store?.ReadAttempts(sweep.Metadata.Uid!).Select(attempt => attempt.Trial).Distinct().Count() == 3,
            "the new operator knows of those that run", Timeouts.Normal);
        world.Kubelet.Train = _ => Training.Finishes;
        await Wait.UntilAsync(
            async () => (await world.SweepAsync())?.Status is { State: SweepState.Complete, Done: Trials }, "complete", Timeouts.Long);

        HemTrialResource[] trials = await world.TrialsAsync();
        trials.Length.ShouldBe(Trials);
        trials.ShouldAllBe(trial => trial.Status!.Phase == HemTrialPhase.Succeeded && trial.Status.Attempts == 1);
        world.Kubelet.MostOfOneTrial.ShouldBe(1);
        // The pods that ran meanwhile brought their trials to the end.
        foreach (string pod in pods) world.Store!.FindAttemptOfPod(pod).ShouldNotBeNull();
        var curves = world.Store!.ReadPoints(sweep.Metadata.Uid!).ToLookup(point => point.Trial);
        curves[ended].ShouldBeEmpty("its curve came after the backup");
        foreach (HemTrialResource trial in trials.Where(trial => trial.Metadata.Name != ended))
            curves[trial.Metadata.Name!].Count().ShouldBe(4, trial.Metadata.Name);
    }

    [Fact]
    public async Task A_trial_that_was_tried_again_since_the_backup_goes_on_in_the_pod_that_runs()
    {
        await using HostWorld world = await HostWorld.CreateAsync(fixture.ControlPlane);
        world.Options = world.Options with { LeaseDuration = TimeSpan.FromMinutes(1), RenewDeadline = TimeSpan.FromSeconds(50) };
        world.Kubelet.Train = _ => Training.Runs;
        HostWorld.Life before = world.Start();
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Seeds(1));
        await Wait.UntilAsync(() => world.Kubelet.Running == 1, "it runs", Timeouts.Normal);
        string backup = Path.Combine(world.Options.Store, "backup.db");
        StoreBackup.Write(world.Options.Store, backup);

        world.Kubelet.Train = pod => pod.Label(HemLabels.Attempt) == "1" ? Training.Fails(1) : Training.Runs;
        await Wait.UntilAsync(
            () => world.Kubelet.Running == 1 && world.Kubelet.Pods.Any(pod => pod.Label(HemLabels.Attempt) == "2"), "it runs again",
            Timeouts.Normal);
        string again = world.Kubelet.Pods.Single(pod => pod.Label(HemLabels.Attempt) == "2").Metadata.Uid!;
        await world.EndAsync(before);
        PutBack(world.Options.Store, backup);

        world.Start();
        await Wait.UntilAsync(
            () => world.Store?.ReadAttempts(sweep.Metadata.Uid!).Count() == 2, "the new operator knows of the second attempt",
            Timeouts.Normal);
        world.Kubelet.Train = _ => Training.Finishes;
        await Wait.UntilAsync(
            async () => (await world.SweepAsync())?.Status is { State: SweepState.Complete, Done: 1 }, "complete", Timeouts.Long);

        (await world.TrialsAsync()).ShouldHaveSingleItem().Status!.Attempts.ShouldBe(2);
        world.Store!.FindAttemptOfPod(again).ShouldNotBeNull("its pod was left alone").Number.ShouldBe(2);
        world.Kubelet.MostOfOneTrial.ShouldBe(1);
    }

    private static void PutBack(string store, string backup)
    {
        foreach (string log in (string[])["results.db-wal", "results.db-shm"]) File.Delete(Path.Combine(store, log));
        File.Move(backup, Path.Combine(store, "results.db"), overwrite: true);
    }
}
