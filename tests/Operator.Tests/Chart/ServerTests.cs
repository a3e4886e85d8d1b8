using System.Text.Json.Nodes;
using Hem.TestCluster;

namespace Operator.Tests.Chart;

/// <summary>What the chart comes to, shown to a real API server.</summary>
public sealed class ServerTests(ControlPlaneFixture fixture)
{
    public static TheoryData<string> ValueSets => ["", .. HemChart.ValueSets];

    [Theory, MemberData(nameof(ValueSets))]
    public async Task Every_object_is_accepted_and_no_field_of_it_is_unknown(string values)
    {
        var plane = fixture.ControlPlane;
        var (own, space) = (await plane.CreateNamespaceAsync("release"), await plane.CreateNamespaceAsync("watched"));
        // This server decides which API versions there are; namespaces are this test's own.
        List<string> options = [.. values.Length == 0 ? [] : HemChart.OptionsOf(values), "--namespace", own, "--kube-version", "1.20.2"];
        if (options.Contains("monitoring.coreos.com/v1"))
            await plane.Api.ApplyAsync(await File.ReadAllTextAsync(HemCluster.File("tests", "Operator.Tests", "Chart", "monitoring.yaml")));
        // ReadWriteOncePod is newer than this server; other namespaces are not there.
        if (values == "everything.yaml")
            options.AddRange(
                ["--set-json", """persistence.accessModes=["ReadWriteOnce"]""", "--set", $"metrics.dashboards.namespace={own}"]);
        if (values == "replicas.yaml") options.AddRange(["--set-json", $"trainer.serviceAccount.namespaces=[\"{space}\"]"]);
        if (values.Length != 0 && File.ReadAllText(options[1]).Contains("\nwatchNamespace:"))
            options.AddRange(["--set", $"watchNamespace={space}"]);
        var manifest = await HemChart.RenderAsync([.. options, "--set", "crds.install=false"]);

        var sent = HemChart.ObjectsOf(manifest);
        var answers = await plane.Api.DryRunAsync(manifest);

        answers.Count.ShouldBe(sent.Count);
        sent.Count.ShouldBeGreaterThan(2);
        for (var i = 0; i < sent.Count; i++)
            Dropped(sent[i], answers[i], "").ShouldBeEmpty($"{sent[i]["kind"]} {sent[i]["metadata"]!["name"]}");
    }

    /// <summary>A server so old refuses rules (CEL) where they are applied on its side, and drops them where they are sent.</summary>
    [Fact]
    public async Task The_definitions_are_accepted()
    {
        var plane = fixture.ControlPlane;
        await HemCluster.InstallDefinitionsAsync(plane);
        var objects = HemChart.ObjectsOf(await HemChart.RenderAsync());
        foreach (var definition in objects.Where(one => (string?)one["kind"] == "CustomResourceDefinition"))
        {
            var path = $"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition["metadata"]!["name"]}";
            var answer = await plane.Definitions.MergePatchAsync($"{path}?dryRun=All", definition);
            ((string?)answer["metadata"]!["annotations"]!["helm.sh/resource-policy"]).ShouldBe("keep");
        }
    }

    /// <summary>A server that does not know a field leaves it out of its answer.</summary>
    private static IEnumerable<string> Dropped(JsonNode? sent, JsonNode? answer, string path)
    {
        switch (sent)
        {
            case JsonObject fields:
                foreach (var (name, value) in fields)
                {
                    var at = $"{path}.{name}";
                    if (answer?[name] is not { } inner) yield return at;
                    else foreach (var one in Dropped(value, inner, at)) yield return one;
                }
                break;
            case JsonArray items:
                if (answer is not JsonArray answered || answered.Count != items.Count) yield return path;
                else
                    for (var i = 0; i < items.Count; i++)
                        foreach (var one in Dropped(items[i], answered[i], $"{path}[{i}]")) yield return one;
                break;
        }
    }
}
