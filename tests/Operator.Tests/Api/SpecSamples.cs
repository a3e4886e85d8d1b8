using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hem.Operator.Api;
using Hem.Operator.Api.Schema;

namespace Operator.Tests.Api;

/// <summary>One value for one field, and whether the schema allows it.</summary>
/// <param name="Path">As faults have it: <c>spec.trainer.volumes[0].name</c>.</param>
public sealed record SpecSample(string Path, string Value, bool IsValid)
{
    /// <summary>Of a parameter: its name.</summary>
    public string? Parameter { get; init; }
}

/// <summary>Walks the schema of a sweep's spec: every field, and for each values at the edges of what is allowed and beyond.</summary>
internal static class SpecSamples
{
    private static readonly string[] texts =
    [
        "a", "60s", "1h30m", "1.5d", "90", "h", "a b", "/data", "/a:b", "UPPER", "4Gi", "500m", "-1", "a.b", "-a", "a_b", "1e3", "0.5",
        "auto", "", "flipbit-25", "flipbit-129", "fourrooms", "a\n",
        new('a', 63), new('a', 64), new('a', 253), new('a', 254), new('a', 1025),
    ];

    public static JsonSchemaProps Spec { get; } = JsonSchemaOf(CustomResourceDefinitions.Sweeps)!;

    private static JsonSchemaProps? JsonSchemaOf(JsonObject definition) => JsonSerializer.Deserialize(
        definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"], SchemaJson.Default.JsonSchemaProps);

    /// <summary>Every field with its place: fields, list items (<c>[0]</c>) and map values (<c>.key</c>).</summary>
    public static IEnumerable<(string[] Place, JsonSchemaProps Schema)> Walk()
    {
        return Walk([], Spec);

        static IEnumerable<(string[], JsonSchemaProps)> Walk(string[] place, JsonSchemaProps schema)
        {
            yield return (place, schema);
            foreach (var (name, field) in schema.Properties ?? new Dictionary<string, JsonSchemaProps>())
                foreach (var found in Walk([.. place, name], field)) yield return found;
            if (schema.Items is { } item)
                foreach (var found in Walk([.. place, "[0]"], item)) yield return found;
            if (schema.AdditionalProperties is { } value)
                foreach (var found in Walk([.. place, "key"], value)) yield return found;
        }
    }

    public static string PathOf(string[] place) => place.Aggregate("spec", (path, part) => part[0] == '[' ? path + part : $"{path}.{part}");

    /// <summary>The parameters of one place stand for all: they have one schema.</summary>
    public static bool IsParameters(string[] place) => ParameterOf(place) is not null;

    public static string? ParameterOf(string[] place) => place switch
    {
        ["base" or "grid", var name, ..] => name,
        ["cases" or "exclude", _, var name, ..] => name,
        ["trainer", "overrides", _, "match", var name, ..] => name,
        _ => null,
    };

    public static IEnumerable<SpecSample> All() => Walk()
        .Where(field => field.Place.Length > 0)
        .Where(field => field.Place is not (["cases" or "exclude", _, _, ..] or ["trainer", "overrides", _, "match", _, ..]))
        .SelectMany(field => Values(field.Schema).Select(sample => new SpecSample(PathOf(field.Place), sample.Json, sample.IsValid)
        {
            Parameter = ParameterOf(field.Place),
        }))
        // The first word of a command is not empty: a rule, and no part of the schema of every word.
        .Where(sample => sample is not { Path: "spec.trainer.command[0]", Value: "\"\"" });

    /// <summary>A spec that is sound but for what the sample says: what its place needs beside it is there.</summary>
    public static JsonObject Document(SpecSample sample)
    {
        var place = sample.Path.Replace("[0]", ".[0]").Split('.')[1..];
        var spec = (JsonObject)Build(Spec, place, JsonNode.Parse(sample.Value));
        spec["base"] ??= new JsonObject();
        if (spec["seeds"] is JsonObject { Count: 2 } seeds) seeds.Remove("count");
        if (place is ["trainer", .., "volumeMounts", _, "name"] && spec["trainer"] is JsonObject trainer)
            trainer["volumes"] = new JsonArray(new JsonObject { ["name"] = JsonNode.Parse(sample.Value), ["emptyDir"] = new JsonObject() });
        return spec;
    }

    private static JsonNode Build(JsonSchemaProps schema, string[] place, JsonNode? value)
    {
        if (place is [var last] && last[0] != '[' && schema.Properties is null) return new JsonObject { [last] = value };
        if (place is ["[0]", .. var inItem])
        {
            var item = inItem.Length == 0 ? value : Build(schema.Items!, inItem, value);
            if (schema.MinItems != 2) return new JsonArray(item);
            // An interval: the sample is the end that it can be.
            return item?.GetValueKind() == JsonValueKind.Number && item.GetValue<double>() > schema.Items!.Minimum
                ? new JsonArray(schema.Items.Minimum, item)
                : new JsonArray(item, schema.Items!.Maximum);
        }
        var made = (JsonObject)Minimal(schema);
        if (place.Length == 0) return made;
        if (schema.MinProperties == 2 && place[0] != "name") made.Remove("emptyDir");
        made[place[0]] = place.Length == 1 ? value : Build(schema.Properties?[place[0]] ?? schema, place[1..], value);
        return made;
    }

    /// <summary>The least that the schema allows.</summary>
    private static JsonNode Minimal(JsonSchemaProps schema)
    {
        switch (schema.Type)
        {
            case "object":
                var made = new JsonObject();
                foreach (var name in schema.Required ?? []) made[name] = Minimal(schema.Properties![name]);
                if (schema.MinProperties == 2) made["emptyDir"] = new JsonObject();
                else if (schema.MinProperties == 1 && schema.Properties!.ContainsKey("count")) made["count"] = 1;
                return made;
            case "array":
                return new JsonArray(Minimal(schema.Items!));
            case "integer" or "number":
                return JsonValue.Create(schema.Minimum ?? 0);
            case "boolean":
                return JsonValue.Create(false);
            default:
                return schema.Enum?[0].DeepClone() ?? JsonValue.Create(texts.First(text => Accepts(schema, text)));
        }
    }

    private static bool Accepts(JsonSchemaProps schema, string text) =>
        text.Length >= (schema.MinLength ?? 0) && text.Length <= (schema.MaxLength ?? int.MaxValue)
        && (schema.Pattern is null || Regex.Match(text, schema.Pattern) is { Success: true } match && match.Length == text.Length);

    private static IEnumerable<(string Json, bool IsValid)> Values(JsonSchemaProps schema)
    {
        switch (schema)
        {
            case { Type: "integer" or "number", MultipleOf: not null }:
                yield return (Json(schema.Minimum!.Value), true);
                yield return (Json(schema.Minimum!.Value + 1), false);
                yield return (Json(schema.Maximum!.Value), true);
                break;
            case { Type: "integer" or "number" }:
                yield return (Json(schema.Minimum!.Value), true);
                yield return (Json(schema.Maximum!.Value), true);
                yield return (Json(schema.Minimum!.Value - 1), false);
                yield return (Json(schema.Maximum!.Value + 1), false);
                yield return ("\"1\"", false);
                yield return ("true", false);
                if (schema.Type == "integer" && schema.Maximum > schema.Minimum) yield return (Json(schema.Minimum.Value + 0.5), false);
                break;
            case { Type: "boolean" }:
                yield return ("true", true);
                yield return ("\"true\"", false);
                yield return ("1", false);
                break;
            case { Enum: { } choice }:
                foreach (var value in choice) yield return (value.ToJsonString(), true);
                yield return ("\"zzz\"", false);
                yield return ("17", false);
                break;
            case { IntOrString: true } or { Type: "string" }:
                foreach (var text in texts) yield return (JsonValue.Create(text).ToJsonString(), Accepts(schema, text));
                yield return ("2", schema.IntOrString == true);
                yield return ("[]", false);
                break;
            case { Type: "array" }:
                yield return ("[]", schema.MinItems is null or 0);
                yield return ("{}", false);
                yield return ("\"a\"", false);
                break;
            default:
                yield return ("[]", false);
                yield return ("\"a\"", false);
                break;
        }
    }

    private static string Json(double number) => JsonValue.Create(number).ToJsonString();
}
