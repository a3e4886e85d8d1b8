using System.Net;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;
using Hem.TestCluster;

namespace Operator.Tests.Sweeps;

/// <summary>An API server that is busy, slow and forgetful, under a whole sweep.</summary>
public sealed class FaultTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task A_sweep_runs_to_its_end_whatever_becomes_of_the_operators_requests()
    {
        const int Trials = 12;
        await using SweepWorld world = await SweepWorld.CreateAsync(fixture.ControlPlane, start: false);
        var faults = new FaultHandler();
        var slow = new TaskCompletionSource();
        FaultRule[] rules =
        [
            faults.OnWatch("pods", Fault.DelayBodyUntil(slow.Task), 1),
            faults.OnWatch("pods", Fault.Status(HttpStatusCode.Gone, reason: "Expired"), 2),
            faults.OnWatch("jobs", Fault.CutBody(20_000), 3),
            faults.OnWatch("hemtrials", Fault.RepeatLines(), 3),
            faults.OnWatch("hemsweeps", Fault.Status(HttpStatusCode.InternalServerError), 2),
            faults.OnList("jobs", Fault.Status(HttpStatusCode.TooManyRequests, retryAfter: 1), 2),
            faults.OnList("hemtrials", Fault.CutBody(100), 2),
            faults.On(Each(4, IsWrite), Fault.Status(HttpStatusCode.TooManyRequests, retryAfter: 1), 12),
            faults.On(Each(5, IsWrite), Fault.Status(HttpStatusCode.ServiceUnavailable), 12),
            faults.On(Each(5, IsWrite), Fault.Drop(), 12),
            faults.On(Each(4, IsWrite), Fault.DropAnswer(), 12),
            faults.On(Each(5, IsWrite), Fault.Repeat(), 12),
            faults.On(Each(6, IsWrite), Fault.Status(HttpStatusCode.Conflict, reason: "Conflict"), 6),
        ];
        world.Faults = faults.Wrap;
        world.StartOperator();
        world.Kubelet.Train = pod => world.Kubelet.IsFirst(pod) ? Training.Fails(1, "out of luck") : Training.Finishes;
        HemSweepResource sweep = await world.ApplyAsync(SweepBuilder.Make().Seeds(Trials).Parallelism(4));
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length > 0, "there are Jobs", Timeouts.Normal);
        slow.SetResult();
        for (int done = 3; done < Trials; done += 3)
        {
            await Wait.UntilAsync(() => Finished() >= done, $"{done} have finished", Timeouts.Normal);
            faults.BreakOpenBodies();
        }

        await world.CompleteAsync(Trials);
        HemTrialResource[] trials = await world.TrialsAsync(
            all => all.Count(trial => trial.Status?.Phase == HemTrialPhase.Succeeded) == Trials, "all say so");
        trials.Sum(trial => trial.Status!.Failures).ShouldBe(1);
        trials.Sum(trial => trial.Status!.Disruptions).ShouldBe(0);
        await Wait.UntilAsync(async () => (await world.JobsAsync()).Length == 0, "the Jobs are deleted", Timeouts.Normal);
        world.Store.ReadAttempts(sweep.Metadata.Uid!).Count().ShouldBe(Trials + 1);
        world.Kubelet.MostOfOneTrial.ShouldBe(1);
        world.Kubelet.MostAtOnce.ShouldBeLessThanOrEqualTo(4);
        rules.Select(rule => rule.Met).ShouldAllBe(met => met > 0);

        int Finished() => world.Store.ReadTrials(sweep.Metadata.Uid!).Count(trial => trial.Finished is not null);
    }

    private static bool IsWrite(HttpRequestMessage request) => request.Method != HttpMethod.Get;

    /// <summary>Every so manieth of those.</summary>
    private static Func<HttpRequestMessage, bool> Each(int n, Func<HttpRequestMessage, bool> match)
    {
        int count = 0;
        return request => match(request) && ++count % n == 0;
    }
}
