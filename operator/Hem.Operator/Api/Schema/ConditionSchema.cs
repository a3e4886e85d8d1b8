using Hem.Kubernetes;

namespace Hem.Operator.Api.Schema;

/// <summary>The schema of <see cref="V1Condition"/>, as Kubernetes' own kinds have it.</summary>
internal static class ConditionSchema
{
    public static JsonSchemaProps Schema { get; } = new()
    {
        Description = "One side of the object's state.",
        Type = "object",
        Required = ["type", "status"],
        Properties = new Dictionary<string, JsonSchemaProps>
        {
            ["type"] = new() { Description = "Which side.", Type = "string", MaxLength = 316 },
            ["status"] = new()
            {
                Description = "True, False or Unknown.",
                Type = "string",
                Enum = JsonSchemaProps.Choice(["True", "False", "Unknown"]),
            },
            ["reason"] = new() { Description = "Why, in CamelCase, for programs.", Type = "string", MaxLength = 1024 },
            ["message"] = new() { Description = "Why, for people.", Type = "string", MaxLength = 32_768 },
            ["lastTransitionTime"] = new() { Description = "When the status last changed.", Type = "string", Format = "date-time" },
            ["observedGeneration"] = new()
            {
                Description = "The generation of the spec that this is of.",
                Type = "integer",
                Format = "int64",
                Minimum = 0,
            },
        },
    };
}
