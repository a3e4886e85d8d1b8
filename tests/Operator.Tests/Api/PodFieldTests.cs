using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Hem.Core.Sweeps;
using Hem.Kubernetes;
using Hem.Operator.Trials;

namespace Operator.Tests.Api;

/// <summary>What a sweep may set of a pod arrives in the pod, field by field: nothing is dropped on the way.</summary>
public sealed class PodFieldTests
{
    [Fact]
    public void Every_field_of_a_pod_that_is_accepted_reaches_the_Job()
    {
        foreach (var field in PodFields.All)
        {
            JsonTypeInfo? type = field.Name switch
            {
                "resources" => TemplateJson.Default.V1ResourceRequirements,
                "imagePullSecrets" => TemplateJson.Default.ListV1LocalObjectReference,
                "affinity" => TemplateJson.Default.V1Affinity,
                "env" => TemplateJson.Default.ListV1EnvVar,
                "envFrom" => TemplateJson.Default.ListV1EnvFromSource,
                "tolerations" => TemplateJson.Default.ListV1Toleration,
                "volumes" => TemplateJson.Default.ListV1Volume,
                "volumeMounts" => TemplateJson.Default.ListV1VolumeMount,
                _ => null,  // texts and labels
            };
            if (type is null) continue;
            foreach (var value in Values(field))
            {
                var kept = JsonSerializer.SerializeToNode(
                    JsonSerializer.Deserialize(value, type), KubernetesJson.Default.GetTypeInfo(type.Type)!);
                foreach (var (path, leaf) in Leaves("", value))
                    Leaves("", kept!).ShouldContain((path, leaf), $"{field.Name}: {value.ToJsonString()} became {kept!.ToJsonString()}");
            }
        }
    }

    /// <summary>A value with everything set; of a volume, one for each source.</summary>
    private static IEnumerable<JsonNode> Values(FieldDefinition field)
    {
        if (field.Item is { OneOf: true } volume)
            return volume.Fields.Skip(1).Select(source => (JsonNode)new JsonArray(new JsonObject
            {
                ["name"] = "a",
                [source.Name] = Whole(source),
            }));
        return [Whole(field)];
    }

    private static JsonNode Whole(FieldDefinition field) => field.Kind switch
    {
        FieldKind.Object => new JsonObject(field.Fields.Select(known => KeyValuePair.Create(known.Name, (JsonNode?)Whole(known)))),
        FieldKind.Map => new JsonObject { ["key"] = Whole(field.Item!) },
        FieldKind.List => new JsonArray(Whole(field.Item!)),
        FieldKind.Boolean => JsonValue.Create(true),
        FieldKind.Whole => JsonValue.Create(7),
        FieldKind.Quantity => JsonValue.Create("2"),
        _ => JsonValue.Create(field.Allowed.Count > 0 ? field.Allowed[0] : field.Name == "mountPath" ? "/a" : "a"),
    };

    private static IEnumerable<(string Path, string Value)> Leaves(string path, JsonNode node) => node switch
    {
        JsonObject map => map.Where(field => field.Value is not null).SelectMany(field => Leaves($"{path}.{field.Key}", field.Value!)),
        JsonArray list => list.SelectMany((item, i) => Leaves($"{path}[{i}]", item!)),
        _ => [(path, node.ToJsonString())],
    };
}
