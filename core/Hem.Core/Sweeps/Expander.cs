using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>One expansion of one sweep.</summary>
/// <param name="unreadable">
/// Parameters (<c>*</c>: anything) that faults of the file took values away from. What could only be their echo is then not reported.
/// </param>
internal sealed class Expander(HemSweep sweep, IReadOnlySet<string> unreadable)
{
    /// <summary>Parameters that decide what else a trial uses: with one of them unknown nothing can be said about the rest.</summary>
    private static readonly string[] deciding =
        ["*", "algorithm", "task", "stateObservation", "goalObservation", "baseline", "workers", "bufferTrajectories"];

    private readonly SweepSpec spec = sweep.Spec;
    private readonly FaultList faults = new();
    private readonly List<Combination> kept = [];
    private readonly bool isWhole = unreadable.Count == 0;
    private readonly bool canJudge = !deciding.Any(unreadable.Contains);

    /// <summary>A combination that is tried: which case (-1: there are none), which value of each axis, and what they merge to.</summary>
    private readonly record struct Combination(int Case, int[] Values, ParameterSet Parameters);

    public SweepExpansion Expand()
    {
        CheckShape();
        if (faults.Count == 0 && CountIsAllowed()) Combine();
        if (faults.Count > 0 || !isWhole) return new([], [], faults.InOrder());
        var (configurations, prefixes) = Configurations();
        return faults.Count > 0 ? new([], [], faults.InOrder()) : new(Trials(configurations, prefixes), configurations, []);
    }

    /// <summary>What can be seen without combining anything; values too, for a sweep that was not read from a file.</summary>
    private void CheckShape()
    {
        CheckValues(spec.Base, "spec.base");
        for (var i = 0; i < spec.Cases.Count; i++) CheckValues(spec.Cases[i], CasePath(i));
        for (var i = 0; i < spec.Exclude.Count; i++) CheckValues(spec.Exclude[i], $"spec.exclude[{i}]");
        for (var i = 0; i < spec.Trainer.Overrides.Count; i++)
            CheckValues(spec.Trainer.Overrides[i].Match, $"spec.trainer.overrides[{i}].match");

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var axis in spec.Grid)
        {
            var path = $"spec.grid.{axis.Name}";
            if (!names.Add(axis.Name)) faults.Add(new Fault(path, null, "is given twice"));
            for (var k = 0; k < axis.Values.Count; k++) CheckValue(axis.Name, axis.Values[k], ValuePath(axis, k));
            if (axis.Values.Count == 0 && isWhole) faults.Add(new Fault(path, "[]", "must be a list of at least one value"));
            CheckRepeats(axis);
            for (var i = 0; i < spec.Cases.Count; i++)
            {
                if (!spec.Cases[i].ContainsKey(axis.Name)) continue;
                faults.Add(new Fault(path, null,
                    $"is set in {CasePath(i)}.{axis.Name} too: a parameter is either in the cases or in the grid"));
                break;
            }
        }
        if (spec.Seeds.Total == 0) faults.Add(new Fault("spec.seeds", null, "gives no seed, and so no trial"));
        if (spec.Seeds.Values is { } seeds && seeds.Distinct().Count() < seeds.Count)
            faults.Add(new Fault("spec.seeds.values", null, "has a seed twice"));
    }

    private void CheckRepeats(GridAxis axis)
    {
        var first = new Dictionary<ParameterValue, int>();
        for (var k = 0; k < axis.Values.Count; k++)
        {
            if (first.TryAdd(axis.Values[k], k)) continue;
            faults.Add(new Fault(ValuePath(axis, k), ParameterTable.Shorten(axis.Values[k]),
                $"is the same value as {ValuePath(axis, first[axis.Values[k]])}"));
        }
    }

    private void CheckValues(ParameterSet set, string path)
    {
        foreach (var (name, value) in set) CheckValue(name, value, $"{path}.{name}");
    }

    private void CheckValue(string name, ParameterValue value, string path)
    {
        if (ParameterTable.CheckValue(name, value) is { } fault) faults.Add(fault with { Path = path });
    }

    /// <summary>Refuses a sweep that is too large by arithmetic alone.</summary>
    private bool CountIsAllowed()
    {
        double combinations = Math.Max(1, spec.Cases.Count);
        foreach (var axis in spec.Grid) combinations *= axis.Values.Count;
        var trials = combinations * spec.Seeds.Total;
        if (spec.Exclude.Count > 0 ? combinations <= Expansion.MostCombinations : trials <= Expansion.MostTrials) return true;

        var factors = spec.Grid.Select(axis => $"{axis.Name} {axis.Values.Count}").ToList();
        if (spec.Cases.Count > 0) factors.Insert(0, $"cases {spec.Cases.Count}");
        var (what, count, most) = spec.Exclude.Count > 0
            ? ("combinations before exclude", combinations, Expansion.MostCombinations)
            : ("trials", trials, Expansion.MostTrials);
        if (spec.Exclude.Count == 0) factors.Add($"seeds {spec.Seeds.Total}");
        faults.Add(new Fault("spec", null,
            $"asks for {Count(count)} {what} ({string.Join(" x ", factors)}); a sweep has at most {Count(most)}"));
        return false;
    }

    private void Combine()
    {
        var dropped = new bool[spec.Exclude.Count];
        var indices = new int[spec.Grid.Count];
        for (var c = spec.Cases.Count > 0 ? 0 : -1; c < spec.Cases.Count && !faults.IsFull; c++)
        {
            Descend(c, c < 0 ? spec.Base : spec.Base.With(spec.Cases[c]), 0, indices, dropped);
            if (c < 0) break;
        }
        if (!isWhole) return;

        var trials = (double)kept.Count * spec.Seeds.Total;
        if (trials > Expansion.MostTrials)
            faults.Add(new Fault("spec", null, $"asks for {Count(trials)} trials; a sweep has at most {Count(Expansion.MostTrials)}"));
        for (var i = 0; i < dropped.Length; i++)
        {
            if (dropped[i]) continue;
            faults.Add(new Fault($"spec.exclude[{i}]", ParameterTable.Shorten(ParameterValue.From(spec.Exclude[i])),
                "drops nothing: no combination has these values"));
        }
        if (kept.Count == 0 && faults.Count == 0) faults.Add(new Fault("spec.exclude", null, "drops every combination: no trial is left"));
    }

    private void Descend(int c, ParameterSet merged, int depth, int[] indices, bool[] dropped)
    {
        if (depth < spec.Grid.Count)
        {
            var axis = spec.Grid[depth];
            for (var k = 0; k < axis.Values.Count && !faults.IsFull; k++)
            {
                indices[depth] = k;
                Descend(c, merged.With(axis.Name, axis.Values[k]), depth + 1, indices, dropped);
            }
            return;
        }

        if (IsExcluded(merged, dropped)) return;
        var combination = new Combination(c, [.. indices], merged);
        Judge(combination);
        kept.Add(combination);
    }

    /// <summary>Holds every entry against the combination, so that each entry that drops something is known.</summary>
    private bool IsExcluded(ParameterSet merged, bool[] dropped)
    {
        var isExcluded = false;
        for (var i = 0; i < spec.Exclude.Count; i++)
        {
            if (!ParameterTable.Matches(merged, spec.Exclude[i])) continue;
            dropped[i] = isExcluded = true;
        }
        return isExcluded;
    }

    private void Judge(Combination combination)
    {
        if (!canJudge)
        {
            if (unreadable.Contains("*")) return;
            foreach (var definition in ParameterTable.Missing(combination.Parameters))
            {
                if (!unreadable.Contains(definition.Name))
                    faults.Add(ParameterTable.NotSet(definition) with { Path = PathOf(combination, definition.Name, isValue: false) });
            }
            return;
        }
        foreach (var (clash, isValue) in ParameterTable.CheckTogether(combination.Parameters))
            faults.Add(clash with { Path = PathOf(combination, clash.Path, isValue) });
    }

    /// <summary>Where the combination has a parameter from: the grid goes before the case and the case before the base.</summary>
    private string PathOf(Combination combination, string name, bool isValue)
    {
        for (var a = 0; a < spec.Grid.Count; a++)
        {
            if (spec.Grid[a].Name == name) return isValue ? ValuePath(spec.Grid[a], combination.Values[a]) : $"spec.grid.{name}";
        }
        if (combination.Case >= 0 && (spec.Cases[combination.Case].ContainsKey(name) || spec.Cases.Any(set => set.ContainsKey(name))))
            return spec.Cases[combination.Case].ContainsKey(name) ? $"{CasePath(combination.Case)}.{name}" : CasePath(combination.Case);
        return spec.Base.ContainsKey(name) ? $"spec.base.{name}" : "spec.base";
    }

    private (Configuration[] Configurations, string[] Prefixes) Configurations()
    {
        var first = new Dictionary<string, int>(kept.Count, StringComparer.Ordinal);
        var prefixes = new string[kept.Count];
        var ids = new string[kept.Count];
        for (var i = 0; i < prefixes.Length; i++)
        {
            prefixes[i] = Identity.Prefix(kept[i].Parameters);
            ids[i] = Identity.ConfigurationIdOf(prefixes[i]);
            if (!first.TryAdd(ids[i], i)) AddRepeat(kept[first[ids[i]]], kept[i]);
        }
        if (faults.Count > 0) return ([], []);

        var labels = ConfigurationLabels.Of(kept.ConvertAll(combination => combination.Parameters), spec.Cases, spec.Grid);
        var configurations = new Configuration[prefixes.Length];
        for (var i = 0; i < prefixes.Length; i++)
            configurations[i] = new Configuration(ids[i], kept[i].Parameters, labels[i]);
        return (configurations, prefixes);
    }

    /// <summary>Two combinations that are one trial: written twice, or written out and by default.</summary>
    private void AddRepeat(Combination one, Combination other)
    {
        var path = "spec";
        if (one.Case != other.Case) path = CasePath(other.Case);
        else if (Enumerable.Range(0, spec.Grid.Count).FirstOrDefault(a => one.Values[a] != other.Values[a], -1) is >= 0 and var a)
            path = ValuePath(spec.Grid[a], other.Values[a]);
        faults.Add(new Fault(path, ParameterTable.Shorten(ParameterValue.From(other.Parameters)),
            $"the combination ({Name(other)}) means the same trials as ({Name(one)}): a default counts as if it were written"));
    }

    private string Name(Combination combination)
    {
        var parts = new List<string>();
        if (combination.Case >= 0) parts.Add($"cases[{combination.Case}]");
        for (var a = 0; a < spec.Grid.Count; a++)
        {
            var (axis, k) = (spec.Grid[a], combination.Values[a]);
            parts.Add($"grid.{axis.Name}[{k}]={ParameterTable.Shorten(axis.Values[k])}");
        }
        return string.Join(", ", parts);
    }

    private TrialSpec[] Trials(Configuration[] configurations, string[] prefixes)
    {
        var seeds = spec.Seeds.List;
        var trials = new TrialSpec[configurations.Length * seeds.Count];
        for (var s = 0; s < seeds.Count; s++)
        {
            for (var i = 0; i < configurations.Length; i++)
            {
                var hash = Identity.Hash(prefixes[i], seeds[s]);
                trials[(s * configurations.Length) + i] = new TrialSpec(
                    Identity.TrialName(sweep.Metadata.Name, hash), hash, configurations[i].Parameters, seeds[s], configurations[i].Id);
            }
        }
        return trials;
    }

    private static string CasePath(int index) => string.Create(CultureInfo.InvariantCulture, $"spec.cases[{index}]");

    private static string ValuePath(GridAxis axis, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"spec.grid.{axis.Name}[{index}]");

    private static string Count(double number) => number < 1e15
        ? number.ToString("N0", CultureInfo.InvariantCulture)
        : number.ToString("0.#e+0", CultureInfo.InvariantCulture);
}
