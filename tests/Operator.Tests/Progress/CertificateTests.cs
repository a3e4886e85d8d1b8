using System.Net;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Operator.Progress;
using Hem.TestCluster;
using Microsoft.Extensions.Logging.Abstractions;
using static Hem.Tests.TrialsBench;
using static Operator.Tests.Progress.ProgressBench;
using Authority = Hem.Operator.Progress.CertificateAuthority;
using Wait = Hem.TestCluster.Wait;

namespace Operator.Tests.Progress;

/// <summary>The operator's certificates, in Secrets and ConfigMaps of a real API server.</summary>
public sealed class CertificateTests(ControlPlaneFixture fixture)
{
    // Short enough that a clock that is set forward leaves them valid by the machine's own.
    private static readonly CertificateOptions _lifetimes = new()
    {
        Addresses = [IPAddress.Loopback],
        AuthorityLifetime = TimeSpan.FromDays(3),
        ServingLifetime = TimeSpan.FromDays(1),
        PublishBeforeUse = TimeSpan.FromHours(1),
        Skew = TimeSpan.FromDays(4),
    };

    [Fact]
    public async Task The_authority_outlives_the_operator()
    {
        var space = await NamespaceAsync();
        var first = New(space);
        await first.LoadAsync();
        var second = New(space);
        await second.LoadAsync();
        second.Bundle.ShouldBe(first.Bundle);
        first.Serving().ShouldBeSameAs(first.Serving());
    }

    [Fact]
    public async Task Replicas_that_begin_at_once_agree()
    {
        var space = await NamespaceAsync();
        var replicas = Enumerable.Range(0, 5).Select(_ => New(space)).ToArray();
        await Task.WhenAll(replicas.Select(replica => replica.LoadAsync()));
        replicas.Select(replica => replica.Bundle).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task Every_namespace_is_told_and_told_again_when_somebody_changes_or_deletes_it()
    {
        var (space, first, second) = (await NamespaceAsync(), await NamespaceAsync(), await NamespaceAsync());
        var authority = New(space);
        await authority.LoadAsync();
        await authority.EnsurePublishedAsync(first);
        await authority.EnsurePublishedAsync(second);
        (await PublishedAsync(first)).ShouldBe(authority.Bundle);

        await Api.DeleteAsync(MapPath(first));
        await Api.MergePatchAsync(MapPath(second), new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = "nonsense" } });
        await authority.CheckAsync();
        (await PublishedAsync(first)).ShouldBe(authority.Bundle);
        (await PublishedAsync(second)).ShouldBe(authority.Bundle);
    }

    [Fact]
    public async Task A_rotation_tells_of_the_next_authority_before_that_signs_and_trusts_the_old_one_to_its_end()
    {
        var (space, sweeps, time) = (await NamespaceAsync(), await NamespaceAsync(), new ManualTime());
        var authority = New(space, time);
        await authority.LoadAsync();
        await authority.EnsurePublishedAsync(sweeps);
        var (old, signedByOld) = (authority.Bundle, authority.Serving());

        time.Advance(TimeSpan.FromDays(2) + TimeSpan.FromMinutes(1));
        await authority.CheckAsync();
        var both = await PublishedAsync(sweeps);
        both.ShouldStartWith(old);
        both!.Length.ShouldBeGreaterThan(old.Length);
        authority.Serving().TargetCertificate.Issuer.ShouldBe(signedByOld.TargetCertificate.Issuer);

        // A new leader goes on where the old one was.
        authority = New(space, time);
        await authority.LoadAsync();
        time.Advance(TimeSpan.FromMinutes(59));
        await authority.CheckAsync();
        authority.Serving().TargetCertificate.Issuer.ShouldBe(signedByOld.TargetCertificate.Issuer);
        time.Advance(TimeSpan.FromMinutes(2));
        await authority.CheckAsync();
        authority.Serving().TargetCertificate.Issuer.ShouldNotBe(signedByOld.TargetCertificate.Issuer);
        (await PublishedAsync(sweeps)).ShouldBe(both);

        time.Advance(TimeSpan.FromDays(1));
        await authority.CheckAsync();
        authority.Bundle.ShouldBe(both[old.Length..]);
        (await PublishedAsync(sweeps)).ShouldBe(authority.Bundle);
    }

    [Fact]
    public async Task While_a_namespace_cannot_be_told_the_next_authority_does_not_sign()
    {
        var (space, sweeps, time) = (await NamespaceAsync(), await NamespaceAsync(), new ManualTime());
        var failing = true;
        var authority = New(space, time, request =>
            failing && request.RequestUri!.AbsolutePath.Contains($"/{sweeps}/configmaps"));
        failing = false;
        await authority.LoadAsync();
        await authority.EnsurePublishedAsync(sweeps);
        var issuer = authority.Serving().TargetCertificate.Issuer;
        failing = true;
        time.Advance(TimeSpan.FromDays(2) + TimeSpan.FromMinutes(1));
        await authority.CheckAsync();
        time.Advance(TimeSpan.FromHours(2));
        await authority.CheckAsync();
        authority.Serving().TargetCertificate.Issuer.ShouldBe(issuer);
        failing = false;
        await authority.CheckAsync();
        time.Advance(TimeSpan.FromHours(2));
        await authority.CheckAsync();
        authority.Serving().TargetCertificate.Issuer.ShouldNotBe(issuer);
    }

    [Fact]
    public async Task A_namespace_that_cannot_be_told_for_long_does_not_keep_the_old_authority_to_its_end()
    {
        var (space, sweeps, time) = (await NamespaceAsync(), await NamespaceAsync(), new ManualTime());
        var failing = false;
        var authority = New(space, time, request =>
            failing && request.RequestUri!.AbsolutePath.Contains($"/{sweeps}/configmaps"));
        await authority.LoadAsync();
        await authority.EnsurePublishedAsync(sweeps);
        var issuer = authority.Serving().TargetCertificate.Issuer;
        failing = true;
        time.Advance(TimeSpan.FromDays(2) + TimeSpan.FromMinutes(1));
        await authority.CheckAsync();
        time.Advance(TimeSpan.FromHours(11));
        await authority.CheckAsync();
        time.Advance(TimeSpan.FromHours(2));
        await authority.CheckAsync();
        authority.Serving().TargetCertificate.Issuer.ShouldBe(issuer);
        time.Advance(TimeSpan.FromHours(2));
        await authority.CheckAsync();
        authority.Serving().TargetCertificate.Issuer.ShouldNotBe(issuer);
    }

    [Fact]
    public async Task What_a_leader_that_was_stopped_sends_late_does_not_take_the_place_of_what_is_newer()
    {
        var (space, sweeps) = (await NamespaceAsync(), await NamespaceAsync());
        var authority = New(space);
        await authority.LoadAsync();
        await authority.EnsurePublishedAsync(sweeps);
        await Api.MergePatchAsync(MapPath(sweeps), new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = "old" } });
        var (sent, arrive) = (new TaskCompletionSource(), new TaskCompletionSource());
        var faults = new FaultHandler();
        faults.On(
            request =>
            {
                if (request.Method == HttpMethod.Get || !request.RequestUri!.AbsolutePath.Contains($"/{sweeps}/configmaps")) return false;
                sent.TrySetResult();
                return true;
            },
            Fault.DelayUntil(arrive.Task), 1);
        var stopped = new Authority(
            new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(fixture.ControlPlane.Kubeconfig),
                new KubernetesClientOptions { WrapHandler = faults.Wrap }),
            space, _lifetimes, NullLogger<Authority>.Instance);
        await stopped.LoadAsync();
        var late = stopped.EnsurePublishedAsync(sweeps);
        await sent.Task.WaitAsync(Timeouts.Normal);
        // Meanwhile another one leads, and writes.
        await Api.MergePatchAsync(
            MapPath(sweeps), new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["a"] = "b" } } });
        arrive.SetResult();
        await late;
        faults.Requests.Count(request => request.Status == HttpStatusCode.Conflict).ShouldBe(1);
    }

    [Fact]
    public async Task A_namespace_that_was_made_again_is_told_anew_where_that_is_asked_for()
    {
        var (space, sweeps) = (await NamespaceAsync(), await NamespaceAsync());
        var authority = New(space);
        await authority.LoadAsync();
        await authority.EnsurePublishedAsync(sweeps);
        await Api.DeleteAsync(MapPath(sweeps));
        await authority.EnsurePublishedAsync(sweeps);
        (await PublishedAsync(sweeps)).ShouldBeNull();
        await authority.EnsurePublishedAsync(sweeps, verify: true);
        (await PublishedAsync(sweeps)).ShouldBe(authority.Bundle);
    }

    [Fact]
    public async Task A_serving_certificate_is_renewed_well_before_its_end()
    {
        var time = new ManualTime();
        var authority = New(await NamespaceAsync(), time);
        await authority.LoadAsync();
        var first = authority.Serving();
        time.Advance(TimeSpan.FromHours(15));
        authority.Serving().ShouldBeSameAs(first);
        time.Advance(TimeSpan.FromHours(2));
        authority.Serving().TargetCertificate.SerialNumber.ShouldNotBe(first.TargetCertificate.SerialNumber);
    }

    [Fact]
    public async Task An_authority_that_expired_while_the_operator_was_away_is_replaced_at_once()
    {
        var (space, time) = (await NamespaceAsync(), new ManualTime());
        var authority = New(space, time);
        await authority.LoadAsync();
        var issuer = authority.Serving().TargetCertificate.Issuer;
        time.Advance(TimeSpan.FromDays(30));
        var later = New(space, time);
        await later.LoadAsync();
        later.Serving().TargetCertificate.Issuer.ShouldNotBe(issuer);
        await authority.CheckAsync();
        authority.Serving().TargetCertificate.Issuer.ShouldBe(later.Serving().TargetCertificate.Issuer);
    }

    [Fact]
    public async Task A_lost_Secret_is_written_again_and_one_that_makes_no_sense_replaced()
    {
        var space = await NamespaceAsync();
        var authority = New(space);
        await authority.LoadAsync();
        var bundle = authority.Bundle;
        await Api.DeleteAsync(SecretPath(space));
        await authority.CheckAsync();
        var other = New(space);
        await other.LoadAsync();
        other.Bundle.ShouldBe(bundle);

        await Api.MergePatchAsync(SecretPath(space), new JsonObject { ["data"] = new JsonObject { ["ca.key"] = "bm9uc2Vuc2U=" } });
        await authority.CheckAsync();
        authority.Bundle.ShouldBe(bundle);
        await Api.MergePatchAsync(SecretPath(space), new JsonObject { ["data"] = new JsonObject { ["ca.key"] = "bm9uc2Vuc2U=" } });
        var fresh = New(space);
        await fresh.LoadAsync();
        fresh.Bundle.ShouldNotBe(bundle);
    }

    [Fact]
    public async Task A_trainer_connects_through_a_whole_rotation_with_the_CA_file_that_its_pod_sees()
    {
        var time = new ManualTime();
        await using var bench = await ProgressBench.StartAsync(fixture, time: time, certificates: _lifetimes);
        await bench.ClaimAsync();
        var pod = await bench.AddPodAsync(tokenSeconds: 8 * 24 * 3600);
        var client = bench.Connect(pod);
        await client.Granted.WaitAsync(Timeouts.Normal);
        await bench.Certificates.EnsurePublishedAsync(bench.Namespace);
        var issuers = new HashSet<string>();
        var iteration = 0;
        await ReportOnNewConnectionAsync();

        // Old and next are published; the old one signs. The kubelet brings the file when it likes, here late.
        time.Advance(TimeSpan.FromDays(2) + TimeSpan.FromMinutes(1));
        await bench.Certificates.CheckAsync();
        await ReportOnNewConnectionAsync();
        await File.WriteAllTextAsync(bench.CaFile, (await PublishedAsync(bench.Namespace))!);
        await ReportOnNewConnectionAsync();
        issuers.Count.ShouldBe(1);

        time.Advance(TimeSpan.FromHours(2));
        await bench.Certificates.CheckAsync();
        await ReportOnNewConnectionAsync();
        issuers.Count.ShouldBe(2);
        time.Advance(TimeSpan.FromDays(1));
        await bench.Certificates.CheckAsync();
        await ReportOnNewConnectionAsync();
        await File.WriteAllTextAsync(bench.CaFile, (await PublishedAsync(bench.Namespace))!);
        await ReportOnNewConnectionAsync();
        issuers.Count.ShouldBe(2);
        pod.Log.ShouldNotContain(line => line.Contains("SSL"));

        // The stream is broken off, as by a network, and the certificate of the moment is shown on the next connection.
        async Task ReportOnNewConnectionAsync()
        {
            issuers.Add(bench.Certificates.Serving().TargetCertificate.Issuer);
            await bench.RestartServerAsync();
            client.Report(Point(iteration++));
            await client.FlushAsync().WaitAsync(Timeouts.Normal);
            bench.StoredIterations().Count.ShouldBe(iteration);
        }
    }

    [Fact]
    public async Task A_server_shows_its_renewed_certificate_without_a_restart()
    {
        var time = new ManualTime();
        await using var bench = await ProgressBench.StartAsync(fixture, time: time, certificates: _lifetimes);
        var first = await bench.ShownCertificateAsync();
        (await bench.ShownCertificateAsync()).ShouldBe(first);
        time.Advance(TimeSpan.FromHours(17));
        (await bench.ShownCertificateAsync()).ShouldNotBe(first);
    }

    [Theory]
    [InlineData("10.1.2.3:7443", "10.1.2.3")]
    [InlineData("[2001:db8::1]:7443", "2001:db8::1")]
    public void The_address_that_trainers_are_given_is_in_the_certificate(string given, string address) =>
        CertificateOptions.For("hem-system", given).Addresses.ShouldBe([IPAddress.Parse(address)]);

    [Fact]
    public void So_is_a_name_and_the_Services_of_the_operators_namespace()
    {
        var names = CertificateOptions.For("hem-system", "hem.example.org:7443", "hem-progress.hem-system.svc:7443").DnsNames;
        names.ShouldContain("hem.example.org");
        names.ShouldContain("hem-progress.hem-system.svc");
        names.ShouldContain("hem.hem-system.svc");
        names.ShouldBeUnique();
    }

    private ClusterApi Api => fixture.ControlPlane.Api;

    private static string MapPath(string space) => $"/api/v1/namespaces/{space}/configmaps/hem-progress-ca";

    private static string SecretPath(string space) => $"/api/v1/namespaces/{space}/secrets/hem-progress-ca";

    private Task<string> NamespaceAsync() => fixture.ControlPlane.CreateNamespaceAsync("certificates");

    private async Task<string?> PublishedAsync(string space) => (string?)(await Api.GetAsync(MapPath(space)))?["data"]?["ca.crt"];

    private Authority New(string space, TimeProvider? time = null, Func<HttpRequestMessage, bool>? fails = null)
    {
        var client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(fixture.ControlPlane.Kubeconfig),
            new KubernetesClientOptions { WrapHandler = inner => new FailingHandler(inner, fails ?? (_ => false)) });
        return new Authority(client, space, _lifetimes, NullLogger<Authority>.Instance, time: time);
    }
}
