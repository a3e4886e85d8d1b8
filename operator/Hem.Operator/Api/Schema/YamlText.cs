using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Hem.Operator.Api.Schema;

/// <summary>Writes JSON as YAML that every reader takes for the same: in blocks, texts in quotes wherever there could be doubt.</summary>
internal static partial class YamlText
{
    private const int Width = 120;

    public static string Of(JsonNode node)
    {
        var text = new StringBuilder();
        Block(text, node, 0, inList: false);
        return text.ToString();
    }

    private static void Block(StringBuilder text, JsonNode node, int indent, bool inList)
    {
        var first = inList;
        if (node is JsonObject fields)
        {
            foreach (var (name, value) in fields)
            {
                if (!first) text.Append(' ', indent);
                first = false;
                text.Append(Scalar(name)).Append(':');
                Value(text, value!, indent);
            }
            return;
        }
        foreach (var item in (JsonArray)node)
        {
            if (!first) text.Append(' ', indent);
            first = false;
            text.Append('-');
            if (item is JsonObject { Count: > 0 })
            {
                text.Append(' ');
                Block(text, item, indent + 2, inList: true);
            }
            else
            {
                Value(text, item!, indent);
            }
        }
    }

    private static void Value(StringBuilder text, JsonNode value, int indent)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 }:
                text.Append('\n');
                Block(text, value, indent + 2, inList: false);
                break;
            case JsonArray { Count: > 0 }:
                text.Append('\n');
                Block(text, value, indent, inList: false);
                break;
            case JsonObject:
                text.Append(" {}\n");
                break;
            case JsonArray:
                text.Append(" []\n");
                break;
            case JsonValue scalar when scalar.GetValueKind() == JsonValueKind.String:
                Text(text, scalar.GetValue<string>(), indent + 2);
                break;
            case JsonValue scalar when scalar.GetValueKind() == JsonValueKind.Number:
                // No exponent: some readers take 1e-8 for a text.
                var number = scalar.Deserialize(SchemaJson.Default.Decimal).ToString("0.############", CultureInfo.InvariantCulture);
                text.Append(' ').Append(number).Append('\n');
                break;
            default:
                text.Append(' ').Append(value.ToJsonString()).Append('\n');
                break;
        }
    }

    private static void Text(StringBuilder text, string value, int indent)
    {
        if (value.Length <= 60 || !Foldable().IsMatch(value))
        {
            text.Append(' ').Append(Scalar(value)).Append('\n');
            return;
        }
        text.Append(" >-\n");
        var column = 0;
        foreach (var word in value.Split(' '))
        {
            if (column > 0 && column + word.Length + 1 > Width)
            {
                text.Append('\n');
                column = 0;
            }
            if (column == 0) text.Append(' ', indent);
            else text.Append(' ');
            column = (column == 0 ? indent : column + 1) + word.Length;
            text.Append(word);
        }
        text.Append('\n');
    }

    private static string Scalar(string value) => Plain().IsMatch(value) && !Doubtful().IsMatch(value)
        ? value
        : JsonSerializer.Serialize(value, SchemaJson.Quoted.String);

    /// <summary>Words with single spaces between them.</summary>
    [GeneratedRegex("^[^\\s]+( [^\\s]+)*$")]
    private static partial Regex Foldable();

    [GeneratedRegex("^[A-Za-z][-A-Za-z0-9_./]*( [A-Za-z0-9][-A-Za-z0-9_./]*)*$")]
    private static partial Regex Plain();

    /// <summary>What some reader takes for something else than text.</summary>
    [GeneratedRegex("^(y|n|yes|no|on|off|true|false|null)$", RegexOptions.IgnoreCase)]
    private static partial Regex Doubtful();
}
