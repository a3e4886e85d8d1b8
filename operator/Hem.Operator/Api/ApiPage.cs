using System.Globalization;
using System.Text;
using Hem.Core.Sweeps;
using Hem.Operator.Api.Schema;

namespace Hem.Operator.Api;

/// <summary>docs/api.md: the fields of both kinds as a page, for those who have no cluster at hand to ask.</summary>
internal static class ApiPage
{
    public static string Text()
    {
        var text = new StringBuilder("""
            # HemSweep and HemTrial

            The kinds that Hem adds to Kubernetes, `hem.dev/v1alpha1`. Installed by `kubectl apply -f crds/` (servers before 1.25: with
            `--validate=false`, and they check the rules below only in the operator). `kubectl explain hemsweep.spec` says the same.
            A HemSweep is also the file that `hem run` takes. Parameters, wherever they stand, are those of
            [parameters.md](parameters.md). Written by `make crds`.

            Quote `"N"`: to kubectl's YAML a bare N is false, and it refuses the file (or, with `--validate=false`, drops the field).

            """.ReplaceLineEndings("\n"));
        Kind(text, HemResources.SweepKind, "hs", CustomResourceDefinitions.SweepSchema);
        Kind(text, HemResources.TrialKind, "ht", CustomResourceDefinitions.TrialSchema);
        return text.ToString();
    }

    private static void Kind(StringBuilder text, string kind, string shortName, JsonSchemaProps schema)
    {
        text.Append($"\n## {kind} (`{shortName}`)\n\n{schema.Description}\n");
        foreach (var part in new[] { "spec", "status" })
        {
            text.Append($"\n### {part}\n\n{schema.Properties![part].Description}\n\n| field | values | meaning |\n|---|---|---|\n");
            Fields(text, part, schema.Properties[part]);
        }
        var rules = Rules("", schema).ToList();
        if (rules.Count == 0) return;
        text.Append("\n### rules\n\nBeyond what the table says (CEL; the operator checks a sweep's too).\n\n");
        foreach (var (path, message) in rules) text.Append($"- {(path.Length == 0 ? "the object" : $"`{path}`")}: {message}\n");
    }

    private static void Fields(StringBuilder text, string path, JsonSchemaProps schema)
    {
        foreach (var (name, field) in schema.Properties ?? new Dictionary<string, JsonSchemaProps>())
        {
            var required = schema.Required?.Contains(name) == true ? " (required)" : "";
            text.Append($"| `{path}.{name}`{required} | {Values(field)} | {Cell(field.Description ?? "")} |\n");
            if (IsParameters(field)) continue;
            Fields(text, $"{path}.{name}", field);
            if (field.Items is not { } item || IsParameters(item)) continue;
            Fields(text, $"{path}.{name}[]", name == "overrides" ? WithoutPodFields(item) : item);
            if (name != "overrides") continue;
            var pod = string.Join(", ", PodFields.All.Select(known => known.Name));
            text.Append($"| `{path}.{name}[]` ... | | {pod}: as in `{path}`, in their place. |\n");
        }
    }

    private static JsonSchemaProps WithoutPodFields(JsonSchemaProps schema) => schema with
    {
        Properties = schema.Properties!.ExceptBy(PodFields.All.Select(known => known.Name), field => field.Key).ToDictionary(),
    };

    private static string Values(JsonSchemaProps field)
    {
        var values = field switch
        {
            _ when IsParameters(field) => "parameters",
            { Enum: { } choice } => string.Join(", ", choice.Select(value => $"`{value}`").Distinct()),
            { Type: "array", Items: { } item } when IsParameters(item) => "list of parameters",
            { Type: "array", Items: { Type: "object" } } => "list of objects",
            { Type: "array", Items: { } item } => $"list of {Values(item)}",
            { AdditionalProperties: { } value } => $"names with {Values(value)}",
            { IntOrString: true } => "amount",
            { Format: "date-time" } => "time",
            { Type: "integer", Minimum: { } min, Maximum: { } max } => $"whole, {Number(min)} to {Number(max)}",
            { Type: "number", Minimum: { } min, Maximum: { } max } => $"{Number(min)} to {Number(max)}",
            { Type: "integer" } => "whole",
            { Type: "string" } => "text",
            _ => field.Type ?? "",
        };
        return field.Default is { } given && given.ToJsonString() != "{}" ? $"{values}; default {given.ToJsonString()}" : values;
    }

    private static IEnumerable<(string Path, string Message)> Rules(string path, JsonSchemaProps schema)
    {
        foreach (var rule in schema.Validations ?? [])
        {
            // One for each parameter; the description of cases says it for all.
            if (!ParameterSchema.CaseOrGrid.Contains(rule)) yield return (path, rule.Message);
        }
        foreach (var (name, field) in schema.Properties ?? new Dictionary<string, JsonSchemaProps>())
        {
            if (IsParameters(field)) continue;
            foreach (var found in Rules(path.Length == 0 ? name : $"{path}.{name}", field)) yield return found;
        }
    }

    private static bool IsParameters(JsonSchemaProps field) => field.Properties?.ContainsKey("algorithm") == true;

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static string Number(double number) => ((decimal)number).ToString("#,0.############", CultureInfo.InvariantCulture);
}
