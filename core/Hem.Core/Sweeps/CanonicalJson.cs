using System.Globalization;
using System.Text;

namespace Hem.Core.Sweeps;

/// <summary>
/// Canonical JSON (RFC 8785): fields sorted by their UTF-16 code units, no white space, numbers as ECMAScript writes them. Identity
/// hashes are taken of this text, so not a character of it may ever change.
/// </summary>
internal static class CanonicalJson
{
    public static void Append(StringBuilder builder, ParameterValue value)
    {
        switch (value.Kind)
        {
            case ParameterValueKind.Number:
                AppendNumber(builder, value.AsDouble());
                break;
            case ParameterValueKind.Text:
                AppendText(builder, value.AsString());
                break;
            case ParameterValueKind.Boolean:
                builder.Append(value.AsBool() ? "true" : "false");
                break;
            case ParameterValueKind.List:
                builder.Append('[');
                for (var i = 0; i < value.Items.Count; i++)
                {
                    if (i > 0) builder.Append(',');
                    builder.Append(value.Items[i].ToJson());
                }
                builder.Append(']');
                break;
            default:
                Append(builder, value.Fields);
                break;
        }
    }

    public static void Append(StringBuilder builder, ParameterSet fields)
    {
        builder.Append('{');
        var first = true;
        foreach (var (name, value) in fields)
        {
            if (!first) builder.Append(',');
            first = false;
            AppendText(builder, name);
            builder.Append(':').Append(value.ToJson());
        }
        builder.Append('}');
    }

    /// <summary>
    /// Number::toString of ECMAScript (RFC 8785, section 3.2.2.3): the shortest digits that read back as the same double, without an
    /// exponent from 1e-6 to below 1e21.
    /// </summary>
    public static void AppendNumber(StringBuilder builder, double value)
    {
        if (!double.IsFinite(value)) throw new ArgumentOutOfRangeException(nameof(value), value, "JSON has no such number");
        if (value == 0)
        {
            builder.Append('0');  // negative zero too
            return;
        }

        // "E16" would round; "R" gives the shortest digits, but in a form of its own: take it apart and write it ECMAScript's way.
        Span<char> shortest = stackalloc char[32];
        value.TryFormat(shortest, out var length, "R", CultureInfo.InvariantCulture);
        Span<char> digits = stackalloc char[32];
        var count = 0;
        var point = -1;        // how many digits stand before the decimal point
        var exponent = 0;
        for (var i = 0; i < length; i++)
        {
            var c = shortest[i];
            if (c == '-') builder.Append('-');
            else if (c == '.') point = count;
            else if (c == 'E')
            {
                exponent = int.Parse(shortest[(i + 1)..length], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                break;
            }
            else digits[count++] = c;
        }

        if (point < 0) point = count;
        point += exponent;
        var leading = 0;
        while (digits[leading] == '0') leading++;
        point -= leading;
        while (digits[count - 1] == '0') count--;
        AppendDigits(builder, digits[leading..count], point);
    }

    /// <summary>Writes 0.d1d2d3... times ten to the <paramref name="point"/>.</summary>
    private static void AppendDigits(StringBuilder builder, ReadOnlySpan<char> digits, int point)
    {
        if (point > 21 || point <= -6)
        {
            builder.Append(digits[0]);
            if (digits.Length > 1) builder.Append('.').Append(digits[1..]);
            builder.Append('e').Append(point > 0 ? '+' : '-').Append(Math.Abs(point - 1));
        }
        else if (point <= 0)
        {
            builder.Append("0.").Append('0', -point).Append(digits);
        }
        else if (point >= digits.Length)
        {
            builder.Append(digits).Append('0', point - digits.Length);
        }
        else
        {
            builder.Append(digits[..point]).Append('.').Append(digits[point..]);
        }
    }

    public static void AppendText(StringBuilder builder, string text)
    {
        builder.Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"': builder.Append("\\\""); break;
                case '\\': builder.Append("\\\\"); break;
                case '\b': builder.Append("\\b"); break;
                case '\f': builder.Append("\\f"); break;
                case '\n': builder.Append("\\n"); break;
                case '\r': builder.Append("\\r"); break;
                case '\t': builder.Append("\\t"); break;
                case < ' ': builder.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)); break;
                default: builder.Append(c); break;
            }
        }
        builder.Append('"');
    }
}
