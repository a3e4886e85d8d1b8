using System.Collections.Concurrent;
using Hem.Progress;
using Hem.Progress.Grpc;
using static Hem.Tests.TrialsBench;
using static Progress.Tests.ProgressBench;

namespace Progress.Tests;

/// <summary>What a trainer makes of each status code: one is final, work is never thrown away for another.</summary>
public sealed class RefusalTests
{
    public static TheoryData<StatusCode> CodesThatMayPass =>
        [.. Enum.GetValues<StatusCode>().Except([StatusCode.OK, StatusCode.FailedPrecondition])];

    [Theory]
    [MemberData(nameof(CodesThatMayPass), DisableDiscoveryEnumeration = true)]
    public async Task A_code_that_may_pass_is_tried_again_with_the_same_token_until_it_has(StatusCode code)
    {
        await using var bench = await StartAsync(authority: real => new RefusingAuthority(real, code, times: 4));
        var client = bench.Connect(await bench.AddAttemptAsync());
        client.Report(Point(0));
        await client.FlushAsync().WaitAsync(Patience);
        (client.Refusal, client.StopReason, client.StopRequested.IsCancellationRequested).ShouldBe((null, null, false));
        bench.StoredIterations().ShouldBe([0]);
    }

    [Fact]
    public async Task An_attempt_that_ended_while_it_was_cut_off_is_told_that_it_is_over_and_is_not_seen_to_connect()
    {
        await using var bench = await StartAsync();
        var attempt = await bench.AddAttemptAsync();
        var client = bench.Connect(attempt);
        await client.Granted.WaitAsync(Patience);
        await bench.StopServerAsync();
        await bench.Service.EndAsync(attempt);
        var seen = 0;
        bench.Service.Connected += (_, _) => Interlocked.Increment(ref seen);
        await bench.StartServerAsync();
        await Until(() => client.Refusal is not null, "it hears that it is over");
        client.Refusal!.StatusCode.ShouldBe(StatusCode.FailedPrecondition);
        client.Refusal.Message.ShouldContain("attempt 1 of s-0 is over");
        client.StopRequested.IsCancellationRequested.ShouldBeTrue();
        await Should.ThrowAsync<ProgressRefusedException>(async () =>
        {
            client.Report(Point(0));
            await client.FlushAsync();
        });
        seen.ShouldBe(0);
    }

    [Fact]
    public async Task Of_the_attempts_that_are_over_so_many_are_remembered_and_no_more()
    {
        var registry = new AttemptRegistry();
        var attempts = Enumerable.Range(0, AttemptRegistry.MostRemembered + 1)
            .Select(i => new AttemptIdentity("sweep", $"trial-{i}", $"attempt-{i}", 1)).ToArray();
        foreach (var attempt in attempts)
        {
            registry.Add(attempt, "old token of " + attempt.AttemptId);
            registry.Gone(attempt);
        }

        (await registry.AuthenticateAsync("old token of attempt-0")).ShouldBeNull();
        (await registry.AuthenticateAsync("old token of attempt-1")).ShouldBe(attempts[1]);
        (await registry.DecideAsync(attempts[1])).ShouldBe(new GrantDecision(GrantKind.Refused, "attempt 1 of trial-1 is over"));

        // One that lives is never forgotten, whatever it was before.
        registry.Add(attempts[1], "old token of attempt-1");
        registry.Add(attempts[0], "another");
        registry.Gone(attempts[0]);
        (await registry.AuthenticateAsync("old token of attempt-1")).ShouldBe(attempts[1]);
    }

    [Fact]
    public async Task A_token_file_that_is_put_right_after_any_time_is_read_again()
    {
        await using var bench = await StartAsync(trials: 2);
        var (mine, other) = (await bench.AddAttemptAsync(), await bench.AddAttemptAsync(trial: 1));
        var file = Path.Combine(bench.Folder, "replaced.token");
        await File.WriteAllTextAsync(file, "nonsense");
        var lines = new ConcurrentQueue<string>();
        var client = bench.Connect(bench.Options(mine) with { TokenFile = file, Log = lines.Enqueue });
        await Until(() => lines.Any(line => line.Contains("Unauthenticated")), "the token is not known");

        // A token speaks for its own attempt alone.
        File.Copy(bench.TokenFile(other), file, overwrite: true);
        await Until(() => lines.Any(line => line.Contains("PermissionDenied")), "the token is another's");
        client.Granted.IsCompleted.ShouldBeFalse();
        File.Copy(bench.TokenFile(mine), file, overwrite: true);
        (await client.Granted.WaitAsync(Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_report_that_breaks_the_rules_is_told_to_people_once_a_minute_and_stops_nothing()
    {
        await using var bench = await StartAsync();
        var attempt = await bench.AddAttemptAsync();
        var (connections, lines) = (0, new ConcurrentQueue<string>());
        bench.Service.Connected += (_, _) => Interlocked.Increment(ref connections);
        var client = bench.Connect(bench.Options(attempt) with { Log = lines.Enqueue });
        await client.Granted.WaitAsync(Patience);
        client.Report(Point(0));
        client.Report(new Evaluated { Iteration = 1, SuccessRate = 1.5 });
        client.Report(Point(2));
        await Until(() => Volatile.Read(ref connections) > 5, "it tries again");

        (client.Refusal, client.StopRequested.IsCancellationRequested).ShouldBe((null, false));
        client.UnacknowledgedCount.ShouldBe(2);
        client.ExportUnacknowledged().ShouldNotBeEmpty();
        bench.StoredIterations().ShouldBe([0]);
        lines.Where(line => line.StartsWith("ERROR", StringComparison.Ordinal)).ShouldHaveSingleItem()
            .ShouldContain("evaluated.success_rate is 1.5");
        lines.Count.ShouldBeLessThan(4);
    }

    /// <summary>Answers the first calls with a code.</summary>
    private sealed class RefusingAuthority(IProgressAuthority real, StatusCode code, int times) : IProgressAuthority
    {
        private int _left = times;

        public event Action<string, string>? Changed
        {
            add => real.Changed += value;
            remove => real.Changed -= value;
        }

        public ValueTask<AttemptIdentity?> AuthenticateAsync(
            string token, string peer = "", CancellationToken cancellationToken = default) =>
            Interlocked.Decrement(ref _left) >= 0
                ? throw new RpcException(new Status(code, "not now (injected)"))
                : real.AuthenticateAsync(token, peer, cancellationToken);

        public ValueTask<GrantDecision> DecideAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default) =>
            real.DecideAsync(attempt, cancellationToken);

        public void Gone(AttemptIdentity attempt) => real.Gone(attempt);
    }
}
