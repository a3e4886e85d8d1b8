using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>
/// What a plain (unquoted) YAML scalar means: the core schema of YAML 1.2. Where YAML 1.1, which kubectl reads, would read another value
/// from the same text, the text is refused: one file must mean one thing on one machine and on a cluster.
/// </summary>
internal static class YamlScalar
{
    public static SpecNode Resolve(string text, int line)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return new SpecNode(SpecNodeKind.Null, line);
            case "true" or "True" or "TRUE":
                return Scalar(true, line);
            case "false" or "False" or "FALSE":
                return Scalar(false, line);
        }

        if (IsOldBoolean(text))
        {
            return Refused(
                $"'{text}' is text to some readers of YAML and true or false to others: write true or false, or put it in quotes", line);
        }
        if (text.TrimStart('+', '-') is ".inf" or ".Inf" or ".INF" || text is ".nan" or ".NaN" or ".NAN")
            return Refused($"{text} is not a finite number", line);
        return Number(text, line) ?? Scalar(text, line);
    }

    private static SpecNode? Number(string text, int line)
    {
        var unsigned = text.AsSpan(text[0] is '+' or '-' ? 1 : 0);
        if (unsigned.Length == 0 || !(char.IsAsciiDigit(unsigned[0]) || unsigned[0] == '.')) return null;

        if (unsigned.StartsWith("0x") || unsigned.StartsWith("0o"))
        {
            var digits = unsigned[2..];
            var radix = unsigned[1] == 'x' ? 16 : 8;
            if (digits.Length is 0 or > 12 || digits.ContainsAnyExcept(radix == 16 ? "0123456789abcdefABCDEF" : "01234567")) return null;
            var value = Convert.ToInt64(digits.ToString(), radix);
            return Scalar(text[0] == '-' ? -value : value, line);
        }

        if (!unsigned.ContainsAnyExceptInRange('0', '9') && unsigned.Length > 1 && unsigned[0] == '0')
        {
            return Refused(
                $"{text} is a decimal number to some readers of YAML and octal to others: write it without leading zeros", line);
        }
        if (unsigned.Contains('_') && !unsigned.ContainsAnyExcept("0123456789_.eE+-"))
            return Refused($"{text} is text to some readers of YAML and a number to others: write it without '_'", line);

        // [0-9]+ or a float of the core schema; double.Parse alone would allow white space and group separators.
        const NumberStyles styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (unsigned.ContainsAnyExcept("0123456789.eE+-") || !double.TryParse(text, styles, CultureInfo.InvariantCulture, out var number))
            return null;
        return double.IsFinite(number) ? Scalar(number, line) : Refused($"{text} is too large for a number", line);
    }

    /// <summary>Booleans of YAML 1.1 that are plain text in YAML 1.2.</summary>
    private static bool IsOldBoolean(string text) => text is
        "y" or "Y" or "yes" or "Yes" or "YES" or "n" or "N" or "no" or "No" or "NO" or "on" or "On" or "ON" or "off" or "Off" or "OFF";

    private static SpecNode Scalar(ParameterValue value, int line) => new(SpecNodeKind.Scalar, line) { Scalar = value };
    private static SpecNode Refused(string problem, int line) => new(SpecNodeKind.Refused, line) { Problem = problem };
}
