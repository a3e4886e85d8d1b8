using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Metrics.Tests;

/// <summary>What Grafana would refuse or show badly, and what is not there to be asked. Cluster.Tests evaluates every query.</summary>
public sealed partial class DashboardTests
{
    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(Repository.Path("charts/hem/dashboards"), "*.json").Select(file => Path.GetFileName(file)!).Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public void It_is_whole(string file)
    {
        var dashboard = JsonNode.Parse(File.ReadAllText(Repository.Path($"charts/hem/dashboards/{file}")))!;
        ((string?)dashboard["uid"]).ShouldNotBeNullOrEmpty();
        ((int)dashboard["schemaVersion"]!).ShouldBeGreaterThanOrEqualTo(36);
        dashboard["templating"]!["list"]!.AsArray()
            .ShouldContain(one => (string?)one!["type"] == "datasource" && (string?)one["name"] == "datasource");
        // All of them: those that are Hem's, and not all that have metrics of such names.
        dashboard["templating"]!["list"]!.AsArray().ShouldAllBe(one => one!["allValue"] == null && one["current"] == null);
        dashboard["links"]!.AsArray().ShouldAllBe(
            one => one!["icon"] != null && one["targetBlank"] != null && one["tooltip"] != null && one["type"] != null);
        var panels = dashboard["panels"]!.AsArray();
        panels.Select(panel => (int)panel!["id"]!).ShouldBeUnique();
        foreach (var panel in panels)
        {
            ((string?)panel!["title"]).ShouldNotBeNullOrEmpty();
            if ((string?)panel["type"] == "row") continue;
            var title = (string)panel["title"]!;
            ((string?)panel["description"]).ShouldNotBeNullOrEmpty(title);
            ((string?)panel["fieldConfig"]!["defaults"]!["unit"]).ShouldNotBeNullOrEmpty(title);
            ((string?)panel["datasource"]!["uid"]).ShouldBe("${datasource}", title);
            // Grafana's own would have 80 of anything red.
            if ((string?)panel["type"] == "stat") panel["fieldConfig"]!["defaults"]!["thresholds"]!["steps"]!.AsArray().ShouldNotBeEmpty();
            else ((string?)panel["type"]).ShouldBeOneOf("timeseries", "table");
            panel["targets"]!.AsArray().Select(target => (string)target!["refId"]!).ShouldBeUnique();
        }

        var cells = panels.SelectMany(Cells).ToList();
        cells.ShouldAllBe(cell => cell.X >= 0 && cell.X < 24);
        cells.ShouldBeUnique("panels overlap");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void It_asks_for_what_there_is(string file)
    {
        var known = Name().Matches(File.ReadAllText(Repository.Path("docs/metrics.md"))).Select(match => match.Groups[1].Value).ToHashSet();
        var text = File.ReadAllText(Repository.Path($"charts/hem/dashboards/{file}"));
        foreach (Match match in Asked().Matches(text))
        {
            var name = match.Value;
            known.ShouldContain(one => name == one || name == one + "_bucket", name);
        }
    }

    private static IEnumerable<(int X, int Y)> Cells(JsonNode? panel)
    {
        var place = panel!["gridPos"]!;
        var (x, y, width, height) = ((int)place["x"]!, (int)place["y"]!, (int)place["w"]!, (int)place["h"]!);
        return Enumerable.Range(0, width * height).Select(i => (x + (i % width), y + (i / width)));
    }

    [GeneratedRegex(@"^\| `([a-z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Name();

    [GeneratedRegex(@"\b(hem|workqueue|controller_runtime|rest_client|leader_election|process)_[a-z_]+(?=[\[{,) ])")]
    private static partial Regex Asked();
}
