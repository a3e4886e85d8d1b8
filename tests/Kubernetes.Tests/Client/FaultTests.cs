using System.Diagnostics;
using System.Net;
using Hem.Kubernetes.Tests.Support;
using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.Client;

public class FaultTests(ControlPlaneFixture fixture) : ApiServerTest(fixture)
{
    private readonly FaultHandler _faults = new();

    [Theory]
    [InlineData(HttpStatusCode.TooManyRequests)]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    [InlineData(HttpStatusCode.InternalServerError)]
    public async Task A_read_that_the_server_was_too_busy_for_is_made_again_when_it_says(HttpStatusCode status)
    {
        await CreateConfigMapAsync("a");
        _faults.On(HttpMethod.Get, "/configmaps/a", Fault.Status(status, retryAfter: 1), 2);
        var clock = Stopwatch.StartNew();
        (await NewClient(_faults).GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel)).ShouldNotBeNull();
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(1.9));
        _faults.Requests.Select(request => (int?)request.Status).ShouldBe([(int)status, (int)status, 200]);
    }

    [Fact]
    public async Task A_create_is_made_again_after_429_but_not_after_503()
    {
        var client = NewClient(_faults);
        var busy = _faults.On(HttpMethod.Post, "/configmaps", Fault.Status(HttpStatusCode.TooManyRequests, retryAfter: 0), 1);
        await client.CreateAsync(Resources.ConfigMaps, NewConfigMap("a"), cancel: Cancel);
        busy.Met.ShouldBe(1);
        var down = _faults.On(HttpMethod.Post, "/configmaps", Fault.Status(HttpStatusCode.ServiceUnavailable, retryAfter: 0));
        var told = await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(Resources.ConfigMaps, NewConfigMap("b"),
            cancel: Cancel));
        told.RetryAfter.ShouldBe(TimeSpan.Zero);
        down.Met.ShouldBe(1);
    }

    [Fact]
    public async Task A_5xx_without_Retry_After_and_a_wait_that_is_too_long_are_the_callers()
    {
        var client = NewClient(_faults);
        _faults.On(HttpMethod.Get, "/configmaps/a", Fault.Status(HttpStatusCode.InternalServerError));
        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel)))
            .StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        _faults.On(HttpMethod.Get, "/configmaps/b", Fault.Status(HttpStatusCode.TooManyRequests, retryAfter: 3600));
        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync(Resources.ConfigMaps, Namespace, "b", Cancel)))
            .RetryAfter.ShouldBe(TimeSpan.FromHours(1));
        _faults.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Tries_end_sometime()
    {
        var client = NewClient(_faults, new() { MaxRetries = 3 });
        var busy = _faults.On(HttpMethod.Get, "/configmaps/a", Fault.Status(HttpStatusCode.TooManyRequests, retryAfter: 0));
        await Should.ThrowAsync<KubernetesException>(() => client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel));
        busy.Met.ShouldBe(4);
    }

    [Fact]
    public async Task A_write_whose_answer_is_lost_is_not_told_as_refused()
    {
        var client = NewClient(_faults);
        _faults.On(HttpMethod.Post, "/configmaps", Fault.DropAnswer(), 1);
        await Should.ThrowAsync<HttpRequestException>(() => client.CreateAsync(Resources.ConfigMaps, NewConfigMap("a"), cancel: Cancel));
        (await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(Resources.ConfigMaps, NewConfigMap("a"), cancel: Cancel)))
            .IsAlreadyExists.ShouldBeTrue();
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_up_in_time()
    {
        var never = new TaskCompletionSource();
        _faults.On(HttpMethod.Get, "/configmaps/head", Fault.DelayAnswerUntil(never.Task));
        _faults.On(HttpMethod.Get, "/configmaps/body", Fault.DelayBodyUntil(never.Task));
        await CreateConfigMapAsync("body");
        var client = NewClient(_faults, new() { RequestTimeout = TimeSpan.FromMilliseconds(500) });
        foreach (var name in (string[])["head", "body"])
        {
            (await Should.ThrowAsync<HttpRequestException>(() => client.GetAsync(Resources.ConfigMaps, Namespace, name, Cancel)))
                .Message.ShouldBe($"GET /api/v1/namespaces/{Namespace}/configmaps/{name} at {Plane.Server}: no whole answer within 0.5 s.");
        }
    }

    [Fact]
    public async Task The_callers_cancellation_is_no_timeout()
    {
        var never = new TaskCompletionSource();
        _faults.On(HttpMethod.Get, "/configmaps/a", Fault.DelayAnswerUntil(never.Task));
        using var cancel = new CancellationTokenSource();
        var waiting = NewClient(_faults).GetAsync(Resources.ConfigMaps, Namespace, "a", cancel.Token);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(waiting);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_that_is_cut_is_no_answer(bool silently)
    {
        foreach (var name in Enumerable.Range(0, 5)) await CreateConfigMapAsync($"m-{name}");
        _faults.OnList("configmaps", Fault.CutBody(700, silently), 1);
        var client = NewClient(_faults);
        await Should.ThrowAsync<HttpRequestException>(() => client.ListAsync(Resources.ConfigMaps, Namespace, cancel: Cancel));
        (await client.ListAsync(Resources.ConfigMaps, Namespace, cancel: Cancel)).Items.Count.ShouldBeGreaterThanOrEqualTo(5);
    }

    [Fact]
    public async Task An_answer_that_is_no_JSON_is_no_answer()
    {
        _faults.On(request => request.RequestUri!.AbsolutePath.EndsWith("/a", StringComparison.Ordinal), Fault.CutBody(0, silently: true));
        await CreateConfigMapAsync("a");
        (await Should.ThrowAsync<HttpRequestException>(() => NewClient(_faults).GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel)))
            .Message.ShouldContain("makes no sense");
    }

    [Fact]
    public async Task A_repeated_write_is_told_by_the_server()
    {
        _faults.On(HttpMethod.Post, "/configmaps", Fault.Repeat(), 1);
        var client = NewClient(_faults);
        (await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(Resources.ConfigMaps, NewConfigMap("a"), cancel: Cancel)))
            .IsAlreadyExists.ShouldBeTrue();
    }

    [Fact]
    public async Task Who_may_not_write_sends_nothing_but_leases_and_questions()
    {
        var client = NewClient(_faults, new() { MayWrite = () => false });
        await Should.ThrowAsync<WriteRefusedException>(() => client.CreateAsync(Resources.ConfigMaps, NewConfigMap("a"), cancel: Cancel));
        await Should.ThrowAsync<WriteRefusedException>(() => client.DeleteAsync(Resources.ConfigMaps, Namespace, "a", cancel: Cancel));
        _faults.Requests.ShouldBeEmpty();
        await client.CreateAsync(Resources.Leases, new V1Lease { Metadata = new() { Name = "l", Namespace = Namespace } }, cancel: Cancel);
        await client.CreateAsync(Resources.TokenReviews, new V1TokenReview { Spec = new() { Token = "x" } }, cancel: Cancel);
        (await client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task Who_may_write_no_more_does_not_try_again()
    {
        var may = true;
        var client = NewClient(_faults, new() { MayWrite = () => may, OnRequest = _ => may = false });
        _faults.On(HttpMethod.Post, "/configmaps", Fault.Status(HttpStatusCode.TooManyRequests, retryAfter: 0));
        await Should.ThrowAsync<WriteRefusedException>(() => client.CreateAsync(Resources.ConfigMaps, NewConfigMap("a"), cancel: Cancel));
        _faults.Writes.ShouldBe(1);
    }

    [Fact]
    public async Task Requests_are_told_of_and_counted()
    {
        var told = new List<KubernetesRequest>();
        using var metrics = new MetricReader();
        var client = NewClient(_faults, new() { OnRequest = told.Add });
        _faults.On(HttpMethod.Get, "/configmaps/lost", Fault.Drop());
        await client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel);
        await Should.ThrowAsync<HttpRequestException>(() => client.GetAsync(Resources.ConfigMaps, Namespace, "lost", Cancel));
        told.Select(request => (request.Path, request.Status)).ShouldBe(
        [
            ($"/api/v1/namespaces/{Namespace}/configmaps/a", HttpStatusCode.NotFound),
            ($"/api/v1/namespaces/{Namespace}/configmaps/lost", null),
        ]);
        metrics.Sum("rest_client_requests_total", ("host", Plane.Server.Authority), ("method", "GET"), ("code", "404"))
            .ShouldBeGreaterThan(0);
        metrics.Sum("rest_client_requests_total", ("host", Plane.Server.Authority), ("method", "GET"), ("code", "<error>"))
            .ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task The_limit_of_requests_a_second_is_kept()
    {
        var client = NewClient(_faults, new() { QueriesPerSecond = 20, Burst = 5 });
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 25).Select(_ => client.GetAsync(Resources.ConfigMaps, Namespace, "a", Cancel)));
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(0.95));
    }
}
