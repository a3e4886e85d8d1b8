using Hem.Progress;
using Hem.Progress.Grpc;
using static Hem.Tests.TrialsBench;
using static Progress.Tests.ProgressBench;

namespace Progress.Tests;

public sealed class GrantTests
{
    [Fact]
    public async Task A_second_attempt_waits_until_the_first_is_gone_and_the_first_is_refused_from_then_on()
    {
        await using var bench = await StartAsync();
        var (first, second) = (await bench.AddAttemptAsync(), await bench.AddAttemptAsync(number: 2));
        var old = bench.Connect(first);
        await old.Granted.WaitAsync(Patience);
        old.Report(Point(0));
        await old.FlushAsync().WaitAsync(Patience);

        using var young = new RawStream(bench, second);
        await young.StartAsync();
        (await young.NextAsync()).Wait.Reason.ShouldContain("attempt 1");
        await bench.Service.EndAsync(first);
        var granted = (await young.NextAsync()).Granted;
        (granted.Attempt, granted.AcknowledgedUpTo).ShouldBe((2U, 0UL));

        await Until(() => old.Refusal is not null, "the first attempt is refused");
        old.Refusal!.StatusCode.ShouldBe(StatusCode.FailedPrecondition);
        old.StopRequested.IsCancellationRequested.ShouldBeTrue();
        old.Report(Point(1));
        await Should.ThrowAsync<ProgressRefusedException>(old.FlushAsync());
        bench.StoredIterations().ShouldBe([0]);

        using var again = new RawStream(bench, first);
        var over = await again.FailAsync();
        (over.StatusCode, over.Status.Detail).ShouldBe((StatusCode.FailedPrecondition, "attempt 1 of s-0 is over"));
    }

    [Fact]
    public async Task The_attempt_with_the_lower_number_has_the_grant_whoever_connects_first()
    {
        await using var bench = await StartAsync();
        var (first, second) = (await bench.AddAttemptAsync(), await bench.AddAttemptAsync(number: 2));
        var young = bench.Connect(second);
        await Until(() => bench.Service.IsConnected(second), "the second attempt is connected");
        await bench.Connect(first).Granted.WaitAsync(Patience);
        young.Granted.IsCompleted.ShouldBeFalse();
        await bench.Service.EndAsync(first);
        (await young.Granted.WaitAsync(Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_report_without_the_grant_is_refused_and_not_stored()
    {
        await using var bench = await StartAsync();
        await bench.AddAttemptAsync();
        using var waiting = new RawStream(bench, await bench.AddAttemptAsync(number: 2));
        await waiting.StartAsync();
        (await waiting.NextAsync()).OrderCase.ShouldBe(HemMessage.OrderOneofCase.Wait);
        await waiting.ReportAsync(1, Point(0));
        // Not FAILED_PRECONDITION, which says that the attempt is over: this is a trainer's mistake.
        (await waiting.FailAsync()).StatusCode.ShouldBe(StatusCode.InvalidArgument);
        bench.StoredIterations().ShouldBeEmpty();
    }

    [Fact]
    public async Task What_an_attempt_sent_before_its_end_is_stored_before_the_next_is_granted()
    {
        FaultySink sink = null!;
        await using var bench = await StartAsync(sink: real => sink = new FaultySink(real));
        var (first, second) = (await bench.AddAttemptAsync(), await bench.AddAttemptAsync(number: 2));
        var old = bench.Connect(first);
        await old.Granted.WaitAsync(Patience);
        var young = bench.Connect(second);
        sink.Hold();
        old.Report(Point(0));
        await sink.Holding.WaitAsync(Patience);
        var ending = bench.Service.EndAsync(first);
        young.Granted.IsCompleted.ShouldBeFalse();
        sink.Release();
        await ending.WaitAsync(Patience);
        bench.StoredIterations().ShouldBe([0]);
        (await young.Granted.WaitAsync(Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_new_stream_of_an_attempt_takes_the_place_of_its_old_one()
    {
        await using var bench = await StartAsync();
        var attempt = await bench.AddAttemptAsync();
        using var old = new RawStream(bench, attempt);
        await old.StartAsync();
        await old.NextAsync();
        await old.ReportAsync(1, Point(0));
        (await old.NextAsync()).Acknowledged.UpTo.ShouldBe(1UL);
        using var young = new RawStream(bench, attempt);
        await young.StartAsync();
        (await young.NextAsync()).Granted.AcknowledgedUpTo.ShouldBe(1UL);
        (await old.FailAsync()).StatusCode.ShouldBe(StatusCode.Aborted);
        await young.ReportAsync(2, Point(1));
        (await young.NextAsync()).Acknowledged.UpTo.ShouldBe(2UL);
        bench.Service.IsConnected(attempt).ShouldBeTrue();
    }

    [Fact]
    public async Task Stop_and_Save_reach_a_connected_attempt()
    {
        await using var bench = await StartAsync();
        var attempt = await bench.AddAttemptAsync();
        bench.Service.Save(attempt).ShouldBeFalse();
        var client = bench.Connect(attempt);
        var saves = 0;
        client.SaveRequested += () => Interlocked.Increment(ref saves);
        await client.Granted.WaitAsync(Patience);
        bench.Service.Save(attempt).ShouldBeTrue();
        await Until(() => saves == 1, "the save arrives");
        client.StopRequested.IsCancellationRequested.ShouldBeFalse();
        bench.Service.Stop(attempt, "the sweep is suspended");
        await Until(() => client.StopRequested.IsCancellationRequested, "the stop arrives");
        (client.StopReason, client.Refusal).ShouldBe(("the sweep is suspended", null));

        // It may still report what it did last.
        client.Report(Point(3));
        await client.FlushAsync().WaitAsync(Patience);
        bench.StoredIterations().ShouldBe([3]);
    }

    [Fact]
    public async Task A_stop_is_remembered_for_an_attempt_that_is_not_connected()
    {
        await using var bench = await StartAsync();
        var attempt = await bench.AddAttemptAsync();
        bench.Service.Stop(attempt, "enough");
        for (var connection = 0; connection < 2; connection++)
        {
            using var stream = new RawStream(bench, attempt);
            await stream.StartAsync();
            (await stream.NextAsync()).OrderCase.ShouldBe(HemMessage.OrderOneofCase.Granted);
            (await stream.NextAsync()).Stop.Reason.ShouldBe("enough");
        }
    }

    [Fact]
    public async Task An_attempt_that_waits_can_be_asked_to_leave_without_having_begun()
    {
        await using var bench = await StartAsync();
        await bench.AddAttemptAsync();
        var second = await bench.AddAttemptAsync(number: 2);
        var client = bench.Connect(second);
        bool? answeredFirst = null;
        using var asked = client.StopRequested.Register(() => answeredFirst = client.Granted.IsCompleted);
        await Until(() => bench.Service.IsConnected(second), "the second attempt is connected");
        bench.Service.Stop(second, "not needed any more");
        (await client.Granted.WaitAsync(Patience)).ShouldBeFalse();
        client.StopRequested.IsCancellationRequested.ShouldBeTrue();
        answeredFirst.ShouldBe(false);
        client.StopReason.ShouldBe("not needed any more");
    }

    [Fact]
    public async Task A_gap_is_refused_naming_the_sequence_that_was_expected_and_a_repeat_is_acknowledged_again()
    {
        await using var bench = await StartAsync();
        using var stream = new RawStream(bench, await bench.AddAttemptAsync());
        await stream.StartAsync();
        await stream.NextAsync();
        await stream.ReportAsync(1, Point(0));
        (await stream.NextAsync()).Acknowledged.UpTo.ShouldBe(1UL);
        await stream.ReportAsync(1, Point(0));
        (await stream.NextAsync()).Acknowledged.UpTo.ShouldBe(1UL);
        await stream.ReportAsync(3, Point(1));
        var e = await stream.FailAsync();
        (e.StatusCode, e.Status.Detail).ShouldBe(
            (StatusCode.InvalidArgument, "report 3 came where report 2 was expected; sequences start at 1 and leave no gap"));
        bench.StoredIterations().ShouldBe([0]);
    }

    [Fact]
    public async Task A_stream_that_does_not_begin_with_Started_or_has_no_token_is_refused()
    {
        await using var bench = await StartAsync();
        using var stream = new RawStream(bench, await bench.AddAttemptAsync());
        await stream.ReportAsync(1, Point(0));
        (await stream.FailAsync()).StatusCode.ShouldBe(StatusCode.InvalidArgument);
        using var channel = GrpcChannel.ForAddress("unix:" + bench.Socket);
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(ProgressMethods.Report, null, default);
        (await Should.ThrowAsync<RpcException>(call.ResponseStream.MoveNext(default).WaitAsync(Patience)))
            .StatusCode.ShouldBe(StatusCode.Unauthenticated);
    }

    public static TheoryData<string, TrainerMessage> Breaches => new()
    {
        { "success_rate", new() { Evaluated = new() { SuccessRate = double.NaN } } },
        { "success_rate", new() { Evaluated = new() { SuccessRate = -0.1 } } },
        { "wall_seconds", new() { Evaluated = new() { WallSeconds = double.PositiveInfinity } } },
        { "goal_coverage", new() { Evaluated = new() { GoalCoverage = double.NaN } } },
        { "goal_coverage", new() { Evaluated = new() { GoalCoverage = -1 } } },
        { "env_steps", new() { Evaluated = new() { EnvSteps = ulong.MaxValue } } },
        { "wall_seconds", new() { Finished = new() { WallSeconds = -1 } } },
        { "iteration", new() { Checkpointed = new() { Iteration = ulong.MaxValue } } },
        { "Started", new() { Started = new() } },
        { "none of", new() },
    };

    [Theory]
    [MemberData(nameof(Breaches), DisableDiscoveryEnumeration = true)]
    public void A_value_that_cannot_be_is_named(string named, TrainerMessage message)
    {
        var e = Should.Throw<RpcException>(() => ReportRules.Check(message));
        e.StatusCode.ShouldBe(StatusCode.InvalidArgument);
        e.Status.Detail.ShouldContain(named);
    }

    [Fact]
    public void A_loss_may_be_missing_or_infinite()
    {
        ReportRules.Check(new() { Evaluated = new() { SuccessRate = 1, Loss = double.NaN } });
        ReportRules.Check(new() { Evaluated = new() { SuccessRate = 0, Loss = double.PositiveInfinity } });
    }
}
