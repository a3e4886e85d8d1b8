using Hem.Kubernetes;
using Hem.Operator.Progress;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Progress.Grpc;
using Hem.Results;
using Hem.TestCluster;
using static Hem.Tests.TrialsBench;
using static Operator.Tests.Progress.ProgressBench;
using Wait = Hem.TestCluster.Wait;

namespace Operator.Tests.Progress;

/// <summary>Who may report: real tokens of real pods, reviewed by a real API server.</summary>
public sealed class PodTokenTests(ControlPlaneFixture fixture)
{
    private const string Report = "Progress/Report";

    [Fact]
    public async Task A_pod_reports_with_its_token()
    {
        await using var bench = await ProgressBench.StartAsync(fixture);
        await bench.ClaimAsync();
        var client = bench.Connect(await bench.AddPodAsync());
        (await client.Granted.WaitAsync(Timeouts.Normal)).ShouldBeTrue();
        client.AttemptNumber.ShouldBe(1);
        client.Report(Point(0));
        client.Report(new Finished { Iteration = 1 });
        await client.FlushAsync().WaitAsync(Timeouts.Normal);
        bench.StoredIterations().ShouldBe([0]);
        bench.Store.FindTrial(SweepUid, "s-0")!.Finished.ShouldNotBeNull();
        await Wait.UntilAsync(() => bench.Counts["hem_reports_received_total{Evaluated}"] == 1, "the report is counted");
        bench.Counts["hem_progress_streams{}"].ShouldBe(1);
    }

    [Fact]
    public async Task A_pod_reports_for_no_trial_but_its_own()
    {
        await using var bench = await ProgressBench.StartAsync(fixture, trials: 2);
        await bench.ClaimAsync(trial: 0);
        await bench.ClaimAsync(trial: 1);
        var (pod, other) = (await bench.AddPodAsync(trial: 0), await bench.AddPodAsync(trial: 1));
        var client = bench.Connect(bench.Options(pod) with { Trial = "s-1", Attempt = other.Attempt.AttemptId });
        await Wait.UntilAsync(() => bench.Counts.Rejected(Report, "PermissionDenied") > 0, "it is refused");
        await Wait.UntilAsync(() => pod.Log.Any(line => line.Contains("the token is that of attempt 1 of trial s-0")), "it is told why");
        client.Granted.IsCompleted.ShouldBeFalse();
    }

    [Theory]
    [InlineData("for another audience", "Unauthenticated")]
    [InlineData("nonsense", "Unauthenticated")]
    [InlineData("of no pod", "PermissionDenied")]
    public async Task A_token_that_is_no_trials_is_refused(string kind, string code)
    {
        await using var bench = await ProgressBench.StartAsync(fixture);
        await bench.ClaimAsync();
        var pod = await bench.AddPodAsync();
        await File.WriteAllTextAsync(pod.TokenFile, kind switch
        {
            "for another audience" => await bench.TokenAsync(pod, audience: "vault"),
            "of no pod" => (await bench.Client.CreateTokenAsync(
                bench.Namespace, "default", new V1TokenRequestSpec { Audiences = ["hem-progress"] })).Token!,
            _ => "a.b.c",
        });
        var client = bench.Connect(pod);
        await Wait.UntilAsync(() => bench.Counts.Rejected(Report, code) > 0, "it is refused");
        client.Granted.IsCompleted.ShouldBeFalse();
        (await Should.ThrowAsync<RpcException>(client.GetCheckpointAsync(Stream.Null))).StatusCode.ToString().ShouldBe(code);
        bench.Counts.Rejected("Checkpoints/Get", code).ShouldBe(1);
    }

    [Fact]
    public async Task A_pod_that_the_operator_does_not_see_yet_is_let_in_once_it_does()
    {
        await using var bench = await ProgressBench.StartAsync(fixture);
        var pod = await bench.AddPodAsync(seen: false);
        var client = bench.Connect(pod);
        await Wait.UntilAsync(() => bench.Counts.Rejected(Report, "Unauthenticated") > 0, "it is refused");
        bench.Pods.Add(pod.Attempt);
        var before = bench.Counts.Rejected(Report, "Unauthenticated");
        await Wait.UntilAsync(() => bench.Counts.Rejected(Report, "Unauthenticated") > before, "its attempt has no record yet");
        await bench.ClaimAsync();
        (await client.Granted.WaitAsync(Timeouts.Normal)).ShouldBeTrue();
    }

    [Fact]
    public async Task The_grant_moves_when_the_earlier_pod_is_gone_and_not_before()
    {
        await using var bench = await ProgressBench.StartAsync(fixture);
        await bench.ClaimAsync();
        var first = await bench.AddPodAsync();
        var holder = bench.Connect(first);
        await holder.Granted.WaitAsync(Timeouts.Normal);
        await bench.ClaimAsync(number: 2);
        var second = bench.Connect(await bench.AddPodAsync(number: 2));
        await Wait.UntilAsync(() => bench.Counts["hem_progress_streams{}"] == 2, "the second has connected");
        second.Granted.IsCompleted.ShouldBeFalse();

        await bench.DeletePodAsync(first);
        second.Granted.IsCompleted.ShouldBeFalse();
        bench.Pods.End(first.Attempt, gone: true);
        await bench.Service.EndAsync(first.Attempt);
        (await second.Granted.WaitAsync(Timeouts.Normal)).ShouldBeTrue();
        await Wait.UntilAsync(() => holder.Refusal is not null, "the first hears that it is over");
    }

    [Fact]
    public async Task A_second_pod_of_one_attempt_waits_for_the_first_and_counts_its_own_reports()
    {
        await using var bench = await ProgressBench.StartAsync(fixture);
        await bench.ClaimAsync();
        var first = await bench.AddPodAsync();
        var holder = bench.Connect(first);
        await holder.Granted.WaitAsync(Timeouts.Normal);
        foreach (var i in Enumerable.Range(0, 3)) holder.Report(Point(i));
        await holder.FlushAsync().WaitAsync(Timeouts.Normal);
        var second = bench.Connect(await bench.AddPodAsync());
        await Wait.UntilAsync(() => bench.Counts["hem_progress_streams{}"] == 2, "the second has connected");
        second.Granted.IsCompleted.ShouldBeFalse();

        bench.Pods.End(first.Attempt, gone: true);
        await bench.Service.EndAsync(first.Attempt);
        await second.Granted.WaitAsync(Timeouts.Normal);
        second.AttemptNumber.ShouldBe(1);
        foreach (var i in Enumerable.Range(2, 3)) second.Report(Point(i));
        await second.FlushAsync().WaitAsync(Timeouts.Normal);
        bench.StoredIterations().ShouldBe([0, 1, 2, 3, 4]);
        (await bench.Store.AcknowledgedUpToAsync(first.Attempt)).ShouldBe(3UL);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_new_leader_refuses_an_attempt_that_is_over_whether_or_not_its_pod_is_still_there(bool deleted)
    {
        await using var bench = await ProgressBench.StartAsync(fixture);
        await bench.ClaimAsync();
        var pod = await bench.AddPodAsync();
        var client = bench.Connect(pod);
        await client.Granted.WaitAsync(Timeouts.Normal);
        await client.DisposeAsync();
        await bench.Store.EndAttemptAsync(AttemptKey.InStore(SweepUid, "s-0", 1), AttemptOutcome.Disrupted, "node lost");
        if (deleted) await bench.DeletePodAsync(pod);

        var pods = new FakePods();
        using var leader = new PodTokenAuthority(pods, bench.Store, new TokenReviewer(bench.Client), bench.Metrics);
        var token = await File.ReadAllTextAsync(pod.TokenFile);
        if (deleted)
        {
            // The API server forgets a token soon after its pod.
            await Wait.UntilAsync(async () => await new TokenReviewer(bench.Client).ReviewAsync(token, "hem-progress") is null,
                "the token is good no more");
            (await Should.ThrowAsync<RpcException>(leader.AuthenticateAsync(token).AsTask()))
                .StatusCode.ShouldBe(StatusCode.FailedPrecondition);
        }
        else
        {
            var attempt = (await leader.AuthenticateAsync(token)).ShouldNotBeNull();
            attempt.ShouldBe(pod.Attempt);
            (await leader.DecideAsync(attempt)).ShouldBe(new GrantDecision(GrantKind.Refused, "attempt 1 of s-0 is over"));
        }
    }

    [Fact]
    public async Task A_stream_is_closed_when_its_token_expires_and_goes_on_with_the_renewed_one()
    {
        var time = new ManualTime();
        await using var bench = await ProgressBench.StartAsync(fixture, time: time);
        await bench.ClaimAsync();
        var pod = await bench.AddPodAsync();
        var client = bench.Connect(pod);
        await client.Granted.WaitAsync(Timeouts.Normal);
        client.Report(Point(0));
        await client.FlushAsync().WaitAsync(Timeouts.Normal);

        time.Advance(TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(1));
        await Wait.UntilAsync(() => bench.Counts.Rejected(Report, "Unauthenticated") > 1,
            "the stream is closed, and the old token refused");
        client.Report(Point(1));
        client.UnacknowledgedCount.ShouldBe(1);
        await File.WriteAllTextAsync(pod.TokenFile, await bench.TokenAsync(pod, seconds: 3600));
        await client.FlushAsync().WaitAsync(Timeouts.Normal);
        bench.StoredIterations().ShouldBe([0, 1]);
        client.Refusal.ShouldBeNull();
    }

    [Fact]
    public async Task The_API_server_is_asked_about_a_token_once_a_minute_at_most_and_not_twice_at_once()
    {
        var time = new ManualTime();
        await using var bench = await ProgressBench.StartAsync(fixture, time: time);
        await bench.ClaimAsync();
        var token = await File.ReadAllTextAsync((await bench.AddPodAsync()).TokenFile);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => bench.Authority.AuthenticateAsync(token).AsTask()));
        bench.Counts["hem_token_reviews_total{accepted}"].ShouldBe(1);
        time.Advance(TimeSpan.FromSeconds(61));
        (await bench.Authority.AuthenticateAsync(token)).ShouldNotBeNull();
        bench.Counts["hem_token_reviews_total{accepted}"].ShouldBe(2);
    }

    [Fact]
    public async Task Tokens_that_are_made_up_cost_the_API_server_little_and_trainers_of_other_addresses_nothing()
    {
        var time = new ManualTime();
        await using var bench = await ProgressBench.StartAsync(fixture, time: time);
        await bench.ClaimAsync();
        var good = await File.ReadAllTextAsync((await bench.AddPodAsync()).TokenFile);
        (await bench.Authority.AuthenticateAsync(good, "one")).ShouldNotBeNull();
        // What is not even for this audience is no question.
        for (var i = 0; i < 50; i++) (await bench.Authority.AuthenticateAsync($"made.up.{i}", "one")).ShouldBeNull();
        bench.Counts["hem_token_reviews_total{refused}"].ShouldBe(0);

        var refused = new List<StatusCode>();
        for (var i = 0; i < 50; i++)
        {
            try
            {
                (await bench.Authority.AuthenticateAsync(MadeUp(i), "one")).ShouldBeNull();
            }
            catch (RpcException e)
            {
                refused.Add(e.StatusCode);
            }
        }

        // 20 at once, and some more where this took seconds.
        refused.Count.ShouldBeInRange(1, 30);
        refused.ShouldAllBe(code => code == StatusCode.ResourceExhausted);
        bench.Counts["hem_token_reviews_total{refused}"].ShouldBe(50 - refused.Count);
        bench.Counts["hem_token_reviews_total{limited}"].ShouldBe(refused.Count);
        // Who is known goes on, and elsewhere nobody notices.
        (await bench.Authority.AuthenticateAsync(good, "one")).ShouldNotBeNull();
        (await bench.Authority.AuthenticateAsync(MadeUp(100), "other")).ShouldBeNull();
        time.Advance(TimeSpan.FromSeconds(2));
        (await bench.Authority.AuthenticateAsync(MadeUp(101), "one")).ShouldBeNull();
    }

    /// <summary>It says of itself all that is to be said, and nobody signed it.</summary>
    private static string MadeUp(int i)
    {
        var claims = System.Text.Encoding.UTF8.GetBytes($$"""{"aud": ["hem-progress"], "jti": "{{i}}"}""");
        return $"e30.{System.Buffers.Text.Base64Url.EncodeToString(claims)}.e30";
    }

    [Fact]
    public async Task A_deleted_pods_token_is_refused_a_minute_later_at_the_latest()
    {
        var time = new ManualTime();
        await using var bench = await ProgressBench.StartAsync(fixture, time: time);
        await bench.ClaimAsync();
        var pod = await bench.AddPodAsync();
        var token = await File.ReadAllTextAsync(pod.TokenFile);
        (await bench.Authority.AuthenticateAsync(token)).ShouldBe(pod.Attempt);
        await bench.DeletePodAsync(pod);
        await Wait.UntilAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(61));
            return await bench.Authority.AuthenticateAsync(token) is null;
        }, "the token is refused");
    }

    [Fact]
    public async Task While_the_API_server_does_not_answer_trainers_are_told_to_come_again_and_those_connected_go_on()
    {
        await using var bench = await ProgressBench.StartAsync(fixture);
        var fails = false;
        using var client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(fixture.ControlPlane.Kubeconfig),
            new KubernetesClientOptions { WrapHandler = inner => new FailingHandler(inner, _ => fails) });
        using var authority = new PodTokenAuthority(bench.Pods, bench.Store, new TokenReviewer(client), bench.Metrics);
        await bench.ClaimAsync();
        var token = await File.ReadAllTextAsync((await bench.AddPodAsync()).TokenFile);
        fails = true;
        (await Should.ThrowAsync<RpcException>(authority.AuthenticateAsync(token).AsTask())).StatusCode.ShouldBe(StatusCode.Unavailable);
        bench.Counts["hem_token_reviews_total{failed}"].ShouldBe(1);
        fails = false;
        (await authority.AuthenticateAsync(token)).ShouldNotBeNull();
        fails = true;
        (await authority.AuthenticateAsync(token)).ShouldNotBeNull();
    }
}
