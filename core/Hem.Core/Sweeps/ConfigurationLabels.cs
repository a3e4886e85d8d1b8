using System.Text;

namespace Hem.Core.Sweeps;

/// <summary>
/// Short names for configurations, for legends and tables: of the parameters that vary, those that are needed to tell the configurations
/// apart. What follows from another (iterations that differ by task, say) is left out.
/// </summary>
internal static class ConfigurationLabels
{
    public static string[] Of(IReadOnlyList<ParameterSet> configurations, IReadOnlyList<ParameterSet> cases, IReadOnlyList<GridAxis> grid)
    {
        if (configurations.Count == 1) return [Describe(configurations[0])];

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

        var shown = fromCases.Concat(grid.Select(axis => axis.Name)).Where(chosen.Contains).ToArray();
        return configurations.Select(set => Label(set, shown)).ToArray();
    }

    private static string Describe(ParameterSet only) => Label(only, ["algorithm", "task"]);

    private static string Label(ParameterSet set, IReadOnlyList<string> names)
    {
        var label = new StringBuilder();
        foreach (var name in names)
        {
            if (label.Length > 0) label.Append(", ");
            label.Append(name).Append('=').Append(ParameterTable.Effective(name, set)?.ToString() ?? "none");
        }
        return label.ToString();
    }

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
