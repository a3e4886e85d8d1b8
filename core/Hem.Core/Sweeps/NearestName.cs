namespace Hem.Core.Sweeps;

/// <summary>The valid name that a typo was probably meant to be.</summary>
public static class NearestName
{
    /// <summary>
    /// The candidate with the smallest distance (insertions, deletions, substitutions, swaps of neighbours; case counts little), or
    /// null where none is near: more than a third of the letters would have to change.
    /// </summary>
    public static string? Of(string name, IEnumerable<string> candidates)
    {
        if (name.Length is 0 or > 64) return null;  // a distance is quadratic, and nothing valid is that long
        string? nearest = null;
        var best = double.PositiveInfinity;
        foreach (var candidate in candidates)
        {
            var distance = Distance(name, candidate);
            if (distance < best) (nearest, best) = (candidate, distance);
        }
        var limit = Math.Max(1, Math.Max(name.Length, nearest?.Length ?? 0) / 3.0);
        return best <= limit && best < name.Length ? nearest : null;
    }

    /// <summary>For the name of a task: a size in it is kept (<c>flipbits-25</c> is near <c>flipbit-25</c>).</summary>
    internal static string? OfTask(string name)
    {
        var digits = name.Length;
        while (digits > 0 && char.IsAsciiDigit(name[digits - 1])) digits--;
        if (digits == name.Length) return Of(name, TaskName.All.Where(task => !task.EndsWith("-K", StringComparison.Ordinal)));
        var size = name[digits..].TrimStart('0');
        var families = TaskName.All.Where(task => task.EndsWith("-K", StringComparison.Ordinal)).Select(task => task[..^1]);
        var family = Of(name[..digits], families);
        return family is not null && TaskName.TryParse(family + size, out var task) ? task.ToString() : null;
    }

    /// <summary>Damerau-Levenshtein distance (optimal string alignment); letters that differ only in case cost a tenth.</summary>
    internal static double Distance(string a, string b)
    {
        var rows = new double[3][];
        for (var i = 0; i < 3; i++) rows[i] = new double[b.Length + 1];
        for (var j = 0; j <= b.Length; j++) rows[0][j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var row = rows[i % 3];
            var above = rows[(i + 2) % 3];
            var twoAbove = rows[(i + 1) % 3];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = a[i - 1] == b[j - 1] ? 0 : char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0.1 : 1;
                row[j] = Math.Min(Math.Min(above[j] + 1, row[j - 1] + 1), above[j - 1] + replace);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = Math.Min(row[j], twoAbove[j - 2] + 1);
            }
        }
        return rows[a.Length % 3][b.Length];
    }
}
