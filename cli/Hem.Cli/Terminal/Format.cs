using System.Globalization;

namespace Hem.Cli.Terminal;

/// <summary>Numbers and times as people read them.</summary>
internal static class Format
{
    /// <summary>0:07, 12:05, 3:07:12, 2 d 3 h.</summary>
    public static string Duration(TimeSpan time)
    {
        long seconds = (long)Math.Round(Math.Max(0, time.TotalSeconds));
        return seconds switch
        {
            < 3600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}:{seconds % 60:00}"),
            < 24 * 3600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600}:{seconds / 60 % 60:00}:{seconds % 60:00}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86400} d {seconds / 3600 % 24} h"),
        };
    }

    /// <summary>Three digits and k, M or G: 950, 18.2k, 1.05M.</summary>
    public static string Rate(double value)
    {
        if (!double.IsFinite(value) || value < 0) return "-";
        (double scaled, string unit) = value switch
        {
            >= 999.5e6 => (value / 1e9, "G"),
            >= 999.5e3 => (value / 1e6, "M"),
            >= 999.5 => (value / 1e3, "k"),
            _ => (value, ""),
        };
        string digits = scaled switch
        {
            >= 99.95 => "0",
            >= 9.995 => "0.0",
            _ => unit == "" ? "0.#" : "0.00",
        };
        return scaled.ToString(digits, CultureInfo.InvariantCulture) + unit;
    }

    /// <summary>A success rate with the three digits that 200 test episodes resolve.</summary>
    public static string Success(double? rate) => rate is { } value ? value.ToString("0.000", CultureInfo.InvariantCulture) : "-";

    public static string Count(int number, string singular, string? plural = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? singular : plural ?? singular + "s")}");

    /// <summary>The path from the working directory where that is shorter: what a person would type.</summary>
    public static string ShortPath(string path)
    {
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return relative.Length < path.Length && !relative.StartsWith("../..", StringComparison.Ordinal) ? relative : path;
    }

    /// <summary>One line of a reason that may have many, and that may hold what a terminal would take for a command.</summary>
    public static string OneLine(string text, int limit = 300)
    {
        string line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        line = string.Concat(line.Where(character => !char.IsControl(character)));
        return line.Length <= limit ? line : line[..(limit - 3)] + "...";
    }

    /// <summary>A word as a shell reads it back.</summary>
    public static string ShellWord(string text) =>
        text.Length > 0 && text.All(character => char.IsAsciiLetterOrDigit(character) || "_@%+=:,./-".Contains(character))
            ? text
            : $"'{text.Replace("'", "'\\''")}'";
}
