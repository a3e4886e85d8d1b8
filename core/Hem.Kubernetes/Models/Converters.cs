using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Hem.Kubernetes;

/// <summary>Times of the API: RFC 3339 in UTC, whole seconds.</summary>
public sealed class TimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
}

/// <summary>MicroTime, as leases have it: the server refuses any number of decimals but six.</summary>
public sealed class MicroTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
}

/// <summary>A number where it is one, as <c>targetPort</c> has it.</summary>
public sealed class IntOrStringConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number ? reader.GetInt32().ToString(CultureInfo.InvariantCulture) : reader.GetString();

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
    {
        if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) writer.WriteNumberValue(number);
        else writer.WriteStringValue(value);
    }
}

internal sealed class UnstructuredConverter : JsonConverter<UnstructuredObject>
{
    public override UnstructuredObject Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var fields = JsonSerializer.Deserialize(ref reader, KubernetesJson.Default.JsonObject)
            ?? throw new JsonException("The object is null.");
        var item = new UnstructuredObject
        {
            ApiVersion = (string?)fields["apiVersion"],
            Kind = (string?)fields["kind"],
            Metadata = fields["metadata"]?.Deserialize(KubernetesJson.Default.V1ObjectMeta) ?? new(),
            Fields = fields,
        };
        foreach (var read in (ReadOnlySpan<string>)["apiVersion", "kind", "metadata"]) fields.Remove(read);
        return item;
    }

    public override void Write(Utf8JsonWriter writer, UnstructuredObject value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        if (value.ApiVersion is not null) writer.WriteString("apiVersion", value.ApiVersion);
        if (value.Kind is not null) writer.WriteString("kind", value.Kind);
        writer.WritePropertyName("metadata");
        JsonSerializer.Serialize(writer, value.Metadata, KubernetesJson.Default.V1ObjectMeta);
        foreach (var (name, field) in value.Fields)
        {
            writer.WritePropertyName(name);
            if (field is null) writer.WriteNullValue();
            else field.WriteTo(writer);
        }
        writer.WriteEndObject();
    }
}
