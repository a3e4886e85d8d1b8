using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>Reads the fields of one map of a sweep file; each getter reports what is wrong with its field and then gives null.</summary>
internal sealed class FieldReader
{
    private readonly FaultList faults;
    private readonly SpecNode node;
    private readonly string path;

    /// <summary>Reports at once if the node is no map, and every field that is none of <paramref name="known"/>.</summary>
    public FieldReader(FaultList faults, SpecNode node, string path, IReadOnlyList<string> known)
    {
        (this.faults, this.node, this.path) = (faults, node, path);
        IsMap = node.Kind == SpecNodeKind.Map;
        if (!IsMap)
        {
            var problem = node.Problem ?? $"must be an object with the fields {string.Join(", ", known)}";
            faults.Add(new Fault(path, node.Show(), problem, Line: node.Line));
            HasUnknown = true;
            return;
        }
        foreach (var field in node.Fields)
        {
            if (known.Contains(field.Name)) continue;
            HasUnknown = true;
            faults.Add(new Fault(At(Shorten(field.Name)), field.Value.Show(),
                $"there is no such field; {(path.Length == 0 ? "a sweep file" : path)} has {string.Join(", ", known)}",
                NearestName.Of(field.Name, known), field.Line));
        }
    }

    public bool IsMap { get; }

    /// <summary>A field was not understood, and so something else may be missing.</summary>
    public bool HasUnknown { get; }

    /// <summary>The field, or null where it is absent or empty.</summary>
    public SpecNode? Get(string field) => node.Find(field) is { Kind: not SpecNodeKind.Null } value ? value : null;

    public SpecNode? Required(string field, string what)
    {
        var value = Get(field);
        if (value is null && !HasTypoOf(field))
            faults.Add(new Fault(At(field), null, $"is missing: {what}", Line: node.Find(field)?.Line ?? node.Line));
        return value;
    }

    public void Fault(string field, SpecNode value, string message, int? line = null) =>
        faults.Add(new Fault(At(field), value.Show(), value.Problem ?? message, Line: line ?? value.Line));

    public int? Whole(string field, int min, int max)
    {
        if (Get(field) is not { } value) return null;
        if (value.Scalar is { IsInt: true } number && number.AsInt() >= min && number.AsInt() <= max) return number.AsInt();
        Fault(field, value, string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {min:N0} to {max:N0}"));
        return null;
    }

    public double? Number(string field, double min, double max)
    {
        if (Get(field) is not { } value) return null;
        if (value.Scalar is { Kind: ParameterValueKind.Number } number && number.AsDouble() >= min && number.AsDouble() <= max)
            return number.AsDouble();
        Fault(field, value, $"must be a number from {ParameterValue.From(min)} to {ParameterValue.From(max)}");
        return null;
    }

    public bool? Boolean(string field)
    {
        if (Get(field) is not { } value) return null;
        if (value.Scalar is { Kind: ParameterValueKind.Boolean } boolean) return boolean.AsBool();
        Fault(field, value, "must be true or false");
        return null;
    }

    public TimeSpan? Time(string field, TimeSpan min)
    {
        if (Get(field) is not { } value) return null;
        if (value.Scalar is { Kind: ParameterValueKind.Text } text && Duration.Parse(text.AsString()) is { } time && time >= min)
            return time;
        Fault(field, value, $"must be {Duration.Expected}, at least {Duration.Format(min)}");
        return null;
    }

    public string? Text(string field)
    {
        if (Get(field) is not { } value) return null;
        if (value.Scalar is { Kind: ParameterValueKind.Text } text && text.AsString().Length > 0) return text.AsString();
        Fault(field, value, "must be a text that is not empty");
        return null;
    }

    /// <summary>The items of a list; none where it is absent. An empty list is a fault: it says nothing.</summary>
    public List<SpecNode> List(string field, int most)
    {
        if (Get(field) is not { } value) return [];
        if (value.Kind == SpecNodeKind.List && value.Items.Count > 0 && value.Items.Count <= most) return value.Items;
        Fault(field, value, value is { Kind: SpecNodeKind.List, Items.Count: 0 }
            ? "must not be empty: leave it out, or give it an entry"
            : string.Create(CultureInfo.InvariantCulture, $"must be a list of at most {most:N0} entries"));
        return [];
    }

    /// <summary>The value that a node stands for, at any depth.</summary>
    public static bool TryConvert(SpecNode node, [NotNullWhen(true)] out ParameterValue? value, [NotNullWhen(false)] out string? problem)
    {
        (value, problem) = (null, null);
        switch (node.Kind)
        {
            case SpecNodeKind.Scalar:
                value = node.Scalar!;
                return true;
            case SpecNodeKind.Null:
                problem = "has no value: give it one, or leave it out";
                return false;
            case SpecNodeKind.Refused:
                problem = node.Problem!;
                return false;
            case SpecNodeKind.List:
                var items = new List<ParameterValue>(node.Items.Count);
                foreach (var item in node.Items)
                {
                    if (!TryConvert(item, out var entry, out problem)) return false;
                    items.Add(entry);
                }
                value = ParameterValue.From(items);
                return true;
            default:
                var fields = new List<KeyValuePair<string, ParameterValue>>(node.Fields.Count);
                foreach (var field in node.Fields)
                {
                    if (field.Value.Kind == SpecNodeKind.Null) continue;
                    if (!TryConvert(field.Value, out var entry, out problem)) return false;
                    fields.Add(KeyValuePair.Create(field.Name, entry));
                }
                value = ParameterValue.From(ParameterSet.From(fields));
                return true;
        }
    }

    public static string Shorten(string name) => name.Length <= 60 ? name : name[..57] + "...";

    private bool HasTypoOf(string field) =>
        node.Fields.Exists(other => other.Name != field && NearestName.Of(other.Name, [field]) is not null);

    /// <summary>The whole path of a field.</summary>
    public string At(string field) => path.Length == 0 ? field : $"{path}.{field}";
}
