using System.Reflection;
using System.Text.Json.Nodes;
using Hem.Core.Sweeps;
using Hem.Operator.Api.Schema;

namespace Hem.Operator.Api;

/// <summary>The resource definitions of HemSweep and HemTrial, as the files of crds/ hold them.</summary>
internal static class CustomResourceDefinitions
{
    private static readonly SchemaGenerator generator = new(HemJson.Default);

    public static JsonSchemaProps SweepSchema { get; } = Sweep();

    public static JsonSchemaProps TrialSchema { get; } = Trial();

    public static JsonObject Sweeps { get; } = Definition<HemSweepResource>(
        HemResources.SweepPlural, "hs", HemResources.SweepKind, SweepSchema);

    public static JsonObject Trials { get; } = Definition<HemTrialResource>(
        HemResources.TrialPlural, "ht", HemResources.TrialKind, TrialSchema);

    /// <summary>Name and text of each file.</summary>
    public static IEnumerable<(string Name, string Text)> Files => new[] { Sweeps, Trials }.Select(definition =>
        ($"{definition["spec"]!["names"]!["plural"]}.yaml",
        "# Written by `make crds` from operator/Hem.Operator/Api and the parameter table: edit those.\n" + YamlText.Of(definition)));

    /// <summary>A sweep's name is the beginning of its trials' names, and they must still be labels.</summary>
    private static JsonSchemaProps Sweep()
    {
        var schema = generator.Of(typeof(HemSweepResource));
        var spec = schema.Properties!["spec"];
        spec = spec with { Validations = [.. spec.Validations!, .. ParameterSchema.CaseOrGrid] };
        var named = Named(schema, HemSweep.LongestName, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$");
        return named with { Properties = With(named.Properties!, "spec", spec), Required = ["metadata", "spec"] };
    }

    private static JsonSchemaProps Trial() =>
        Named(generator.Of(typeof(HemTrialResource)), HemSweep.LongestName + 1 + Identity.NameDigits,
            $"^[a-z0-9]([-a-z0-9]*[a-z0-9])?-[0-9a-f]{{{Identity.NameDigits}}}$") with
        {
            Required = ["metadata", "spec"],
            Validations =
            [
                new($"self.metadata.name == self.spec.sweep + '-' + self.spec.hash.substring(0, {Identity.NameDigits})",
                    "the name must be the sweep's name and the first 16 digits of the hash"),
            ],
        };

    private static JsonSchemaProps Named(JsonSchemaProps schema, int longest, string pattern) => schema with
    {
        Properties = With(schema.Properties!, "metadata", new()
        {
            Type = "object",
            Properties = new Dictionary<string, JsonSchemaProps>
            {
                ["name"] = new() { Type = "string", MaxLength = longest, Pattern = pattern },
            },
        }),
    };

    private static Dictionary<string, JsonSchemaProps> With(
        IReadOnlyDictionary<string, JsonSchemaProps> properties, string name, JsonSchemaProps value) =>
        new(properties) { [name] = value };

    private static JsonObject Definition<T>(string plural, string shortName, string kind, JsonSchemaProps schema) => new()
    {
        ["apiVersion"] = "apiextensions.k8s.io/v1",
        ["kind"] = "CustomResourceDefinition",
        ["metadata"] = new JsonObject
        {
            ["name"] = $"{plural}.{HemResources.Group}",
            ["labels"] = new JsonObject { ["app.kubernetes.io/name"] = "hem", ["app.kubernetes.io/part-of"] = "hem" },
        },
        ["spec"] = new JsonObject
        {
            ["group"] = HemResources.Group,
            ["scope"] = "Namespaced",
            ["names"] = new JsonObject
            {
                ["kind"] = kind,
                ["listKind"] = $"{kind}List",
                ["plural"] = plural,
                ["singular"] = kind.ToLowerInvariant(),
                ["shortNames"] = new JsonArray(shortName),
                ["categories"] = new JsonArray("hem"),
            },
            ["versions"] = new JsonArray(new JsonObject
            {
                ["name"] = HemResources.Version,
                ["served"] = true,
                ["storage"] = true,
                ["subresources"] = new JsonObject { ["status"] = new JsonObject() },
                ["additionalPrinterColumns"] = new JsonArray([.. typeof(T).GetCustomAttributes<PrinterColumnAttribute>().Select(Column)]),
                ["schema"] = new JsonObject { ["openAPIV3Schema"] = schema.ToJson() },
            }),
        },
    };

    private static JsonObject Column(PrinterColumnAttribute column)
    {
        var json = new JsonObject
        {
            ["name"] = column.Name,
            ["type"] = column.Type,
            ["jsonPath"] = column.JsonPath,
            ["description"] = column.Description,
        };
        if (column.Priority > 0) json["priority"] = column.Priority;
        return json;
    }
}
