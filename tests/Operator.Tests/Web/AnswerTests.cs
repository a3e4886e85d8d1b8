using System.Net;
using System.Text.Json.Nodes;
using Hem.TestCluster;

namespace Operator.Tests.Web;

/// <summary>A sweep's report and ranking, for whoever may get the sweep.</summary>
public sealed class AnswerTests(ControlPlaneFixture fixture)
{
    [Fact]
    public async Task Whoever_may_get_a_sweep_gets_its_answers_and_nobody_else()
    {
        await using var bench = await AnswerBench.StartAsync(fixture);
        await bench.AddSweepAsync("s");
        var (may, mayNot) = (await bench.AddUserAsync("may", true), await bench.AddUserAsync("may-not", false));

        using var page = await bench.GetAsync("s", "report.html", may);
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        page.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
        page.Headers.CacheControl!.Private.ShouldBeTrue();
        (await page.Content.ReadAsStringAsync()).ShouldContain("<svg");
        using var ranking = await bench.GetAsync("s", "ranking.json", may);
        var trials = JsonNode.Parse(await ranking.Content.ReadAsStringAsync())!["trials"]!;
        ((int)trials["complete"]!, (int)trials["running"]!).ShouldBe((1, 1));
        using var points = await bench.GetAsync("s", "points.csv", may, header: "Hem-Authorization");
        (await points.Content.ReadAsStringAsync()).Trim().Split('\n').Length.ShouldBe(5);

        await RefusedAsync(HttpStatusCode.Forbidden, "s", "report.html", mayNot, "you may not get hemsweeps.hem.dev \"s\"");
        await RefusedAsync(HttpStatusCode.Forbidden, "nothing", "report.html", mayNot, "you may not get");
        await RefusedAsync(HttpStatusCode.Unauthorized, "s", "report.html", "nonsense", "does not know the token");
        await RefusedAsync(HttpStatusCode.Unauthorized, "s", "report.html", null, "send a token");
        await RefusedAsync(HttpStatusCode.NotFound, "nothing", "report.html", may, "no results of a sweep \"nothing\"");
        await RefusedAsync(HttpStatusCode.NotFound, "s", "secrets.txt", may, "there is no secrets.txt; there are report.html");
        bench.Counts["hem_answers_total{report.html,403}"].ShouldBe(2);

        async Task RefusedAsync(HttpStatusCode code, string sweep, string file, string? token, string words)
        {
            using var answer = await bench.GetAsync(sweep, file, token);
            answer.StatusCode.ShouldBe(code);
            (await answer.Content.ReadAsStringAsync()).ShouldContain(words);
        }
    }

    [Fact]
    public async Task A_permission_in_one_namespace_is_none_in_another()
    {
        await using var bench = await AnswerBench.StartAsync(fixture);
        await bench.AddSweepAsync("s");
        await bench.AddSweepAsync("s", "elsewhere");
        var token = await bench.AddUserAsync("user", true);
        using var answer = await bench.GetAsync("s", "report.html", token, @namespace: "elsewhere");
        answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task What_has_not_changed_is_not_sent_again_and_what_has_is_rendered_anew()
    {
        await using var bench = await AnswerBench.StartAsync(fixture);
        await bench.AddSweepAsync("s");
        var token = await bench.AddUserAsync("user", true);
        using var first = await bench.GetAsync("s", "ranking.json", token);
        var tag = first.Headers.ETag!.Tag;
        using var same = await bench.GetAsync("s", "ranking.json", token, tag);
        same.StatusCode.ShouldBe(HttpStatusCode.NotModified);

        await bench.FinishAsync("s", 1);
        using var soon = await bench.GetAsync("s", "ranking.json", token, tag);
        soon.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        bench.Time.Advance(TimeSpan.FromMinutes(5));
        using var later = await bench.GetAsync("s", "ranking.json", token, tag);
        later.StatusCode.ShouldBe(HttpStatusCode.OK);
        ((int)JsonNode.Parse(await later.Content.ReadAsStringAsync())!["trials"]!["complete"]!).ShouldBe(2);
        Directory.GetDirectories(Path.Combine(bench.Folder, "answers")).Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_sweep_that_was_deleted_is_still_answered_for_until_there_is_another()
    {
        await using var bench = await AnswerBench.StartAsync(fixture);
        await bench.AddSweepAsync("s");
        var token = await bench.AddUserAsync("user", true);
        await bench.Store.MarkSweepDeletedAsync($"{bench.Space}-s");
        using (var answer = await bench.GetAsync("s", "points.csv", token))
            (await answer.Content.ReadAsStringAsync()).Trim().Split('\n').Length.ShouldBe(5);
        await bench.Store.UpsertSweepAsync(new("another", bench.Space, "s", "", DateTimeOffset.UtcNow));
        using (var answer = await bench.GetAsync("s", "points.csv", token))
            (await answer.Content.ReadAsStringAsync()).Trim().Split('\n').Length.ShouldBe(1);
    }

    [Fact]
    public async Task What_an_earlier_namespace_of_that_name_had_is_nobodys_who_may_see_this_one()
    {
        await using var bench = await AnswerBench.StartAsync(fixture);
        await bench.AddSweepAsync("s", created: DateTimeOffset.UtcNow - TimeSpan.FromDays(1));
        var token = await bench.AddUserAsync("user", true);
        using var answer = await bench.GetAsync("s", "points.csv", token);
        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Tokens_that_are_made_up_are_not_all_reviewed()
    {
        await using var bench = await AnswerBench.StartAsync(fixture);
        await bench.AddSweepAsync("s");
        var reviewed = 0;
        await Wait.UntilAsync(
            async () =>
            {
                using var answer = await bench.GetAsync("s", "ranking.txt", $"made-up-{reviewed}");
                if (answer.StatusCode == HttpStatusCode.TooManyRequests) return answer.Headers.RetryAfter is not null;
                answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
                reviewed++;
                return false;
            },
            "no more are reviewed", Timeouts.Normal);
        reviewed.ShouldBeGreaterThanOrEqualTo(100);
    }

    [Fact]
    public async Task Hem_report_reads_through_the_API_server_with_the_users_token()
    {
        await using var bench = await AnswerBench.StartAsync(fixture);
        await bench.AddSweepAsync("s");
        await bench.AddUserAsync("user", true);
        var (exit, output, error) = await bench.ReportAsync(await bench.KubeconfigAsync("user"), "s");
        error.ShouldBe("");
        exit.ShouldBe(0);
        output.ShouldContain("report.html");
        var folder = Path.Combine(bench.Folder, "reports", bench.Space, "s");
        // To the last byte, though the proxy rewrites HTML.
        using var page = await bench.GetAsync("s", "report.html", await bench.TokenAsync("user"));
        File.ReadAllBytes(Path.Combine(folder, "report.html")).ShouldBe(await page.Content.ReadAsByteArrayAsync());
        File.ReadAllLines(Path.Combine(folder, "points.csv")).Length.ShouldBe(5);

        (exit, output, _) = await bench.ReportAsync(await bench.KubeconfigAsync("user"), "s", "--json", "--output", "elsewhere");
        exit.ShouldBe(0);
        ((string)JsonNode.Parse(output)!["sweep"]!).ShouldBe("s");
        File.Exists(Path.Combine(bench.Folder, "elsewhere", "ranking.json")).ShouldBeTrue();
    }

    [Fact]
    public async Task Hem_report_says_what_is_wrong_and_what_to_do()
    {
        await using var bench = await AnswerBench.StartAsync(fixture);
        await bench.AddSweepAsync("s");
        await bench.AddUserAsync("no-sweeps", false);
        await bench.AddUserAsync("user", true);
        await FailsAsync("no-sweeps", "s", 69, "you may not get hemsweeps.hem.dev \"s\" in namespace");
        await FailsAsync("user", "nothing", 64, "there are no results of a sweep \"nothing\"");
        await FailsAsync("user", "s", 64, "there is no context 'nowhere'", "--context", "nowhere");
        await bench.WithoutAsync("/apis/rbac.authorization.k8s.io/v1/namespaces/NAMESPACE/rolebindings/hem-answers");
        await FailsAsync("user", "s", 69, "Ask your administrator for the Role hem-answers");

        async Task FailsAsync(string user, string sweep, int code, string words, params string[] arguments)
        {
            var (exit, _, error) = await bench.ReportAsync(await bench.KubeconfigAsync(user), sweep, arguments);
            error.ShouldContain(words);
            error.Trim().ShouldNotContain('\n');
            exit.ShouldBe(code);
            Directory.Exists(Path.Combine(bench.Folder, "reports", bench.Space, sweep)).ShouldBeFalse();
        }
    }

    [Fact]
    public async Task Who_has_a_certificate_reads_as_the_operators_reader_if_he_may()
    {
        await using var bench = await AnswerBench.StartAsync(fixture);
        await bench.AddSweepAsync("s");
        var (exit, _, error) = await bench.ReportAsync(fixture.ControlPlane.Kubeconfig, "s");
        error.ShouldBe("");
        exit.ShouldBe(0);
        (exit, _, error) = await bench.ReportAsync(fixture.ControlPlane.CreateUserKubeconfig("somebody"), "s");
        exit.ShouldBe(69);
        error.ShouldContain("you may not create tokens of the service account");
        await bench.WithoutAsync("/api/v1/namespaces/NAMESPACE/serviceaccounts/hem-reader");
        (exit, _, error) = await bench.ReportAsync(fixture.ControlPlane.Kubeconfig, "s");
        exit.ShouldBe(69);
        error.ShouldContain("your kubeconfig has a client certificate");
    }
}
