using Hem.Core.Sweeps;

namespace Hem.Operator.Api.Schema;

/// <summary>The fields of a pod that a sweep may set, as schemas.</summary>
internal static class PodSchema
{
    public static IEnumerable<(string Name, JsonSchemaProps Schema)> Fields => PodFields.All.Select(known => (known.Name, Of(known)));

    private static JsonSchemaProps Of(FieldDefinition field)
    {
        var schema = OfKind(field);
        return field.Description.Length > 0 ? schema with { Description = field.Description } : schema;
    }

    private static JsonSchemaProps OfKind(FieldDefinition field) => field.Kind switch
    {
        FieldKind.Text when field.Allowed.Count > 0 => new() { Type = "string", Enum = JsonSchemaProps.Choice(field.Allowed) },
        FieldKind.Text => new()
        {
            Type = "string",
            MinLength = field.MinLength > 0 ? field.MinLength : null,
            MaxLength = field.MaxLength,
            Pattern = field.Pattern,
        },
        FieldKind.Whole => new() { Type = "integer", Format = "int32", Minimum = field.Min, Maximum = field.Max },
        FieldKind.Boolean => new() { Type = "boolean" },
        FieldKind.Quantity => new()
        {
            IntOrString = true,
            Minimum = 0,
            Pattern = field.Pattern,
            MaxLength = field.MaxLength,
        },
        FieldKind.Map => new() { Type = "object", MaxProperties = field.MaxItems, AdditionalProperties = Of(field.Item!) },
        FieldKind.List => new()
        {
            Type = "array",
            MinItems = 1,
            MaxItems = field.MaxItems,
            ListType = field.Key is null ? "atomic" : "map",
            ListMapKeys = field.Key is null ? null : [field.Key],
            Items = Of(field.Item!),
        },
        _ => new()
        {
            Type = "object",
            MinProperties = field.OneOf ? 2 : null,
            MaxProperties = field.OneOf ? 2 : null,
            Required = field.Fields.Any(known => known.Required)
                ? [.. field.Fields.Where(known => known.Required).Select(known => known.Name)]
                : null,
            Properties = field.Fields.ToDictionary(known => known.Name, Of),
        },
    };
}
