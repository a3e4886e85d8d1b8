namespace Hem.Operator.Api.Schema;

/// <summary>A rule in CEL on a property or a type; may stand several times.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Class, AllowMultiple = true)]
internal sealed class RuleAttribute(string rule, string message) : Attribute
{
    public ValidationRule Value { get; } = new(rule, message);
}

/// <summary>How the API server merges and compares a list: <c>set</c>, or <c>map</c> with the key.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ListTypeAttribute(string type, string? key = null) : Attribute
{
    public string Type { get; } = type;
    public string? Key { get; } = key;
}

/// <summary>An object whose fields depend on each other: it is merged as a whole or not at all.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AtomicAttribute : Attribute;

/// <summary>How many fields an object may have.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class PropertyCountAttribute(int min, int max) : Attribute
{
    public int Min { get; } = min;
    public int Max { get; } = max;
}

/// <summary>What holds for every item of a list, or every value of a map.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EachAttribute : Attribute
{
    public string? Description { get; init; }
    public string? Pattern { get; init; }
    public int MinLength { get; init; } = -1;
    public int MaxLength { get; init; } = -1;
    public int MinProperties { get; init; } = -1;
    public double Min { get; init; } = double.NaN;
    public double Max { get; init; } = double.NaN;
}

/// <summary>The type has the fields of a pod that a sweep may set (<see cref="Hem.Core.Sweeps.PodFields"/>) beside its own.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class PodFieldsAttribute : Attribute;

/// <summary>The property is described by another type: its own is the JSON as it came.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ShapeAttribute(Type type) : Attribute
{
    public Type Type { get; } = type;
}

/// <summary>A column of <c>kubectl get</c>.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
internal sealed class PrinterColumnAttribute(string name, string type, string jsonPath, string description) : Attribute
{
    public string Name { get; } = name;
    public string Type { get; } = type;
    public string JsonPath { get; } = jsonPath;
    public string Description { get; } = description;

    /// <summary>1: only with <c>-o wide</c>.</summary>
    public int Priority { get; init; }
}
