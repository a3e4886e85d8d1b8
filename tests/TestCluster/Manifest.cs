using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Hem.TestCluster;

/// <summary>One object of a YAML text, with what is needed to know where it goes.</summary>
internal sealed record Manifest(string ApiVersion, string Kind, string? Namespace, string Name, string Yaml)
{
    public static IEnumerable<Manifest> Split(string yaml)
    {
        foreach (var text in Regex.Split(yaml, @"^---.*$", RegexOptions.Multiline))
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count == 0) continue;
            var root = (YamlMappingNode)stream.Documents[0].RootNode;
            var metadata = (YamlMappingNode)root["metadata"];
            yield return new Manifest(
                root["apiVersion"].ToString(), root["kind"].ToString(),
                metadata.Children.TryGetValue("namespace", out var space) ? space.ToString() : null, metadata["name"].ToString(), text);
        }
    }
}
