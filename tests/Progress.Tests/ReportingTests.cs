using Hem.Progress;
using static Hem.Tests.TrialsBench;
using static Progress.Tests.ProgressBench;

namespace Progress.Tests;

public sealed class ReportingTests
{
    [Fact]
    public async Task A_trial_is_granted_reports_and_is_complete()
    {
        await using var bench = await StartAsync();
        var attempt = await bench.AddAttemptAsync();
        var told = new List<ulong>();
        bench.Service.Stored += (_, reports) => told.AddRange(reports.Select(r => r.Sequence));
        var client = bench.Connect(attempt);
        (await client.Granted.WaitAsync(Patience)).ShouldBeTrue();
        client.AttemptNumber.ShouldBe(1);
        for (var i = 0; i < 10; i++) client.Report(Point(i));
        client.Report(new Checkpointed { Iteration = 9 });
        client.Report(new Finished { Iteration = 9, WallSeconds = 1 });
        await client.FlushAsync().WaitAsync(Patience);

        client.UnacknowledgedCount.ShouldBe(0);
        bench.StoredIterations().ShouldBe([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        bench.Store.FindTrial(SweepUid, "s-0")!.Finished!.Iteration.ShouldBe(9);
        told.ShouldBe(Enumerable.Range(1, 12).Select(n => (ulong)n));
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_when_the_server_goes_and_comes_back_again_and_again()
    {
        const int Points = 10_000;
        await using var bench = await StartAsync();
        var repeated = 0;
        bench.Service.Stored += (_, reports) => Interlocked.Add(ref repeated, reports.Count);
        var client = bench.Connect(await bench.AddAttemptAsync());
        await client.Granted.WaitAsync(Patience);
        for (var i = 0; i < Points; i++)
        {
            client.Report(Point(i));
            if (i % 2500 != 1250) continue;
            var due = i / 2;
            await Until(() => Volatile.Read(ref repeated) >= due, "reports flow");
            await bench.StopServerAsync();
            await bench.StartServerAsync();
        }

        await client.FlushAsync().WaitAsync(Patience);
        bench.StoredIterations().ShouldBe(Enumerable.Range(0, Points).Select(n => (long)n));
        bench.Store.FindTrial(SweepUid, "s-0")!.DifferingRepeats.ShouldBe(0);
        repeated.ShouldBe(Points);
    }

    [Fact]
    public async Task Reporting_does_not_wait_for_a_server_that_is_away()
    {
        await using var bench = await StartAsync();
        await bench.StopServerAsync();
        var client = bench.Connect(await bench.AddAttemptAsync());
        for (var i = 0; i < 1000; i++) client.Report(Point(i));
        client.UnacknowledgedCount.ShouldBe(1000);
        client.Granted.IsCompleted.ShouldBeFalse();
        await bench.StartServerAsync();
        await client.FlushAsync().WaitAsync(Patience);
        bench.StoredIterations().Count.ShouldBe(1000);
    }

    [Fact]
    public async Task A_resumed_attempt_sends_the_tail_that_the_checkpoint_carried()
    {
        await using var bench = await StartAsync();
        var first = await bench.AddAttemptAsync();
        byte[] tail;
        await using (var client = ProgressClient.Start(bench.Options(first)))
        {
            await client.Granted.WaitAsync(Patience);
            for (var i = 0; i < 5; i++) client.Report(Point(i));
            await client.FlushAsync().WaitAsync(Patience);
            await bench.StopServerAsync();
            for (var i = 5; i < 8; i++) client.Report(Point(i));
            client.Report(new Failed { Reason = "this attempt's own" });
            tail = client.ExportUnacknowledged();
        }

        await bench.StartServerAsync();
        await bench.Service.EndAsync(first);
        var second = bench.Connect(await bench.AddAttemptAsync(number: 2));
        await second.Granted.WaitAsync(Patience);
        second.RestoreUnacknowledged(tail);
        // It goes on from a checkpoint before the last points: they are told a second time, and more.
        for (var i = 7; i < 10; i++) second.Report(Point(i));
        await second.FlushAsync().WaitAsync(Patience);
        bench.StoredIterations().ShouldBe([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        bench.Store.FindTrial(SweepUid, "s-0")!.DifferingRepeats.ShouldBe(0);
        bench.Store.ReadAttempts(SweepUid).ShouldAllBe(a => a.FailedReason == null);
        Should.Throw<InvalidOperationException>(() => second.RestoreUnacknowledged(tail));
        Should.Throw<InvalidDataException>(() => ReportQueue.Read([200, 1, 2]));
    }

    [Fact]
    public async Task A_process_that_speaks_again_for_the_same_attempt_goes_on_after_what_is_stored()
    {
        await using var bench = await StartAsync();
        var attempt = await bench.AddAttemptAsync();
        for (var start = 0; start < 30; start += 10)
        {
            await using var client = ProgressClient.Start(bench.Options(attempt));
            await client.Granted.WaitAsync(Patience);
            for (var i = start; i < start + 10; i++) client.Report(Point(i));
            await client.FlushAsync().WaitAsync(Patience);
        }

        bench.StoredIterations().Count.ShouldBe(30);
        (await bench.Store.AcknowledgedUpToAsync(attempt)).ShouldBe(30UL);
    }

    [Fact]
    public async Task A_sink_that_fails_is_unavailable_and_the_trainer_keeps_its_data_until_it_works()
    {
        FaultySink sink = null!;
        await using var bench = await StartAsync(sink: real => sink = new FaultySink(real) { Failures = 7 });
        var client = bench.Connect(await bench.AddAttemptAsync());
        await client.Granted.WaitAsync(Patience);
        for (var i = 0; i < 500; i++) client.Report(Point(i));
        await client.FlushAsync().WaitAsync(Patience);
        sink.Failures.ShouldBe(0);
        bench.StoredIterations().Count.ShouldBe(500);
    }

    [Fact]
    public async Task Nothing_is_acknowledged_before_it_is_stored()
    {
        FaultySink sink = null!;
        await using var bench = await StartAsync(sink: real => sink = new FaultySink(real));
        sink.Hold();
        var client = bench.Connect(await bench.AddAttemptAsync());
        await client.Granted.WaitAsync(Patience);
        client.Report(Point(0));
        var flushed = client.FlushAsync();
        await sink.Holding.WaitAsync(Patience);
        flushed.IsCompleted.ShouldBeFalse();
        bench.StoredIterations().ShouldBeEmpty();
        sink.Release();
        await flushed.WaitAsync(Patience);
        bench.StoredIterations().ShouldBe([0]);
    }

    [Fact]
    public async Task A_sink_that_stores_and_then_fails_doubles_nothing()
    {
        await using var bench = await StartAsync(sink: real => new FaultySink(real) { FailuresAfterStoring = 5 });
        var client = bench.Connect(await bench.AddAttemptAsync());
        await client.Granted.WaitAsync(Patience);
        for (var i = 0; i < 500; i++) client.Report(Point(i));
        await client.FlushAsync().WaitAsync(Patience);
        bench.StoredIterations().ShouldBe(Enumerable.Range(0, 500).Select(n => (long)n));
        (await bench.Store.AcknowledgedUpToAsync(new(SweepUid, "s-0", "attempt-0-1", 1))).ShouldBe(500UL);
    }
}
