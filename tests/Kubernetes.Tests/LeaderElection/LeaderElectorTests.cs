using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Hem.Kubernetes.Tests.Support;
using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.LeaderElection;

public class LeaderElectorTests(ControlPlaneFixture fixture) : ApiServerTest(fixture)
{
    private readonly List<LeaderElector> _electors = [];

    private LeaderElector NewElector(string identity, KubernetesClient? client = null, bool release = true, int seconds = 9)
    {
        var elector = new LeaderElector(client ?? Client, new()
        {
            Namespace = Namespace,
            Name = "lead",
            Identity = identity,
            LeaseDuration = TimeSpan.FromSeconds(seconds),
            RenewDeadline = TimeSpan.FromSeconds(seconds * 2 / 3.0),
            RetryPeriod = TimeSpan.FromSeconds(Math.Min(seconds / 6.0, 2)),
            ReleaseOnCancel = release,
        });
        _electors.Add(elector);
        return elector;
    }

    private Task<V1Lease?> LeaseAsync() => Client.GetAsync(Resources.Leases, Namespace, "lead", Cancel);

    /// <summary>Leads, or wants to, until it is stopped.</summary>
    private sealed class Running
    {
        private readonly CancellationTokenSource _stop = new();

        public Running(LeaderElector elector) => Run = elector.RunAsync(async cancel =>
        {
            Started.TrySetResult();
            var ended = new TaskCompletionSource();
            using var _ = cancel.Register(() => ended.TrySetResult());
            await ended.Task;
            Cancelled.TrySetResult();
            await MayEnd.Task;
        }, () => Stopped++, _stop.Token);

        public Task Run { get; }
        public TaskCompletionSource Started { get; } = new();
        public TaskCompletionSource Cancelled { get; } = new();
        public TaskCompletionSource MayEnd { get; } = new();
        public int Stopped { get; private set; }

        public void Stop()
        {
            MayEnd.TrySetResult();
            _stop.Cancel();
        }

        public void StopSlowly() => _stop.Cancel();
    }

    [Fact]
    public async Task One_leads_and_gives_the_lease_to_the_next_when_it_stops()
    {
        var (a, b) = (NewElector("a", seconds: 60), NewElector("b", seconds: 60));
        var leads = new Running(a);
        await leads.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        var waits = new Running(b);
        await Wait.UntilAsync(() => b.Holder == "a", "b sees a lead");
        (a.IsLeader, b.IsLeader).ShouldBe((true, false));
        var lease = (await LeaseAsync())!.Spec!;
        (lease.HolderIdentity, lease.LeaseDurationSeconds, lease.LeaseTransitions).ShouldBe(("a", 60, 0));

        leads.Stop();
        await leads.Run;
        a.IsLeader.ShouldBeFalse();
        // Long before it would have passed.
        await waits.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        lease = (await LeaseAsync())!.Spec!;
        (lease.HolderIdentity, lease.LeaseTransitions).ShouldBe(("b", 1));
        waits.Stop();
        await waits.Run;
        (await LeaseAsync())!.Spec!.HolderIdentity.ShouldBeNullOrEmpty();
        (leads.Stopped, waits.Stopped).ShouldBe((1, 1));
    }

    [Fact]
    public async Task The_lease_is_kept_until_the_work_has_ended()
    {
        var (a, b) = (NewElector("a"), NewElector("b"));
        var leads = new Running(a);
        await leads.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        leads.StopSlowly();
        await leads.Cancelled.Task.WaitAsync(Timeouts.Quick, Cancel);
        var waits = new Running(b);
        var renewed = (await LeaseAsync())!.Spec!.RenewTime;
        // Longer than the lease would last, were it not renewed.
        await Wait.UntilAsync(async () => (await LeaseAsync())!.Spec!.RenewTime > renewed + TimeSpan.FromSeconds(10),
            "it is renewed for long", Timeouts.Normal);
        a.IsLeader.ShouldBeTrue();
        waits.Started.Task.IsCompleted.ShouldBeFalse();
        leads.MayEnd.SetResult();
        await leads.Run;
        await waits.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        waits.Stop();
        await waits.Run;
    }

    [Fact]
    public async Task Who_hands_over_leads_no_more_and_another_does_while_the_rest_of_the_work_ends()
    {
        var (a, b) = (NewElector("a", seconds: 60), NewElector("b", seconds: 60));
        var leads = new Running(a);
        await leads.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        var waits = new Running(b);
        leads.StopSlowly();
        await leads.Cancelled.Task.WaitAsync(Timeouts.Quick, Cancel);
        a.HandOver();
        await waits.Started.Task.WaitAsync(Timeouts.Normal, Cancel);
        (a.IsLeader, b.IsLeader, leads.Run.IsCompleted).ShouldBe((false, true, false));
        leads.MayEnd.SetResult();
        await leads.Run;
        waits.Stop();
        await waits.Run;
    }

    [Fact]
    public async Task A_leader_that_cannot_renew_stops_before_another_leads()
    {
        var faults = new FaultHandler();
        var (a, b) = (NewElector("a", NewClient(faults)), NewElector("b"));
        var leads = new Running(a);
        await leads.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        var waits = new Running(b);
        await Wait.UntilAsync(() => b.Holder == "a", "b sees a lead");
        faults.Kill();
        await leads.Cancelled.Task.WaitAsync(Timeouts.Quick, Cancel);
        a.IsLeader.ShouldBeFalse();
        b.IsLeader.ShouldBeFalse();
        await waits.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        leads.Stop();
        waits.Stop();
        await Task.WhenAll(leads.Run, waits.Run);
    }

    [Fact]
    public async Task Two_never_lead_at_a_time_whatever_happens_to_their_requests()
    {
        var log = new ConcurrentQueue<string>();
        var leading = 0;
        using var stop = new CancellationTokenSource();
        var random = Random.Shared;
        var faults = Enumerable.Range(0, 3).Select(_ => new FaultHandler()).ToList();
        var electors = faults.Select((fault, i) => NewElector($"e{i}", NewClient(fault), release: i != 0, seconds: 3)).ToList();
        var runs = electors.Select(elector => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await elector.RunAsync(async cancel =>
                {
                    if (Interlocked.Increment(ref leading) != 1) log.Enqueue($"{elector.Options.Identity} is the second");
                    using var some = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                    some.CancelAfter(random.Next(200, 1500));
                    await Task.Delay(Timeout.Infinite, some.Token).ContinueWith(_ => { }, TaskScheduler.Default);
                    Interlocked.Decrement(ref leading);
                }, null, stop.Token);
                // Long enough at times that a lease which could not be released is another's.
                await Task.Delay(random.Next(4000), stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        })).ToList();
        foreach (var fault in faults)
        {
            fault.On(request => random.Next(12) == 0, Fault.Drop());
            fault.On(request => random.Next(12) == 0, Fault.DropAnswer());
            fault.On(request => random.Next(12) == 0, Fault.Repeat());
            fault.On(request => random.Next(12) == 0, Fault.Status(HttpStatusCode.Conflict));
            fault.On(request => random.Next(12) == 0, Fault.Status(HttpStatusCode.InternalServerError));
        }
        await Wait.UntilAsync(async () => (await LeaseAsync())?.Spec?.LeaseTransitions > 6, "it was led by others seven times",
            Timeouts.Normal);
        await stop.CancelAsync();
        await Task.WhenAll(runs);
        log.ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_loses_the_lease_to_another_stops_at_once()
    {
        var a = NewElector("a", seconds: 60);
        var leads = new Running(a);
        await leads.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        await Client.MergePatchAsync(Resources.Leases, Namespace, "lead",
            new JsonObject { ["spec"] = new JsonObject { ["holderIdentity"] = "thief" } }, cancel: Cancel);
        await leads.Cancelled.Task.WaitAsync(Timeouts.Quick, Cancel);
        a.IsLeader.ShouldBeFalse();
        a.Holder.ShouldBe("thief");
        leads.Stop();
        await leads.Run;
        (await LeaseAsync())!.Spec!.HolderIdentity.ShouldBe("thief");
    }

    [Fact]
    public async Task A_label_on_the_lease_and_a_lease_that_vanished_change_nothing()
    {
        var a = NewElector("a");
        var leads = new Running(a);
        await leads.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        await Client.MergePatchAsync(Resources.Leases, Namespace, "lead",
            new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["x"] = "y" } } }, cancel: Cancel);
        var before = (await LeaseAsync())!;
        await Wait.UntilAsync(async () => (await LeaseAsync())!.Spec!.RenewTime > before.Spec!.RenewTime, "it is renewed");
        await Client.DeleteAsync(Resources.Leases, Namespace, "lead", cancel: Cancel);
        await Wait.UntilAsync(async () => (await LeaseAsync())?.Spec?.HolderIdentity == "a", "it is there again");
        (await LeaseAsync())!.Metadata.Uid.ShouldNotBe(before.Metadata.Uid);
        a.IsLeader.ShouldBeTrue();
        leads.Stop();
        await leads.Run;
        leads.Stopped.ShouldBe(1);
    }

    [Fact]
    public async Task Work_that_fails_is_told_and_the_lease_released()
    {
        var a = NewElector("a");
        await Should.ThrowAsync<InvalidOperationException>(
            () => a.RunAsync(_ => throw new InvalidOperationException("made by a test"), cancel: Cancel));
        (await LeaseAsync())!.Spec!.HolderIdentity.ShouldBeNullOrEmpty();
        a.IsLeader.ShouldBeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_leader_that_was_stopped_or_suspended_knows_at_once_that_it_leads_no_more(bool suspended)
    {
        var time = new ManualTime();
        var a = NewElector("a", NewClient(options: new() { Time = time }), seconds: 15);
        var leads = new Running(a);
        await leads.Started.Task.WaitAsync(Timeouts.Quick, Cancel);
        a.IsLeader.ShouldBeTrue();
        if (suspended) time.Suspend(TimeSpan.FromSeconds(10));
        else time.Stop(TimeSpan.FromSeconds(10));
        a.IsLeader.ShouldBeFalse();
        leads.Cancelled.Task.IsCompleted.ShouldBeFalse("no timer has rung yet");
        var renewed = (await LeaseAsync())!.Spec!.RenewTime;
        time.Advance(TimeSpan.FromSeconds(3));
        await leads.Cancelled.Task.WaitAsync(Timeouts.Quick, Cancel);
        leads.Stop();
        await leads.Run;
        var lease = (await LeaseAsync())!.Spec!;
        (lease.HolderIdentity, lease.RenewTime).ShouldBe(("a", renewed), "it neither renewed nor released what may be another's");
    }

    [Fact]
    public async Task A_candidates_clock_need_not_agree_with_the_leaders()
    {
        var time = new ManualTime();
        await Client.CreateAsync(Resources.Leases, new V1Lease
        {
            Metadata = new() { Namespace = Namespace, Name = "lead" },
            Spec = new() { HolderIdentity = "dead", LeaseDurationSeconds = 15, RenewTime = time.GetUtcNow().AddYears(-1) },
        }, cancel: Cancel);
        var b = NewElector("b", NewClient(options: new() { Time = time }), seconds: 15);
        var waits = new Running(b);
        await Wait.UntilAsync(() => b.Holder == "dead" && time.Timers > 0, "b waits");
        b.IsLeader.ShouldBeFalse();
        for (var i = 0; i < 14; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Wait.UntilAsync(() => time.Timers > 0, "b waits");
        }
        waits.Started.Task.IsCompleted.ShouldBeFalse();
        await Wait.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(0.1));
            return waits.Started.Task.IsCompleted;
        }, "b leads");
        waits.Stop();
        await waits.Run;
    }

    [Fact]
    public void Times_that_do_not_go_together_are_refused()
    {
        var options = new LeaderElectionOptions { Namespace = "n", Name = "l", Identity = "i" };
        new LeaderElector(Client, options).Dispose();
        Should.Throw<ArgumentException>(() => new LeaderElector(Client, options with { RenewDeadline = TimeSpan.FromSeconds(15) }));
        Should.Throw<ArgumentException>(() => new LeaderElector(Client, options with { RetryPeriod = TimeSpan.FromSeconds(10) }));
        Should.Throw<ArgumentException>(() => new LeaderElector(Client, options with { LeaseDuration = TimeSpan.FromSeconds(12.5) }));
        Should.Throw<ArgumentException>(() => new LeaderElector(Client, options with { Identity = "" }));
    }

    [Fact]
    public async Task Who_leads_is_measured()
    {
        using var metrics = new MetricReader();
        var a = new LeaderElector(Client, new() { Namespace = Namespace, Name = "measured", Identity = "a" });
        metrics.Gauge("leader_election_master_status", ("name", "measured")).ShouldBe(0);
        await a.RunAsync(_ =>
        {
            metrics.Gauge("leader_election_master_status", ("name", "measured")).ShouldBe(1);
            return Task.CompletedTask;
        }, cancel: Cancel);
        metrics.Gauge("leader_election_master_status", ("name", "measured")).ShouldBe(0);
        a.Dispose();
    }
}
