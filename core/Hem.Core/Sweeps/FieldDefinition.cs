using System.Text.RegularExpressions;

namespace Hem.Core.Sweeps;

/// <summary>The shape of a field's value.</summary>
public enum FieldKind
{
    Text,
    Whole,
    Boolean,

    /// <summary>An amount of a resource: <c>2</c>, <c>500m</c>, <c>4Gi</c>.</summary>
    Quantity,

    /// <summary>The known <see cref="FieldDefinition.Fields"/>.</summary>
    Object,

    /// <summary>Names of the writer's own, each with an <see cref="FieldDefinition.Item"/>.</summary>
    Map,
    List,
}

/// <summary>
/// A field that a sweep hands on to Kubernetes. The reader and the resource definition both go by it, so they cannot disagree.
/// </summary>
/// <param name="Name">As Kubernetes has it; empty for the items of a list or a map.</param>
/// <param name="Kind">Shape of the value.</param>
/// <param name="Description">For <c>kubectl explain</c>.</param>
public sealed record FieldDefinition(string Name, FieldKind Kind, string Description)
{
    public bool Required { get; init; }

    /// <summary>Of a text: all of it matches; null: anything that is not empty.</summary>
    public string? Pattern { get; init; }

    /// <summary>Of a text: what the pattern means, in words.</summary>
    public string Expected { get; init; } = "a text that is not empty";

    public int MinLength { get; init; } = 1;
    public int MaxLength { get; init; } = 1024;

    /// <summary>Of a text: those that begin so are the operator's own.</summary>
    public IReadOnlyList<string> Reserved { get; init; } = [];

    /// <summary>Of a text: the only values, where there is a choice.</summary>
    public IReadOnlyList<string> Allowed { get; init; } = [];

    /// <summary>Of a whole number.</summary>
    public int Min { get; init; }
    public int Max { get; init; } = int.MaxValue;

    /// <summary>Of an object.</summary>
    public IReadOnlyList<FieldDefinition> Fields { get; init; } = [];

    /// <summary>Of an object: a name and one of the other fields, exactly.</summary>
    public bool OneOf { get; init; }

    /// <summary>Of an object: fields of which one at most may be given.</summary>
    public IReadOnlyList<string> Choice { get; init; } = [];

    /// <summary>One of <see cref="Choice"/> must be given.</summary>
    public bool ChoiceRequired { get; init; }

    /// <summary>Of a list or a map.</summary>
    public FieldDefinition? Item { get; init; }

    /// <summary>Of a map: what its names must be; the resource definition cannot say it.</summary>
    public FieldDefinition? Names { get; init; }
    public int MaxItems { get; init; } = 64;

    /// <summary>Of a list: the field by which its entries differ.</summary>
    public string? Key { get; init; }

    internal bool Matches(string text) =>
        text.Length >= MinLength && text.Length <= MaxLength && (Allowed.Count == 0 || Allowed.Contains(text))
        && (Pattern is null || Regex.Match(text, Pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)) is { Success: true } match
            && match.Length == text.Length);

    /// <summary>What the text begins with that is the operator's own; null: nothing.</summary>
    internal string? ReservedIn(string text) => Reserved.FirstOrDefault(own => text.StartsWith(own, StringComparison.Ordinal));
}
