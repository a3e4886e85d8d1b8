using Spectre.Console;
using Spectre.Console.Rendering;

namespace Hem.Cli.Terminal;

/// <summary>One line of the screen: pieces of text in styles, measured in cells.</summary>
internal sealed class Line
{
    private readonly List<Segment> _segments = [];

    public int Width => _segments.Sum(segment => segment.CellCount());

    public IReadOnlyList<Segment> Segments => _segments;

    public Line Add(string text, Style? style = null)
    {
        if (text.Length > 0) _segments.Add(new Segment(text, style ?? Style.Plain));
        return this;
    }

    /// <summary>Text in a column of <paramref name="width"/> cells, to the left or, for numbers, to the right.</summary>
    public Line Cell(string text, int width, Style? style = null, bool right = false, string ellipsis = "…")
    {
        string fitted = Fit(text, width, ellipsis);
        int missing = Math.Max(0, width - new Segment(fitted).CellCount());
        return right ? Add(new string(' ', missing)).Add(fitted, style) : Add(fitted, style).Add(new string(' ', missing));
    }

    /// <summary>The line cut to at most <paramref name="width"/> cells.</summary>
    public Line Crop(int width, string ellipsis = "…")
    {
        if (Width <= width) return this;
        var cropped = new Line();
        int left = width;
        foreach (Segment segment in _segments)
        {
            int cells = segment.CellCount();
            if (cells <= left && (cells < left || segment == _segments[^1]))
            {
                cropped.Add(segment.Text, segment.Style);
                left -= cells;
                continue;
            }

            cropped.Add(Fit(segment.Text + " ", left, ellipsis), segment.Style);
            break;
        }

        return cropped;
    }

    public override string ToString() => string.Concat(_segments.Select(segment => segment.Text)).TrimEnd();

    private static string Fit(string text, int width, string ellipsis)
    {
        if (new Segment(text).CellCount() <= width) return text;
        if (width <= ellipsis.Length) return text[..Math.Min(text.Length, Math.Max(0, width))];
        string cut = text;
        while (cut.Length > 0 && new Segment(cut).CellCount() > width - ellipsis.Length) cut = cut[..^1];
        return cut + ellipsis;
    }
}
