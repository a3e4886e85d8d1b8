using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Hem.Kubernetes;

namespace Hem.Operator.Api.Schema;

/// <summary>
/// Writes the structural schema of C# types: the properties that <paramref name="context"/> reads and writes, with what their attributes
/// say. It goes by the source-generated context alone, so it works in a trimmed program too.
/// </summary>
internal sealed class SchemaGenerator(JsonSerializerContext context)
{
    public JsonSchemaProps Of(Type type) => Object(type) with { Description = Describe(type) };

    private JsonSchemaProps Property(Type owner, JsonPropertyInfo property)
    {
        if (property.PropertyType == typeof(V1ObjectMeta)) return new() { Type = "object" };
        var type = Get<ShapeAttribute>(property)?.Type ?? property.PropertyType;
        var schema = Value(type, Get<EachAttribute>(property));
        if (Get<RangeAttribute>(property) is { } range)
            schema = schema with { Minimum = Number(range.Minimum), Maximum = Number(range.Maximum) };
        if (Get<StringLengthAttribute>(property) is { } text)
            schema = schema with { MinLength = text.MinimumLength > 0 ? text.MinimumLength : null, MaxLength = text.MaximumLength };
        if (Get<RegularExpressionAttribute>(property) is { } expression) schema = schema with { Pattern = expression.Pattern };
        if (Get<LengthAttribute>(property) is { } length) schema = Bounded(schema, length);
        if (Get<ListTypeAttribute>(property) is { } list)
            schema = schema with { ListType = list.Type, ListMapKeys = list.Key is null ? null : [list.Key] };
        if (Get<AtomicAttribute>(property) is not null) schema = schema with { MapType = "atomic" };
        if (Get<DefaultValueAttribute>(property) is { } value) schema = schema with { Default = Default(schema, value.Value) };
        var description = Get<DescriptionAttribute>(property)?.Description ?? Describe(type)
            ?? throw new InvalidOperationException($"{owner.Name}.{property.Name} has no description");
        return schema with { Description = description, Validations = Rules(schema.Validations, property.AttributeProvider) };
    }

    private JsonSchemaProps Value(Type type, EachAttribute? each)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return new() { Type = "string" };
        if (type == typeof(bool)) return new() { Type = "boolean" };
        if (type == typeof(int)) return new() { Type = "integer", Format = "int32" };
        if (type == typeof(long)) return new() { Type = "integer", Format = "int64" };
        if (type == typeof(double)) return new() { Type = "number", Format = "double" };
        if (type == typeof(DateTimeOffset)) return new() { Type = "string", Format = "date-time" };
        if (type.IsEnum) return new() { Type = "string", Enum = JsonSchemaProps.Choice(Enum.GetNames(type)) };
        if (type == typeof(ParameterValues)) return ParameterSchema.Values(required: false);
        if (type == typeof(ResolvedParameters)) return ParameterSchema.Values(required: true);
        if (type == typeof(KernelWidth)) return KernelWidth.Schema;
        if (type == typeof(V1Condition)) return ConditionSchema.Schema;
        if (type == typeof(ParameterAxes)) return ParameterSchema.Axes();
        var info = Info(type);
        return info.Kind switch
        {
            JsonTypeInfoKind.Dictionary => new() { Type = "object", AdditionalProperties = Item(info, each) },
            JsonTypeInfoKind.Enumerable => new() { Type = "array", Items = Item(info, each) },
            _ => Object(type),
        };
    }

    private JsonSchemaProps Item(JsonTypeInfo list, EachAttribute? each)
    {
        var type = list.ElementType!;
        var item = Value(type, null);
        return item with
        {
            Description = each?.Description ?? Describe(type),
            Pattern = each?.Pattern,
            MinLength = each is { MinLength: >= 0 } ? each.MinLength : null,
            MaxLength = each is { MaxLength: >= 0 } ? each.MaxLength : null,
            MinProperties = each is { MinProperties: >= 0 } ? each.MinProperties : item.MinProperties,
            Minimum = each is null || double.IsNaN(each.Min) ? null : each.Min,
            Maximum = each is null || double.IsNaN(each.Max) ? null : each.Max,
        };
    }

    private JsonSchemaProps Object(Type type)
    {
        var properties = Info(type).Properties;
        string[] required =
            [.. properties.Where(property => Get<RequiredAttribute>(property) is not null).Select(property => property.Name)];
        var count = type.GetCustomAttribute<PropertyCountAttribute>();
        var schemas = properties.Select(property => (property.Name, Schema: Property(type, property)));
        if (type.IsDefined(typeof(PodFieldsAttribute))) schemas = schemas.Concat(PodSchema.Fields);
        return new()
        {
            Type = "object",
            MinProperties = count?.Min,
            MaxProperties = count?.Max,
            Required = required.Length > 0 ? required : null,
            Properties = schemas.ToDictionary(field => field.Name, field => field.Schema),
            Validations = Rules(null, type),
        };
    }

    private static JsonSchemaProps Bounded(JsonSchemaProps schema, LengthAttribute length)
    {
        int? min = length.MinimumLength > 0 ? length.MinimumLength : null;
        return schema.Type == "array"
            ? schema with { MinItems = min, MaxItems = length.MaximumLength }
            : schema with { MinProperties = min, MaxProperties = length.MaximumLength };
    }

    private static JsonNode? Default(JsonSchemaProps schema, object? value) => value switch
    {
        string text when schema.Type is "object" or "array" => JsonNode.Parse(text),
        string text => JsonValue.Create(text),
        bool boolean => JsonValue.Create(boolean),
        int number => JsonValue.Create(number),
        _ => throw new InvalidOperationException($"no default of type {value?.GetType().Name}"),
    };

    private static ValidationRule[]? Rules(IReadOnlyList<ValidationRule>? known, ICustomAttributeProvider? member)
    {
        var own = member?.GetCustomAttributes(typeof(RuleAttribute), inherit: false).Cast<RuleAttribute>().Select(rule => rule.Value);
        ValidationRule[] all = [.. known ?? [], .. own ?? []];
        return all.Length > 0 ? all : null;
    }

    private static string? Describe(Type type) =>
        (Nullable.GetUnderlyingType(type) ?? type).GetCustomAttribute<DescriptionAttribute>(inherit: false)?.Description;

    private static T? Get<T>(JsonPropertyInfo property)
        where T : Attribute =>
        property.AttributeProvider?.GetCustomAttributes(typeof(T), inherit: false).Cast<T>().FirstOrDefault();

    private JsonTypeInfo Info(Type type) =>
        context.GetTypeInfo(type) ?? throw new InvalidOperationException($"{type} is not in {context.GetType().Name}");

    private static double Number(object bound) => Convert.ToDouble(bound, CultureInfo.InvariantCulture);
}
