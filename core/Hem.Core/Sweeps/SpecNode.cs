namespace Hem.Core.Sweeps;

internal enum SpecNodeKind
{
    Null,
    Scalar,
    List,
    Map,

    /// <summary>Written in a way that is refused wherever it stands; <see cref="SpecNode.Problem"/> says why.</summary>
    Refused,
}

/// <summary>A piece of a sweep file, YAML or JSON alike, with the line that it stands on.</summary>
internal sealed class SpecNode(SpecNodeKind kind, int line)
{
    public SpecNodeKind Kind { get; } = kind;
    public int Line { get; } = line;

    public ParameterValue? Scalar { get; init; }
    public string? Problem { get; init; }
    public List<SpecNode> Items { get; } = [];
    public List<SpecField> Fields { get; } = [];

    public SpecNode? Find(string name) => Fields.Find(field => field.Name == name)?.Value;

    /// <summary>What was written, shortened for a message; null where nothing was.</summary>
    public string? Show() => Kind switch
    {
        SpecNodeKind.Null => null,
        SpecNodeKind.Scalar => ParameterTable.Shorten(Scalar!),
        SpecNodeKind.List => Items.Count == 0 ? "[]" : $"a list of {Items.Count}",
        SpecNodeKind.Map => Fields.Count == 0 ? "{}" : "an object",
        _ => null,
    };

    /// <summary>The line of the deepest piece along a path such as <c>spec.grid.N[2]</c>.</summary>
    public int LineOf(string path)
    {
        var node = this;
        var line = Line;
        foreach (var segment in path.Split('.'))
        {
            var bracket = segment.IndexOf('[', StringComparison.Ordinal);
            var name = bracket < 0 ? segment : segment[..bracket];
            var field = node.Fields.Find(candidate => candidate.Name == name);
            if (field is null) return line;
            (node, line) = (field.Value, field.Line);
            if (bracket < 0) continue;
            if (!int.TryParse(segment.AsSpan(bracket + 1).TrimEnd(']'), out var index) || index >= node.Items.Count) return line;
            node = node.Items[index];
            line = node.Line;
        }
        return line;
    }
}

/// <summary>A field of a map; <paramref name="Line"/> is that of its name.</summary>
internal sealed record SpecField(string Name, int Line, SpecNode Value);
