using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Metrics.Tests;

/// <summary>Each alert of the chart: promtool reads it, sees it fire and sees it silent, and it has a runbook.</summary>
public sealed partial class AlertTests
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

    /// <summary>A tired person believes the page: what it says at its beginning of how long or how much is what the rule says.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Its_runbook_and_its_row_say_the_numbers_of_the_rule(string alert)
    {
        var rule = File.ReadAllText(Path.Combine(Alerts, alert + ".yaml"));
        var expression = rule[rule.IndexOf("expr:", StringComparison.Ordinal)..rule.IndexOf("labels:", StringComparison.Ordinal)];
        var known = Numbers().Matches(expression).Select(match => Seconds(match.Value)).ToList();
        var pause = Seconds(For().Match(rule).Groups[1].Value);
        known.Add(pause);
        var runbook = File.ReadAllText(Path.Combine(Runbooks, alert + ".md"));
        var row = File.ReadLines(Repository.Path("docs/monitoring.md"))
            .Single(line => line.StartsWith($"| [{alert}](", StringComparison.Ordinal));
        var beginning = runbook[..runbook.IndexOf("**What it does", StringComparison.Ordinal)];
        foreach (var text in (string[])[beginning, row])
            foreach (var said in SaidIn(text)) known.ShouldContain(said, text);
        // How long it lasts before somebody is told, if that is long enough to wonder.
        if (pause >= 120) SaidIn(beginning).ShouldContain(said => said >= pause, beginning);
    }

    [Theory]
    [InlineData("for over five minutes, and half an hour", 300, 1800)]
    [InlineData("within sixty days", 5184000)]
    [InlineData("of two years and three times an hour", 3600)]
    public void Times_in_words_are_read(string text, params int[] seconds) => SaidIn(text).ShouldBe(seconds.Select(one => (double)one));

    private static readonly string[] _words =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "fifteen", "thirty", "sixty"];

    private static readonly int[] _values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 30, 60];

    private static List<double> SaidIn(string text) =>
    [
        .. Times().Matches(text).Select(match => (match.Groups[1].Value switch
        {
            "half an" => 0.5,
            "a" or "an" => 1,
            var word when Array.IndexOf(_words, word) is >= 0 and var at => _values[at],
            var word => double.Parse(word, System.Globalization.CultureInfo.InvariantCulture),
        }) * match.Groups[2].Value switch { "second" => 1, "minute" => 60, "hour" => 3600, _ => 86400 }),
    ];

    private static double Seconds(string number) => number.Contains('*') ? number.Split('*').Select(Seconds).Aggregate((a, b) => a * b)
        : double.Parse(number.Trim().TrimEnd('s', 'm', 'h', 'd'), System.Globalization.CultureInfo.InvariantCulture)
            * number[^1] switch { 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 1 };

    [GeneratedRegex(@"\d+ \* \d+|\d+(\.\d+)?[smhd]?")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"for: (\d+[smhd])")]
    private static partial Regex For();

    [GeneratedRegex(
        @"\b(half an|an?|\d+|one|two|three|four|five|six|seven|eight|nine|ten|fifteen|thirty|sixty) (second|minute|hour|day)s?\b")]
    private static partial Regex Times();

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
