using System.Text;
using System.Text.Json;

namespace Hem.Core.Sweeps;

/// <summary>Parses JSON to the same nodes as YAML.</summary>
internal ref struct JsonTree
{
    private readonly ReadOnlySpan<byte> utf8;
    private readonly FaultList faults;
    private Utf8JsonReader reader;
    private long counted;
    private int line = 1;

    private JsonTree(ReadOnlySpan<byte> utf8, FaultList faults)
    {
        this.utf8 = utf8;
        this.faults = faults;
        reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = YamlTree.Deepest });
    }

    /// <summary>The document, or null where it is not valid JSON; what is wrong is added to the faults.</summary>
    public static SpecNode? Parse(string text, FaultList faults)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        try
        {
            var tree = new JsonTree(utf8, faults);
            tree.reader.Read();
            var root = tree.Node();
            tree.reader.Read();  // anything behind the value is an exception
            return root;
        }
        catch (JsonException e)
        {
            var reason = e.Message.Split(" LineNumber:", 2)[0];
            faults.Add(new Fault("", null, $"not valid JSON: {reason}", Line: (int)(e.LineNumber ?? 0) + 1));
        }
        catch (InvalidOperationException e)
        {
            faults.Add(new Fault("", null, $"not valid JSON: {e.Message}", Line: 1));  // an escape that is no character
        }
        return null;
    }

    private SpecNode Node()
    {
        var at = Line();
        switch (reader.TokenType)
        {
            case JsonTokenType.StartArray:
                var list = new SpecNode(SpecNodeKind.List, at);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    faults.Enter(list.Items.Count);
                    list.Items.Add(Node());
                    faults.Leave();
                }
                return list;
            case JsonTokenType.StartObject:
                return Map(at);
            case JsonTokenType.String:
                return Scalar(reader.GetString()!, at);
            case JsonTokenType.True:
            case JsonTokenType.False:
                return Scalar(reader.GetBoolean(), at);
            case JsonTokenType.Number:
                return reader.TryGetDouble(out var number) && double.IsFinite(number)
                    ? Scalar(number, at)
                    : new SpecNode(SpecNodeKind.Refused, at) { Problem = "is too large for a number" };
            default:
                return new SpecNode(SpecNodeKind.Null, at);
        }
    }

    private SpecNode Map(int at)
    {
        var map = new SpecNode(SpecNodeKind.Map, at);
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var nameLine = Line();
            var name = reader.GetString()!;
            reader.Read();
            faults.Enter(name.Length == 0 ? "\"\"" : name);
            var value = Node();
            if (names.Add(name)) map.Fields.Add(new SpecField(name, nameLine, value));
            else faults.AddHere(value.Show(), "is given twice", nameLine);
            faults.Leave();
        }
        return map;
    }

    private int Line()
    {
        line += utf8[(int)counted..(int)reader.TokenStartIndex].Count((byte)'\n');
        counted = reader.TokenStartIndex;
        return line;
    }

    private static SpecNode Scalar(ParameterValue value, int line) => new(SpecNodeKind.Scalar, line) { Scalar = value };
}
