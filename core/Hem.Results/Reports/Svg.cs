using System.Globalization;
using System.Text;

namespace Hem.Results.Reports;

/// <summary>A colour on white paper and its counterpart on a dark page.</summary>
internal readonly record struct Paint(string Light, string Dark)
{
    public static readonly Paint Ink = new("#1f2328", "#e6e6e3");
    public static readonly Paint Muted = new("#636a72", "#a0a5ab");
    public static readonly Paint Grid = new("#e3e4e6", "#34373c");
    public static readonly Paint Axis = new("#9aa0a6", "#6d7278");
    public static readonly Paint Ghost = new("#c9ccd0", "#4a4e54");
    public static readonly Paint Paper = new("#ffffff", "#17191c");
}

/// <summary>
/// Writes one SVG figure. Colours are plain attributes, so the file stands alone in any viewer or paper; inside the page the style sheet
/// swaps them for their dark counterparts, which travel as <c>--d</c>.
/// </summary>
internal sealed class Svg
{
    public const string Font = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";

    private readonly StringBuilder body = new();
    private readonly double width;
    private readonly double height;
    private readonly string title;
    private readonly string description;

    public Svg(double width, double height, string title, string description) =>
        (this.width, this.height, this.title, this.description) = (width, height, title, description);

    public static string Escape(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            _ = c switch
            {
                '&' => result.Append("&amp;"),
                '<' => result.Append("&lt;"),
                '>' => result.Append("&gt;"),
                '"' => result.Append("&quot;"),
                '\'' => result.Append("&#39;"),
                _ when (c < ' ' && c is not ('\t' or '\n' or '\r')) || c is '\uFFFE' or '\uFFFF'
                    || char.IsSurrogate(c) && !IsPaired(text) => result.Append('\uFFFD'),
                _ => result.Append(c),
            };
        }
        return result.ToString();

        // Text with a lone surrogate loses all of them; text with pairs keeps them.
        static bool IsPaired(string text)
        {
            for (var i = 0; i < text.Length; i++)
            {
                if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                    i++;
                else if (char.IsSurrogate(text[i]))
                    return false;
            }
            return true;
        }
    }

    /// <summary>A coordinate: two decimals at most, never in scientific notation.</summary>
    public static string At(double value) => double.IsFinite(value)
        ? Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture)
        : throw new ArgumentOutOfRangeException(nameof(value), value, "A figure has no place for this coordinate.");

    /// <summary>How wide a text is drawn at most, in units of the figure: as in DejaVu Sans, the widest of the usual fonts.</summary>
    public static double TextWidth(string text, double size) => text.Sum(c => c switch
    {
        'i' or 'l' or 'j' or '.' or ',' or '\'' or ' ' or 'I' or 'f' or 't' or '(' or ')' or '[' or ']' => 0.39,
        'm' or 'w' or 'M' or 'W' => 0.97,
        >= 'A' and <= 'Z' => 0.75,
        '=' or '+' or '<' or '>' => 0.84,
        _ => 0.63,
    }) * size;

    /// <summary>The text cut to a width, with an ellipsis.</summary>
    public static string Fit(string text, double size, double width)
    {
        if (TextWidth(text, size) <= width)
            return text;
        var length = text.Length;
        while (length > 1 && TextWidth(text[..length], size) > width - size)
            length--;
        return text[..length].TrimEnd(' ', ',') + "…";
    }

    public void Line(double x1, double y1, double x2, double y2, Paint paint, double thickness = 1, string? dash = null) =>
        Path($"M{At(x1)} {At(y1)}L{At(x2)} {At(y2)}", paint, thickness, dash);

    public void Path(string data, Paint paint, double thickness, string? dash = null, double opacity = 1, string? hint = null)
    {
        if (data.Length == 0)
            return;
        body.Append(CultureInfo.InvariantCulture,
            $"<path class=\"s\" d=\"{data}\" fill=\"none\" stroke=\"{paint.Light}\""
            + $" stroke-width=\"{At(thickness)}\" stroke-linejoin=\"round\"");
        if (dash is not null)
            body.Append(CultureInfo.InvariantCulture, $" stroke-dasharray=\"{dash}\"");
        if (opacity < 1)
            body.Append(CultureInfo.InvariantCulture, $" stroke-opacity=\"{At(opacity)}\"");
        Finish("path", paint, hint);
    }

    public void Area(string data, Paint paint, double opacity)
    {
        if (data.Length == 0)
            return;
        body.Append(CultureInfo.InvariantCulture, $"<path class=\"f\" d=\"{data}\" fill=\"{paint.Light}\" fill-opacity=\"{At(opacity)}\"");
        Finish("path", paint, null);
    }

    public void Circle(double x, double y, double radius, Paint paint, bool filled, double opacity = 1, string? hint = null)
    {
        var colour = filled
            ? $"class=\"f\" fill=\"{paint.Light}\" fill-opacity=\"{At(opacity)}\""
            : $"class=\"s o\" fill=\"{Paint.Paper.Light}\" stroke=\"{paint.Light}\" stroke-width=\"1.4\"";
        body.Append(CultureInfo.InvariantCulture, $"<circle {colour} cx=\"{At(x)}\" cy=\"{At(y)}\" r=\"{At(radius)}\"");
        Finish("circle", paint, hint);
    }

    public void Text(
        double x, double y, string text, Paint paint, double size = 12, string anchor = "start", bool bold = false, double rotate = 0,
        bool halo = false, string? hint = null)
    {
        body.Append(CultureInfo.InvariantCulture,
            $"<text class=\"f{(halo ? " h" : "")}\" x=\"{At(x)}\" y=\"{At(y)}\" fill=\"{paint.Light}\" font-size=\"{At(size)}\"");
        if (anchor != "start")
            body.Append(CultureInfo.InvariantCulture, $" text-anchor=\"{anchor}\"");
        if (bold)
            body.Append(" font-weight=\"600\"");
        if (rotate != 0)
            body.Append(CultureInfo.InvariantCulture, $" transform=\"rotate({At(rotate)} {At(x)} {At(y)})\"");
        if (halo)
        {
            body.Append(CultureInfo.InvariantCulture,
                $" stroke=\"{Paint.Paper.Light}\" stroke-width=\"3\" paint-order=\"stroke\" stroke-linejoin=\"round\"");
        }
        body.Append(CultureInfo.InvariantCulture, $" style=\"--d:{paint.Dark}\">");
        if (hint is not null)
            body.Append("<title>").Append(Escape(hint)).Append("</title>");
        body.Append(Escape(text)).Append("</text>\n");
    }

    /// <summary>Draws something once that <see cref="Use"/> then places again and again.</summary>
    public void Group(string? id, Action draw)
    {
        body.Append(id is null ? "<g>" : $"<defs><g id=\"{Escape(id)}\">");
        draw();
        body.Append(id is null ? "</g>\n" : "</g></defs>\n");
    }

    public void Use(string id, double x, double y) =>
        body.Append(CultureInfo.InvariantCulture, $"<use href=\"#{Escape(id)}\" x=\"{At(x)}\" y=\"{At(y)}\"/>\n");

    /// <summary>The whole document, without an XML declaration so that it can stand in a page too.</summary>
    public override string ToString() =>
        $"""
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {At(width)} {At(height)}"
        """ + $"""
         width="{At(width)}" height="{At(height)}" role="img" font-family="{Font}">
        <title>{Escape(title)}</title>
        <desc>{Escape(description)}</desc>
        <rect class="p" width="100%" height="100%" fill="{Paint.Paper.Light}"/>
        {body}</svg>

        """;

    private void Finish(string element, Paint paint, string? hint)
    {
        body.Append(CultureInfo.InvariantCulture, $" style=\"--d:{paint.Dark}\"");
        if (hint is null)
            body.Append("/>\n");
        else
            body.Append("><title>").Append(Escape(hint)).Append(CultureInfo.InvariantCulture, $"</title></{element}>\n");
    }
}
