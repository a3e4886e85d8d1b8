namespace Hem.Core.Sweeps;

/// <summary>
/// Short names for configurations, for legends and tables: of the parameters that vary, those that are needed to tell the configurations
/// apart. What follows from another (iterations that differ by task, say) is left out.
/// </summary>
public static class ConfigurationLabels
{
    /// <summary>How people name parameters: the task, the algorithm and N first, then the rest by name.</summary>
    public static IEnumerable<string> InOrder(IEnumerable<string> names) => names
        .OrderBy(name => name switch { "task" => 0, "algorithm" => 1, "N" => 2, _ => 3 }).ThenBy(name => name, StringComparer.Ordinal);

    /// <summary>
    /// The label of these parameters, e.g. <c>her, N=20</c>: an algorithm goes without the word, and a parameter without a value is
    /// left out.
    /// </summary>
    public static string Of(IEnumerable<string> names, Func<string, string?> valueOf) => string.Join(", ",
        from name in names
        let value = valueOf(name)
        where value is not null
        select name == "algorithm" ? value : $"{name}={value}");

    internal static string[] Of(IReadOnlyList<ParameterSet> configurations, IReadOnlyList<ParameterSet> cases, IReadOnlyList<GridAxis> grid)
    {
        if (configurations.Count == 1) return [Label(configurations[0], ["algorithm"])];

        var position = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var definition in ParameterTable.All) position.Add(definition.Name, position.Count);
        var fromCases = cases.SelectMany(set => set.Keys).Distinct().OrderBy(name => position[name]).ToArray();
        var groups = new int[configurations.Count];
        var count = 1;

        // The axes of the grid come first into the choice, since none of them follows from another; then the fields of the cases, algorithm
        // and task before the rest, each only if it tells apart what is still one.
        var chosen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in grid.Select(axis => axis.Name).Concat(fromCases))
        {
            if (count == configurations.Count) break;
            var refined = Refine(groups, configurations, name);
            if (refined.Count == count) continue;
            (groups, count) = refined;
            chosen.Add(name);
        }

        var shown = InOrder(chosen).ToArray();
        return configurations.Select(set => Label(set, shown)).ToArray();
    }

    // A default counts as if it were written; what does not apply is said, so that labels stay different.
    private static string Label(ParameterSet set, IReadOnlyList<string> names) =>
        Of(names, name => ParameterTable.Effective(name, set)?.ToString() ?? "none");

    /// <summary>Splits the groups by the value of one parameter, defaults included.</summary>
    private static (int[] Groups, int Count) Refine(int[] groups, IReadOnlyList<ParameterSet> configurations, string name)
    {
        var refined = new int[groups.Length];
        var numbers = new Dictionary<(int, ParameterValue?), int>();
        for (var i = 0; i < groups.Length; i++)
        {
            var key = (groups[i], ParameterTable.Effective(name, configurations[i]));
            if (!numbers.TryGetValue(key, out var number)) numbers.Add(key, number = numbers.Count);
            refined[i] = number;
        }
        return (refined, numbers.Count);
    }
}
