using System.Text.Json.Nodes;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.Results;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>An operator may die at any moment, and the next one goes on as if nothing had happened.</summary>
public sealed class KillTests(ControlPlaneFixture fixture)
{
    private const int AtOnce = 4;

    [Fact]
    public Task An_operator_that_is_killed_before_or_after_any_of_its_writes_leaves_the_same_end() =>
        ShouldEndAlikeAsync(new Life(
            SweepBuilder.Make().Seeds(3).Parallelism(2), _ => Training.Finishes, IsCompleteAsync, DescribeAsync), step: 1);

    [Fact]
    public Task So_it_does_where_a_trial_fails_and_is_tried_again_and_the_sweep_is_deleted_while_another_runs() =>
        ShouldEndAlikeAsync(new Life(
            SweepBuilder.Make().Axis("N", 5, 10, 20).Parallelism(3), TrainRoughly, DeleteInTheMiddleAsync, DescribeRecord),
            step: Environment.GetEnvironmentVariable("HEM_SOAK") == "1" ? 1 : 5);

    /// <param name="Sweep">What is applied.</param>
    /// <param name="Train">What its trainers do.</param>
    /// <param name="Lead">Leads the sweep to its end, whichever operator is there.</param>
    /// <param name="Describe">How it ended, in words; the sweep's UID.</param>
    private sealed record Life(
        SweepBuilder Sweep, Func<V1Pod, Training> Train, Func<HostWorld, string, Task> Lead,
        Func<HostWorld, string, Task<string>> Describe);

    private async Task ShouldEndAlikeAsync(Life life, int step)
    {
        ControlPlane plane = fixture.ControlPlane;
        (string undisturbed, bool _, int writes) = await RunAsync(plane, life, 0, after: false);
        writes.ShouldBeGreaterThan(10);

        int next = 0, killed = 0;
        bool isOver = false;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(async () =>
        {
            while (!Volatile.Read(ref isOver))
            {
                int n = Interlocked.Add(ref next, step);
                (int write, bool after) = ((n + 1) / 2, n % 2 == 0);
                (string end, bool wasKilled, int _) = await RunAsync(plane, life, write, after);
                end.ShouldBe(undisturbed, $"killed {(after ? "after" : "before")} write {write}");
                if (wasKilled) Interlocked.Increment(ref killed);
                else Volatile.Write(ref isOver, true);
            }
        })));
        killed.ShouldBeGreaterThan(20 / step);
        TestContext.Current.TestOutputHelper?.WriteLine($"{killed} kills, {writes} writes in an undisturbed life");
    }

    /// <returns>The end state in words, whether the kill happened, and how many writes the operator's first life made.</returns>
    private static async Task<(string End, bool WasKilled, int Writes)> RunAsync(ControlPlane plane, Life life, int write, bool after)
    {
        await using HostWorld world = await HostWorld.CreateAsync(plane);
        world.Kubelet.Train = life.Train;
        var faults = new FaultHandler
        {
            // What is asked by POST changes nothing; and a lease is no part of a sweep's life.
            IsWrite = request => request.Method != HttpMethod.Get
                && !request.RequestUri!.AbsolutePath.Contains("/leases", StringComparison.Ordinal)
                && !request.RequestUri.AbsolutePath.Contains("reviews", StringComparison.Ordinal),
        };
        if (write > 0 && after) faults.KillAfterWrite(write);
        else if (write > 0) faults.KillBeforeWrite(write);
        HostWorld.Life first = world.Start(faults);
        HemSweepResource sweep = await world.ApplyAsync(life.Sweep);
        Task end = life.Lead(world, sweep.Metadata.Uid!);
        bool wasKilled = await Task.WhenAny(end, faults.Killed) == faults.Killed;
        if (wasKilled)
        {
            await world.EndAsync(first);
            world.Start();
        }

        await end;
        return (await life.Describe(world, sweep.Metadata.Uid!), wasKilled, faults.Writes);
    }

    private static Task IsCompleteAsync(HostWorld world, string uid) => Wait.UntilAsync(
        async () => (await world.SweepAsync())?.Status is { State: SweepState.Complete }
            && (await world.TrialsAsync()).Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == 3
            && (await world.JobsAsync()).Length == 0 && world.Kubelet.Pods.Length == 0,
        "the sweep is complete, its trials say so, and its Jobs are deleted", Timeouts.Normal);

    /// <summary>N = 5 fails once; N = 20 trains until it is asked to leave.</summary>
    private static Training TrainRoughly(V1Pod pod)
    {
        int n = (int)JsonNode.Parse(
            pod.Spec!.Containers![0].Env!.Single(variable => variable.Name == "HEM_TRIAL").Value!)!["parameters"]!["N"]!;
        if (n == 20) return Training.Runs;
        return n == 5 && pod.Label(HemLabels.Attempt) == "1" ? Training.Fails(1, "out of luck") : Training.Finishes;
    }

    private static async Task DeleteInTheMiddleAsync(HostWorld world, string uid)
    {
        await Wait.UntilAsync(
            async () => (await world.TrialsAsync()).Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == 2
                && world.Store is { } store && store.ReadLiveAttempts() is [{ ProcessId: not null }],
            "two say that they are complete, and the third trains", Timeouts.Normal);
        await world.Client.DeleteAsync(HemResources.Sweeps, world.Namespace, "s");
        await Wait.UntilAsync(
            async () => (await world.TrialsAsync()).Length + (await world.JobsAsync()).Length + world.Kubelet.Pods.Length == 0
                && world.Store?.FindSweepByUid(uid) is { Deleted: not null },
            "nothing is left but the record", Timeouts.Normal);
    }

    private static async Task<string> DescribeRecord(HostWorld world, string uid)
    {
        ResultStore store = await Wait.ForAsync(() => Task.FromResult(world.Store), "an operator leads");
        return string.Join('\n',
        [
            .. store.ReadAttempts(uid).Select(attempt => $"{attempt.Trial} {attempt.Number} {attempt.Outcome} {attempt.Reason}").Order(),
            $"{store.ReadPoints(uid).Count()} points, most attempts of one trial at once: {world.Kubelet.MostOfOneTrial}",
        ]);
    }

    private static async Task<string> DescribeAsync(HostWorld world, string uid)
    {
        HemSweepStatus status = (await world.SweepAsync())!.Status!;
        IEnumerable<string> trials = (await world.TrialsAsync())
            .Select(trial => (trial.Metadata.Name, Status: trial.Status!))
            .OrderBy(trial => trial.Name, StringComparer.Ordinal)
            .Select(trial => $"{trial.Name} {trial.Status.Phase} {trial.Status.Progress}, attempts {trial.Status.Attempts}, "
                + $"failures {trial.Status.Failures}, disruptions {trial.Status.Disruptions}");
        ResultStore store = await Wait.ForAsync(() => Task.FromResult(world.Store), "an operator leads");
        IEnumerable<string> attempts =
            store.ReadAttempts(uid).Select(attempt => $"{attempt.Trial} {attempt.Number} {attempt.Outcome}").Order();
        return string.Join('\n',
        [
            $"{status.State} {status.Trials} {status.Done} {status.Running} {status.Failed}",
            $"best {status.Best?.Score} of {status.Best?.Seeds}",
            .. trials,
            .. attempts,
            $"{store.ReadPoints(uid).Count()} points, most attempts of one trial at once: {world.Kubelet.MostOfOneTrial}",
        ]);
    }
}
