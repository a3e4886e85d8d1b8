using System.Collections.Concurrent;
using Hem.Progress;
using Hem.Progress.Grpc;
using static Hem.Tests.TrialsBench;
using static Progress.Tests.ProgressBench;

namespace Progress.Tests;

public sealed class ExpiryTests
{
    [Fact]
    public async Task A_stream_ends_with_its_token_and_goes_on_with_the_next_one()
    {
        ExpiringAuthority? authority = null;
        var time = new ManualTime();
        await using var bench = await StartAsync(authority: real => authority = new ExpiringAuthority(real), time: time);
        var rejections = new ConcurrentQueue<(string Method, StatusCode Code)>();
        bench.Service.Rejected += (method, code) => rejections.Enqueue((method, code));
        var attempt = await bench.AddAttemptAsync();
        bench.Registry.Add(attempt, "second token");
        authority!.Expiries["token of attempt-0-1"] = time.GetUtcNow().AddHours(1);

        var connections = 0;
        bench.Service.Connected += (_, _) => Interlocked.Increment(ref connections);
        var client = bench.Connect(attempt);
        (await client.Granted.WaitAsync(Patience)).ShouldBeTrue();
        client.Report(Point(0));
        await client.FlushAsync().WaitAsync(Patience);
        await Until(() => connections == 1, "one connection");
        time.Advance(TimeSpan.FromHours(1));
        await Until(() => rejections.Contains(("/hem.v1.Progress/Report", StatusCode.Unauthenticated)), "the first token has expired");
        client.Report(Point(1));
        client.UnacknowledgedCount.ShouldBe(1);

        await File.WriteAllTextAsync(bench.TokenFile(attempt), "second token");
        await client.FlushAsync().WaitAsync(Patience);
        bench.StoredIterations().ShouldBe([0, 1]);
        client.Refusal.ShouldBeNull();
    }

    private sealed class ExpiringAuthority(IProgressAuthority real) : IProgressAuthority
    {
        public ConcurrentDictionary<string, DateTimeOffset> Expiries { get; } = [];

        public event Action<string, string>? Changed
        {
            add => real.Changed += value;
            remove => real.Changed -= value;
        }

        public ValueTask<AttemptIdentity?> AuthenticateAsync(
            string token, string peer = "", CancellationToken cancellationToken = default) =>
            real.AuthenticateAsync(token, peer, cancellationToken);

        public DateTimeOffset? ExpiryOf(string token) => Expiries.TryGetValue(token, out var expiry) ? expiry : null;

        public ValueTask<GrantDecision> DecideAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default) =>
            real.DecideAsync(attempt, cancellationToken);

        public void Gone(AttemptIdentity attempt) => real.Gone(attempt);
    }
}
