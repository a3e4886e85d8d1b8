using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Hem.Operator.Api.Schema;

/// <summary>What a structural schema of <c>apiextensions.k8s.io/v1</c> can say, as far as Hem needs it, with Kubernetes' names.</summary>
internal sealed record JsonSchemaProps
{
    public string? Description { get; init; }
    public string? Type { get; init; }
    public string? Format { get; init; }
    public JsonNode? Default { get; init; }
    public IReadOnlyList<JsonNode>? Enum { get; init; }
    public string? Pattern { get; init; }
    public int? MinLength { get; init; }
    public int? MaxLength { get; init; }
    public double? Minimum { get; init; }
    public double? Maximum { get; init; }
    public int? MultipleOf { get; init; }
    public int? MinItems { get; init; }
    public int? MaxItems { get; init; }
    public int? MinProperties { get; init; }
    public int? MaxProperties { get; init; }
    public JsonSchemaProps? Items { get; init; }
    public IReadOnlyList<string>? Required { get; init; }
    public IReadOnlyDictionary<string, JsonSchemaProps>? Properties { get; init; }
    public JsonSchemaProps? AdditionalProperties { get; init; }

    [JsonPropertyName("x-kubernetes-int-or-string")]
    public bool? IntOrString { get; init; }

    [JsonPropertyName("x-kubernetes-list-type")]
    public string? ListType { get; init; }

    [JsonPropertyName("x-kubernetes-list-map-keys")]
    public IReadOnlyList<string>? ListMapKeys { get; init; }

    [JsonPropertyName("x-kubernetes-map-type")]
    public string? MapType { get; init; }

    [JsonPropertyName("x-kubernetes-validations")]
    public IReadOnlyList<ValidationRule>? Validations { get; init; }

    public JsonNode ToJson() => JsonSerializer.SerializeToNode(this, SchemaJson.Default.JsonSchemaProps)!;

    public static IReadOnlyList<JsonNode> Choice(IEnumerable<string> values) => [.. values.Select(value => JsonValue.Create(value))];
}

/// <summary>A CEL rule (Kubernetes 1.25 and later; older servers drop it) and what is said where it does not hold.</summary>
internal sealed record ValidationRule(string Rule, string Message);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JsonSchemaProps))]
[JsonSerializable(typeof(decimal))]
[JsonSerializable(typeof(string))]
internal sealed partial class SchemaJson : JsonSerializerContext
{
    /// <summary>For texts that people read: no \u escapes beyond what JSON asks for.</summary>
    public static SchemaJson Quoted { get; } = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
