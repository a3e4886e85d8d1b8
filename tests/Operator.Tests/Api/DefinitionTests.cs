using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hem.Core.Sweeps;
using Hem.Operator.Api;
using Hem.Operator.Api.Schema;

namespace Operator.Tests.Api;

/// <summary>The resource definitions against the files in crds/, the parameter table and the reader of specs.</summary>
public sealed class DefinitionTests
{
    [Fact]
    public void The_files_are_as_the_types_say()
    {
        foreach (var (name, text) in CustomResourceDefinitions.Files)
            File.ReadAllText(HemCluster.File("crds", name)).ShouldBe(text, $"crds/{name} has drifted: make crds writes it again");
        Directory.EnumerateFiles(HemCluster.File("crds")).Count().ShouldBe(2);
        File.ReadAllText(HemCluster.File("docs", "api.md")).ShouldBe(ApiPage.Text(), "docs/api.md has drifted: make crds writes it again");
    }

    [Fact]
    public void The_yaml_says_what_the_definition_says()
    {
        foreach (var definition in new[] { CustomResourceDefinitions.Sweeps, CustomResourceDefinitions.Trials })
            JsonNode.DeepEquals(YamlReader.Read(YamlText.Of(definition)), definition).ShouldBeTrue();
    }

    /// <summary>The reader says which fields it knows when it meets one that it does not.</summary>
    [Fact]
    public void Every_field_of_the_reader_is_in_the_schema_and_the_other_way_round()
    {
        var objects = 0;
        foreach (var (place, schema) in SpecSamples.Walk())
        {
            if (schema.Properties is null) continue;
            objects++;
            var known = schema.Properties.Keys.Order(StringComparer.Ordinal);
            if (place is ["base"] or ["grid"] or ["cases", "[0]"] or ["exclude", "[0]"] or ["trainer", "overrides", "[0]", "match"])
            {
                known.ShouldBe(ParameterTable.All.Select(definition => definition.Name).Order(StringComparer.Ordinal));
                continue;
            }
            if (SpecSamples.IsParameters(place)) continue;
            var path = SpecSamples.PathOf([.. place, "zzz"]);
            var fault = Read(SpecSamples.Document(new SpecSample(path, "1", false))).FirstOrDefault(one => one.Path == path);
            fault.ShouldNotBeNull($"the reader knows no object at {SpecSamples.PathOf(place)}");
            var fields = Regex.Match(fault.Message, "^there is no such field; [^ ]+ has (.*)$").Groups[1].Value.Split(", ");
            fields.Order(StringComparer.Ordinal).ShouldBe(known, $"fields of {SpecSamples.PathOf(place)}");
        }
        objects.ShouldBeGreaterThan(20);
    }

    [Fact]
    public void The_reader_and_the_schema_allow_the_same_values()
    {
        var wrong = new List<string>();
        var count = 0;
        foreach (var sample in SpecSamples.All())
        {
            count++;
            var accepted = sample.Parameter is { } name && sample.Path != $"spec.grid.{name}"
                ? AcceptsParameter(sample, name)
                : !Read(SpecSamples.Document(sample)).Any(fault => fault.Path.StartsWith(sample.Path, StringComparison.Ordinal));
            if (accepted != sample.IsValid)
                wrong.Add($"{sample.Path} = {sample.Value}: the schema {(sample.IsValid ? "allows" : "refuses")} it, the reader does not");
        }
        wrong.ShouldBeEmpty();
        count.ShouldBeGreaterThan(500);
    }

    [Fact]
    public void Task_names_match_exactly_where_they_are_tasks()
    {
        var pattern = new Regex(ParameterSchema.TaskPattern);
        foreach (var family in new[] { "flipbit", "one-step" })
        {
            for (var size = -1; size <= 1_100; size++)
                pattern.IsMatch($"{family}-{size}").ShouldBe(TaskName.TryParse($"{family}-{size}", out _), $"{family}-{size}");
        }
        foreach (var name in new[] { "fourrooms", "fetch-push", "flipbit", "flipbit-K", "flipbit-025", "flipbit-25 ", "xfourrooms" })
            pattern.IsMatch(name).ShouldBe(TaskName.TryParse(name, out _), name);
    }

    [Fact]
    public void A_range_of_whole_numbers_is_matched_exactly()
    {
        foreach (var (min, max) in new[] { (0, 0), (1, 9), (2, 10), (7, 42), (2, 128), (95, 1005), (10, 99), (100, 2_000), (1999, 2001) })
        {
            var pattern = new Regex($"^{WholeNumbers.Pattern(min, max)}$");
            for (var number = 0; number <= 2_500; number++)
                pattern.IsMatch(number.ToString()).ShouldBe(number >= min && number <= max, $"{number} in {min}..{max}: {pattern}");
        }
    }

    [Fact]
    public void Everything_is_described_in_sentences_and_parameters_with_what_they_allow_and_their_default()
    {
        foreach (var (place, schema) in SpecSamples.Walk())
        {
            var isValue = place.Length > 0 && (place[^1] is "[0]" or "key");
            if (isValue && schema.Properties is null) continue;
            schema.Description.ShouldNotBeNull(SpecSamples.PathOf(place));
            if (schema.Description.Length > 0) schema.Description.ShouldEndWith(".");
        }
        foreach (var definition in ParameterTable.All)
        {
            var description = SpecSamples.Spec.Properties!["grid"].Properties![definition.Name].Description!;
            description.ShouldContain(definition.Expected);
            (definition.Required ? "Required." : "Default:").ShouldBeOneOf(
                description.Contains("Required.") ? "Required." : "", description.Contains("Default:") ? "Default:" : "");
        }
    }

    /// <summary>By these bounds the API server estimates what rules cost, and it refuses a definition that could cost too much.</summary>
    [Fact]
    public void Nothing_in_a_spec_is_without_bounds()
    {
        foreach (var (place, schema) in SpecSamples.Walk())
        {
            var path = SpecSamples.PathOf(place);
            if (schema.Type == "array") schema.MaxItems.ShouldNotBeNull(path);
            if (schema.AdditionalProperties is not null) schema.MaxProperties.ShouldNotBeNull(path);
            if (schema.Type == "string" && schema.Enum is null) schema.MaxLength.ShouldNotBeNull(path);
        }
    }

    [Fact]
    public void Sweep_and_parameters_are_of_the_api_version_that_identity_is_made_of()
    {
        HemResources.ApiVersion.ShouldBe($"{HemResources.Group}/{HemResources.Version}");
        ((string?)CustomResourceDefinitions.Sweeps["spec"]!["versions"]![0]!["name"]).ShouldBe(HemResources.Version);
    }

    private static bool AcceptsParameter(SpecSample sample, string name)
    {
        var definition = ParameterTable.Find(name)!;
        var value = ParameterValue.From(System.Text.Json.JsonDocument.Parse(sample.Value).RootElement);
        if (sample.Path is var path && (path == $"spec.base.{name}" || path == $"spec.grid.{name}[0]")) return definition.Accepts(value);
        // A part of a value: put it in its place in a value that is right.
        var inner = path[(path.IndexOf(name, StringComparison.Ordinal) + name.Length)..].Replace("[0].", ".").Replace("[0][0]", "[0]");
        return definition.Kind switch
        {
            ParameterKind.Interval => definition.Accepts(ParameterValue.From([value, definition.Max]))
                || definition.Accepts(ParameterValue.From([definition.Min, value])),
            _ => definition.Accepts(ParameterValue.From(ParameterSet.Of(
                ("successRate", inner == ".successRate" ? value : 0.5), ("evaluations", inner == ".evaluations" ? value : 3)))),
        };
    }

    private static IReadOnlyList<Fault> Read(JsonObject spec)
    {
        spec["base"] ??= new JsonObject();
        if (spec["base"] is JsonObject shared)
        {
            shared["algorithm"] ??= "hem";
            shared["task"] ??= "flipbit-5";
        }
        var sweep = new JsonObject
        {
            ["apiVersion"] = HemResources.ApiVersion,
            ["kind"] = HemResources.SweepKind,
            ["metadata"] = new JsonObject { ["name"] = "s" },
            ["spec"] = spec,
        };
        return SweepReader.Load(System.Text.Encoding.UTF8.GetBytes(sweep.ToJsonString()), "s.json").Faults;
    }
}
