using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hem.TestCluster;
using Operator.Tests.Api;

namespace Operator.Tests.Chart;

/// <summary>The chart charts/hem, rendered by the program that stands in for helm.</summary>
internal static class HemChart
{
    public static readonly string Folder = HemCluster.File("charts", "hem");

    /// <summary>The sets of values in tests/helm/values, by name.</summary>
    public static IEnumerable<string> ValueSets =>
        Directory.EnumerateFiles(HemCluster.File("tests", "helm", "values"), "*.yaml").Select(path => Path.GetFileName(path)).Order();

    /// <summary>The options that go with a set of values: its first line tells them.</summary>
    public static IReadOnlyList<string> OptionsOf(string valueSet)
    {
        var file = HemCluster.File("tests", "helm", "values", valueSet);
        return ["-f", file, .. File.ReadLines(file).First().TrimStart('#').Split(' ', StringSplitOptions.RemoveEmptyEntries)];
    }

    /// <summary>What `helm template` prints.</summary>
    /// <exception cref="InvalidOperationException">It could not be rendered; what helm would say.</exception>
    public static async Task<string> RenderAsync(params IEnumerable<string> options)
    {
        try
        {
            return await Machine.RunAsync(HemCluster.File("make", "chart"), ["template", Folder, .. options]);
        }
        catch (CannotException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    /// <summary>The objects of a YAML text with several documents.</summary>
    public static IReadOnlyList<JsonObject> ObjectsOf(string manifest) =>
    [
        .. Regex.Split(manifest, "^---\n", RegexOptions.Multiline).Where(text => text.Contains("kind: "))
            .Select(text => YamlReader.Read(text)!.AsObject()),
    ];

    /// <summary>Those of the objects that give rights, and to whom.</summary>
    public static string RightsOf(string manifest) => string.Join("\n---\n", Regex.Split(manifest, "^---\n", RegexOptions.Multiline)
        .Where(text => Regex.IsMatch(text, "^kind: (ServiceAccount|(Cluster)?Role(Binding)?)$", RegexOptions.Multiline)));
}
