namespace Hem.Cli.Terminal;

/// <summary>The few characters beyond ASCII that we draw with, and what stands for them where the terminal has none.</summary>
internal sealed record Glyphs(char BarDone, char BarRest, string Levels, string Ellipsis, string Separator)
{
    public static readonly Glyphs Unicode = new('━', '─', "▁▂▃▄▅▆▇█", "…", " · ");
    public static readonly Glyphs Ascii = new('#', '-', "_.:-=+*#", "...", ", ");

    /// <summary>By the locale, as every other program decides it.</summary>
    public static Glyphs Detect(Func<string, string?> environment)
    {
        string locale = new[] { "LC_ALL", "LC_CTYPE", "LANG" }
            .Select(environment)
            .FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "";
        return locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("utf8", StringComparison.OrdinalIgnoreCase)
            ? Unicode
            : Ascii;
    }
}
