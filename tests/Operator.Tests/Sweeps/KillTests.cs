using Hem.Core.Planning;
using Hem.Operator.Api;
using Hem.Results;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>An operator may die at any moment, and the next one goes on as if nothing had happened.</summary>
public sealed class KillTests(ControlPlaneFixture fixture)
{
    private const int AtOnce = 4;

    [Fact]
    public async Task An_operator_that_is_killed_before_or_after_any_of_its_writes_leaves_the_same_end()
    {
        ControlPlane plane = fixture.ControlPlane;
        (string undisturbed, bool _, int writes) = await RunAsync(plane, 0, after: false);
        writes.ShouldBeGreaterThan(10);

        int next = 0, killed = 0;
        bool isOver = false;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(async () =>
        {
            while (!Volatile.Read(ref isOver))
            {
                int n = Interlocked.Increment(ref next);
                (int write, bool after) = ((n + 1) / 2, n % 2 == 0);
                (string end, bool wasKilled, int _) = await RunAsync(plane, write, after);
                end.ShouldBe(undisturbed, $"killed {(after ? "after" : "before")} write {write}");
                if (wasKilled) Interlocked.Increment(ref killed);
                else Volatile.Write(ref isOver, true);
            }
        })));
        killed.ShouldBeGreaterThan(20);
        TestContext.Current.TestOutputHelper?.WriteLine($"{killed} kills, {writes} writes in an undisturbed life");
    }

    /// <returns>The end state in words, whether the kill happened, and how many writes the operator's first life made.</returns>
    private static async Task<(string End, bool WasKilled, int Writes)> RunAsync(ControlPlane plane, int write, bool after)
    {
        await using HostWorld world = await HostWorld.CreateAsync(plane);
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
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Seeds(3).Parallelism(2));
        Task end = IsAtItsEndAsync(world);
        bool wasKilled = await Task.WhenAny(end, faults.Killed) == faults.Killed;
        if (wasKilled)
        {
            await world.EndAsync(first);
            world.Start();
        }

        await end;
        return (await DescribeAsync(world, sweep.Metadata.Uid!), wasKilled, faults.Writes);
    }

    private static Task IsAtItsEndAsync(HostWorld world) => Wait.UntilAsync(
        async () => (await world.SweepAsync())?.Status is { State: SweepState.Complete }
            && (await world.TrialsAsync()).Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == 3
            && (await world.JobsAsync()).Length == 0 && world.Kubelet.Pods.Length == 0,
        "the sweep is complete, its trials say so, and its Jobs are deleted", Timeouts.Normal);

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
