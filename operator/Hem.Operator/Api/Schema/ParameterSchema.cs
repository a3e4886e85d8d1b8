using Hem.Core.Sweeps;

namespace Hem.Operator.Api.Schema;

/// <summary>Marks an object of parameters: the schema of <see cref="ParameterTable"/>, every field optional.</summary>
internal sealed class ParameterValues;

/// <summary>Marks the parameters of one trial, defaults written out.</summary>
internal sealed class ResolvedParameters;

/// <summary>Marks the axes of a grid: for each parameter a list of values.</summary>
internal sealed class ParameterAxes;

/// <summary>Marks a width of vector kernels, which YAML reads as a number and quotes make a text.</summary>
internal sealed class KernelWidth
{
    public static JsonSchemaProps Schema { get; } = new()
    {
        IntOrString = true,
        Enum = [.. JsonSchemaProps.Choice(["auto", "512", "256", "128"]), 512, 256, 128],
    };
}

/// <summary>The parameter table as schemas.</summary>
internal static class ParameterSchema
{
    /// <param name="required">Every trial has them: what the table requires.</param>
    public static JsonSchemaProps Values(bool required) => new()
    {
        Type = "object",
        Required = required ? [.. ParameterTable.All.Where(definition => definition.Required).Select(definition => definition.Name)] : null,
        Properties = ParameterTable.All.ToDictionary(definition => definition.Name, Value),
    };

    public static JsonSchemaProps Axes() => new()
    {
        Type = "object",
        Properties = ParameterTable.All.ToDictionary(definition => definition.Name, definition => new JsonSchemaProps
        {
            Description = $"Values of {definition.Name} to try, a list; each is crossed with all values of the other axes. "
                + Describe(definition),
            Type = "array",
            MinItems = 1,
            MaxItems = Expansion.MostTrials,
            // A value twice is refused; lists and objects are compared by the operator.
            ListType = definition.Kind is ParameterKind.Interval or ParameterKind.StopRule ? "atomic" : "set",
            Items = Value(definition) with { Description = definition.Kind == ParameterKind.StopRule ? definition.Description : null },
        }),
    };

    /// <summary>A parameter is either in the cases or in the grid; a rule for each, so that the message can name it.</summary>
    public static IEnumerable<ValidationRule> CaseOrGrid => ParameterTable.All.Select(definition => new ValidationRule(
        $"!has(self.grid) || !has(self.grid.{definition.Name}) || !has(self.cases) || !self.cases.exists(c, has(c.{definition.Name}))",
        $"{definition.Name} is set in cases and in grid: a parameter is either in the cases or in the grid"));

    private static JsonSchemaProps Value(ParameterDefinition definition) =>
        OfKind(definition) with { Description = Describe(definition) };

    private static JsonSchemaProps OfKind(ParameterDefinition definition) => definition.Kind switch
    {
        ParameterKind.Integer => new()
        {
            Type = "integer",
            Format = "int32",
            Minimum = definition.Min,
            Maximum = definition.Max,
            MultipleOf = definition.MultipleOf > 1 ? definition.MultipleOf : null,
        },
        ParameterKind.Number => new() { Type = "number", Format = "double", Minimum = definition.Min, Maximum = definition.Max },
        ParameterKind.Boolean => new() { Type = "boolean" },
        ParameterKind.Choice => new() { Type = "string", Enum = JsonSchemaProps.Choice(definition.Allowed) },
        ParameterKind.Task => new() { Type = "string", Pattern = TaskPattern, MaxLength = 63 },
        ParameterKind.Interval => new()
        {
            Type = "array",
            MinItems = 2,
            MaxItems = 2,
            ListType = "atomic",
            Items = new() { Type = "number", Format = "double", Minimum = definition.Min, Maximum = definition.Max },
            Validations = [new("self[0] < self[1]", "must be two numbers, the smaller first")],
        },
        ParameterKind.StopRule => new()
        {
            Type = "object",
            MapType = "atomic",
            Required = ["successRate", "evaluations"],
            Properties = new Dictionary<string, JsonSchemaProps>
            {
                ["successRate"] = new()
                {
                    Description = "The success rate to reach, from 0 to 1.",
                    Type = "number",
                    Format = "double",
                    Minimum = 0,
                    Maximum = 1,
                },
                ["evaluations"] = new()
                {
                    Description = "How many evaluations in a row must reach it, from 1 to 1,000.",
                    Type = "integer",
                    Format = "int32",
                    Minimum = 1,
                    Maximum = 1000,
                },
            },
        },
        _ => throw new InvalidOperationException($"no schema for {definition.Kind}"),
    };

    /// <summary>What it does and its default, then what is allowed: all that `kubectl explain` shows on every version.</summary>
    private static string Describe(ParameterDefinition definition) => $"{definition.Description} Allowed: {definition.Expected}.";

    /// <summary>Exactly the names that <see cref="TaskName.TryParse"/> reads.</summary>
    public static string TaskPattern { get; } = $"^({string.Join("|", TaskName.All.Select(name => name switch
    {
        $"{TaskName.FlipBit}-K" => $"{TaskName.FlipBit}-{WholeNumbers.Pattern(TaskName.SmallestFlipBit, TaskName.LargestFlipBit)}",
        $"{TaskName.OneStep}-K" => $"{TaskName.OneStep}-{WholeNumbers.Pattern(TaskName.SmallestOneStep, TaskName.LargestOneStep)}",
        _ => name,
    }))})$";
}
