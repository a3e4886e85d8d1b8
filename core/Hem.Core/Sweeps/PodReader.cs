using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>Reads what is handed on to Kubernetes, by its definitions.</summary>
internal sealed class PodReader(FaultList faults)
{
    /// <summary>The field as it was written, amounts as text; null where it is absent or anything in it is wrong.</summary>
    public ParameterValue? Read(FieldReader owner, FieldDefinition field) =>
        owner.Get(field.Name) is { } node ? Value(field, node, owner.At(field.Name)) : null;

    private ParameterValue? Value(FieldDefinition field, SpecNode node, string path)
    {
        if (node.Kind == SpecNodeKind.Refused) return Wrong(node, path, "");
        switch (field.Kind)
        {
            case FieldKind.Object:
                return Object(field, node, path);
            case FieldKind.Map:
                return Map(field, node, path);
            case FieldKind.List:
                return List(field, node, path);
            case FieldKind.Boolean:
                return node.Scalar is { Kind: ParameterValueKind.Boolean } ? node.Scalar : Wrong(node, path, "must be true or false");
            case FieldKind.Whole:
                return node.Scalar is { IsInt: true } number && number.AsInt() >= field.Min && number.AsInt() <= field.Max
                    ? number
                    : Wrong(node, path, string.Create(CultureInfo.InvariantCulture,
                        $"must be a whole number from {field.Min:N0} to {field.Max:N0}"));
            case FieldKind.Quantity when node.Scalar is { Kind: ParameterValueKind.Number } bare:
                return Text(field, node, bare.ToJson(), path);
            default:
                return node.Scalar is { Kind: ParameterValueKind.Text } text
                    ? Text(field, node, text.AsString(), path)
                    : Wrong(node, path, $"must be {Expected(field)}");
        }
    }

    private ParameterValue? Text(FieldDefinition field, SpecNode node, string text, string path)
    {
        if (!field.Matches(text)) return Wrong(node, path, $"must be {Expected(field)}");
        return field.ReservedIn(text) is { } own
            ? Wrong(node, path, $"must be another: those that begin with {own} are the operator's own")
            : ParameterValue.From(text);
    }

    private ParameterValue? Object(FieldDefinition field, SpecNode node, string path)
    {
        var reader = new FieldReader(faults, node, path, [.. field.Fields.Select(known => known.Name)]);
        if (!reader.IsMap) return null;
        var values = new List<KeyValuePair<string, ParameterValue>>(field.Fields.Count);
        var given = 0;
        foreach (var known in field.Fields)
        {
            if (known.Required ? reader.Required(known.Name, known.Description) is null : reader.Get(known.Name) is null) continue;
            given++;
            if (Read(reader, known) is { } value) values.Add(KeyValuePair.Create(known.Name, value));
        }
        if (field.OneOf && given != 2 && !reader.HasUnknown && reader.Get(field.Fields[0].Name) is not null)
        {
            var choices = field.Fields.Skip(1).Select(known => known.Name);
            Wrong(node, path, $"must have exactly one of {string.Join(", ", choices)} beside its {field.Fields[0].Name}");
        }
        var chosen = field.Choice.Count(name => reader.Get(name) is not null);
        if (chosen > 1 || (chosen == 0 && field.ChoiceRequired && !reader.HasUnknown))
            Wrong(node, path, $"must have {(field.ChoiceRequired ? "exactly" : "at most")} one of {string.Join(", ", field.Choice)}");
        return ParameterValue.From(ParameterSet.From(values));
    }

    private ParameterValue? Map(FieldDefinition field, SpecNode node, string path)
    {
        if (node.Kind != SpecNodeKind.Map || node.Fields.Count > field.MaxItems)
            return Wrong(node, path, $"must be an object with at most {field.MaxItems} fields");
        var values = new List<KeyValuePair<string, ParameterValue>>(node.Fields.Count);
        foreach (var entry in node.Fields)
        {
            if (entry.Value.Kind == SpecNodeKind.Null) continue;
            var at = $"{path}.{FieldReader.Shorten(entry.Name)}";
            if (!IsName(field.Names, entry, at)) continue;
            if (Value(field.Item!, entry.Value, at) is { } value) values.Add(KeyValuePair.Create(entry.Name, value));
        }
        return ParameterValue.From(ParameterSet.From(values));
    }

    private bool IsName(FieldDefinition? names, SpecField entry, string path)
    {
        if (names is null) return true;
        var wrong = !names.Matches(entry.Name) ? $"has a name that must be {names.Expected}"
            : names.ReservedIn(entry.Name) is { } own ? $"must have another name: {own} is the operator's own"
            : null;
        if (wrong is not null) faults.Add(new Fault(path, entry.Value.Show(), wrong, Line: entry.Line));
        return wrong is null;
    }

    private ParameterValue? List(FieldDefinition field, SpecNode node, string path)
    {
        if (node.Kind != SpecNodeKind.List || node.Items.Count == 0 || node.Items.Count > field.MaxItems)
        {
            return Wrong(node, path, node is { Kind: SpecNodeKind.List, Items.Count: 0 }
                ? "must not be empty: leave it out, or give it an entry"
                : $"must be a list of at most {field.MaxItems} entries");
        }
        var values = new List<ParameterValue>(node.Items.Count);
        var keys = new HashSet<ParameterValue>();
        for (var i = 0; i < node.Items.Count; i++)
        {
            var itemPath = string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]");
            if (Value(field.Item!, node.Items[i], itemPath) is not { } value) continue;
            values.Add(value);
            if (field.Key is { } key && value.Fields.Find(key) is { } own && !keys.Add(own))
                Wrong(node.Items[i].Find(key)!, $"{itemPath}.{key}", $"must differ: another entry has this {key} too");
        }
        return ParameterValue.From(values);
    }

    private ParameterValue? Wrong(SpecNode node, string path, string message)
    {
        faults.Add(new Fault(path, node.Show(), node.Problem ?? message, Line: node.Line));
        return null;
    }

    private static string Expected(FieldDefinition field) =>
        field.Allowed.Count > 0 ? string.Join(" or ", field.Allowed) : field.Expected;
}
