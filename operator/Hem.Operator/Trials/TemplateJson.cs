using System.Text.Json;
using System.Text.Json.Serialization;
using Hem.Kubernetes;

namespace Hem.Operator.Trials;

/// <summary>How the parts of a pod that a sweep gives are read.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(PlainTextConverter)])]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(List<V1Toleration>))]
[JsonSerializable(typeof(List<V1LocalObjectReference>))]
[JsonSerializable(typeof(List<V1EnvVar>))]
[JsonSerializable(typeof(List<V1EnvFromSource>))]
[JsonSerializable(typeof(V1Affinity))]
[JsonSerializable(typeof(List<V1Volume>))]
[JsonSerializable(typeof(List<V1VolumeMount>))]
[JsonSerializable(typeof(V1ResourceRequirements))]
internal sealed partial class TemplateJson : JsonSerializerContext;

/// <summary>Quantities and labels are text to Kubernetes, whether or not somebody wrote quotes.</summary>
internal sealed class PlainTextConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String) return reader.GetString();
        using JsonDocument value = JsonDocument.ParseValue(ref reader);
        return value.RootElement.GetRawText();
    }

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString()!;

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
