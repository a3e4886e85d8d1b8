using System.Text;

namespace Hem.Operator.Api;

/// <summary>Keeps what is said in a status within its limits.</summary>
internal static class StatusText
{
    private const string More = " ...";

    /// <summary>The text, cut where it takes more than <paramref name="most"/> bytes as JSON, at a word where there is one.</summary>
    public static string Shorten(string text, int most)
    {
        if (text.Length * 6 <= most || Size(text) <= most) return text;
        var (end, size, word) = (0, More.Length, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if ((size += Size(rune)) > most) break;
            if (rune.Value == ' ') word = end;
            end += rune.Utf16SequenceLength;
        }
        return text[..(word > end / 2 ? word : end)] + More;
    }

    private static int Size(string text)
    {
        var size = 0;
        foreach (var rune in text.EnumerateRunes()) size += Size(rune);
        return size;
    }

    /// <summary>As etcd keeps it: UTF-8, with quotes, backslashes and the like escaped.</summary>
    private static int Size(Rune rune) => rune.Value switch
    {
        '"' or '\\' => 2,
        < ' ' or '<' or '>' or '&' => 6,
        _ => rune.Utf8SequenceLength,
    };
}
