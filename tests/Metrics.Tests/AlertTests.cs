using System.Diagnostics;

namespace Metrics.Tests;

/// <summary>Each alert of the chart: promtool reads it, sees it fire and sees it silent, and it has a runbook.</summary>
public sealed class AlertTests
{
    private static readonly string Alerts = Repository.Path("charts/hem/alerts");
    private static readonly string Runbooks = Repository.Path("docs/runbooks");

    public static TheoryData<string> Names =>
        [.. Directory.GetFiles(Alerts, "*.yaml").Select(file => Path.GetFileNameWithoutExtension(file)!).Order()];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task It_fires_when_it_should_and_only_then(string alert)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/promtool"), "needs Debian's prometheus");
        var folder = Directory.CreateTempSubdirectory("hem-alerts-");
        try
        {
            var (rules, test) = (Path.Combine(folder.FullName, "rules.yaml"), Path.Combine(folder.FullName, "test.yaml"));
            File.Copy(Path.Combine(Alerts, alert + ".yaml"), rules);
            File.Copy(Repository.Path($"tests/Metrics.Tests/Alerts/{alert}.yaml"), test);
            (await PromtoolAsync("check", "rules", rules)).ShouldContain("SUCCESS: 1 rules found");
            var said = await PromtoolAsync("test", "rules", test);
            said.ShouldContain("SUCCESS");
            var cases = File.ReadAllText(test);
            cases.ShouldContain("- name: fires");
            cases.ShouldContain("exp_alerts: []");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void It_has_a_runbook_and_is_named_as_its_file(string alert)
    {
        var rules = File.ReadAllText(Path.Combine(Alerts, alert + ".yaml"));
        rules.ShouldContain($"- alert: {alert}\n");
        rules.ShouldContain($"runbook: docs/runbooks/{alert}.md\n");
        var runbook = File.ReadAllText(Path.Combine(Runbooks, alert + ".md"));
        runbook.ShouldStartWith($"# {alert}\n");
        foreach (var part in (string[])["**What it does to people's work.**", "## Look", "```sh", "## Mend"]) runbook.ShouldContain(part);
    }

    [Fact]
    public void Every_runbook_is_of_an_alert() => Directory.GetFiles(Runbooks, "*.md").Select(Path.GetFileNameWithoutExtension).Order()
        .ShouldBe(Directory.GetFiles(Alerts, "*.yaml").Select(Path.GetFileNameWithoutExtension).Order());

    private static async Task<string> PromtoolAsync(params string[] arguments)
    {
        using var promtool = Process.Start(new ProcessStartInfo("/usr/bin/promtool", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, error) = (promtool.StandardOutput.ReadToEndAsync(), promtool.StandardError.ReadToEndAsync());
        await promtool.WaitForExitAsync();
        var said = await output + await error;
        promtool.ExitCode.ShouldBe(0, said);
        return said;
    }
}
