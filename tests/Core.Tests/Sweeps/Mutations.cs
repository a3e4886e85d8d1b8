using System.Text;

namespace Core.Tests.Sweeps;

/// <summary>Damages text in the ways that files get damaged, and in ways that parsers dislike.</summary>
internal static class Mutations
{
    private static readonly string[] pieces =
    [
        "{", "}", "[", "]", ":", ": ", ",", "\n", "  ", "\t", "\"", "'", "#", "&a ", "*a", "!!int ", "!x ", "<<: ", "- ", "? ",
        "|\n", ">\n", "---\n", "...\n", "%YAML 1.2\n", "%YAML 99999999999.1\n", "%TAG ! !x\n", "\0", "\u0007", "\ud800", "\udc00",
        "\u2028", "\ufeff", "null", "~", "yes", "020",
        "1e999", "-", ".inf", ".nan", "0x", "1_000", "\\u", "\\ud800",
        "é", "😀", "NaN", "@", "`", "%", "=", "\r\n", "\r", "{a: [", "[[[[[[[[",
    ];

    public static string Of(string text, Random random)
    {
        var builder = new StringBuilder(text);
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var at = random.Next(builder.Length + 1);
            var length = Math.Min(random.Next(1, 20), builder.Length - at);
            switch (random.Next(5))
            {
                case 0: builder.Length = at; break;
                case 1: builder.Remove(at, length); break;
                case 2: builder.Insert(at, pieces[random.Next(pieces.Length)]); break;
                case 3: builder.Insert(at, builder.ToString(at, length)); break;
                default:
                    if (at < builder.Length) builder[at] = (char)random.Next(random.Next(2) == 0 ? 128 : 0x10000);
                    break;
            }
        }
        return builder.ToString();
    }
}
