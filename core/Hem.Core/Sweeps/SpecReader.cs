using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>Turns the nodes of a file into a sweep, field by field, going on after each fault.</summary>
internal sealed class SpecReader(FaultList faults)
{
    private const int MostSeeds = Expansion.MostTrials;
    private readonly HashSet<string> unreadable = new(StringComparer.Ordinal);

    /// <summary>
    /// Parameters that a fault took a value away from (<c>*</c>: nobody knows which): what the trials lack then is no fault of its own.
    /// </summary>
    public IReadOnlySet<string> Unreadable => unreadable;

    /// <summary>The sweep as far as it can be read; null where there is no spec.</summary>
    public HemSweep? Read(SpecNode root)
    {
        var top = new FieldReader(faults, root, "", ["apiVersion", "kind", "metadata", "spec", "status"]);
        if (!top.IsMap) return null;
        Constant(top, "apiVersion", HemSweep.CurrentApiVersion);
        Constant(top, "kind", HemSweep.KindName);
        var name = Metadata(top);
        if (top.Required("spec", "the sweep itself") is not { } spec) return null;
        var read = Spec(spec);
        return read is null ? null : new HemSweep(name, read);
    }

    private static void Constant(FieldReader top, string field, string expected)
    {
        if (top.Required(field, expected) is { } node && node.Scalar != (ParameterValue)expected)
            top.Fault(field, node, $"must be {expected}");
    }

    private string Metadata(FieldReader top)
    {
        // The fields that kubectl prints are allowed, so that a sweep from a cluster can be run as it is.
        if (top.Required("metadata", "with the sweep's name") is not { } node) return "";
        var metadata = new FieldReader(faults, node, "metadata",
        [
            "name", "namespace", "labels", "annotations", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields",
            "finalizers", "ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generateName",
        ]);
        if (!metadata.IsMap || metadata.Required("name", "the sweep's name") is not { } name) return "";
        if (name.Scalar?.Kind == ParameterValueKind.Text && IsLabel(name.Scalar.AsString())) return name.Scalar.AsString();
        metadata.Fault("name", name,
            "must be text of lower-case letters, digits and '-', starting and ending with a letter or digit, "
            + $"at most {HemSweep.LongestName} long");
        return "";
    }

    /// <summary>A DNS label (RFC 1123), but shorter: a trial's name has a hash behind it.</summary>
    private static bool IsLabel(string name) =>
        name.Length is > 0 and <= HemSweep.LongestName && name[0] != '-' && name[^1] != '-'
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private SweepSpec? Spec(SpecNode node)
    {
        var spec = new FieldReader(faults, node, "spec",
        [
            "base", "cases", "grid", "exclude", "seeds", "parallelism", "retries", "budget", "suspend", "ttlSecondsAfterFinished",
            "trainer",
        ]);
        if (!spec.IsMap) return null;
        if (spec.HasUnknown) unreadable.Add("*");
        return new SweepSpec
        {
            Base = spec.Get("base") is { } shared ? Parameters(shared, "spec.base") : ParameterSet.Empty,
            Cases = Sets(spec, "cases", Expansion.MostCases),
            Grid = Grid(spec),
            Exclude = Sets(spec, "exclude", Expansion.MostExclusions),
            Seeds = Seeds(spec),
            Parallelism = spec.Whole("parallelism", 1, Expansion.MostTrials),
            Retries = Retries(spec),
            Budget = Budget(spec),
            Suspend = spec.Boolean("suspend") ?? false,
            TtlSecondsAfterFinished = spec.Whole("ttlSecondsAfterFinished", 0, int.MaxValue),
            Trainer = spec.Get("trainer") is { } trainer ? new TrainerReader(faults, this).Read(trainer) : new(),
        };
    }

    /// <summary>The parameters of one map; those that are wrong are left out.</summary>
    public ParameterSet Parameters(SpecNode node, string path)
    {
        if (node.Kind != SpecNodeKind.Map)
        {
            faults.Add(new Fault(path, node.Show(), node.Problem ?? "must be an object of parameters", Line: node.Line));
            unreadable.Add("*");
            return ParameterSet.Empty;
        }
        var values = new List<KeyValuePair<string, ParameterValue>>(node.Fields.Count);
        foreach (var field in node.Fields)
        {
            if (Value(field.Name, field.Value, $"{path}.{FieldReader.Shorten(field.Name)}", field.Line) is { } value)
                values.Add(KeyValuePair.Create(field.Name, value));
        }
        return ParameterSet.From(values);
    }

    private ParameterValue? Value(string name, SpecNode node, string path, int line)
    {
        Fault? fault;
        if (ParameterTable.Find(name) is null) fault = ParameterTable.CheckValue(name, 0)! with { Value = node.Show() };
        else if (!FieldReader.TryConvert(node, out var value, out var problem)) fault = new Fault(path, node.Show(), problem);
        else if ((fault = ParameterTable.CheckValue(name, value)) is null) return value;

        faults.Add(fault with { Path = path, Line = line });
        unreadable.Add(ParameterTable.Find(name) is null ? fault.Suggestion ?? name : name);
        return null;
    }

    private ParameterSet[] Sets(FieldReader spec, string field, int most)
    {
        var items = spec.List(field, most);
        var sets = new ParameterSet[items.Count];
        for (var i = 0; i < sets.Length; i++)
        {
            sets[i] = Parameters(items[i], string.Create(CultureInfo.InvariantCulture, $"spec.{field}[{i}]"));
            if (field == "exclude" && items[i] is { Kind: SpecNodeKind.Map, Fields.Count: 0 })
                spec.Fault($"exclude[{i}]", items[i], "names no parameter and would drop everything");
        }
        return sets;
    }

    private GridAxis[] Grid(FieldReader spec)
    {
        if (spec.Get("grid") is not { } node) return [];
        if (node.Kind != SpecNodeKind.Map)
        {
            spec.Fault("grid", node, "must be an object: each parameter with a list of values");
            unreadable.Add("*");
            return [];
        }

        var axes = new List<GridAxis>(node.Fields.Count);
        foreach (var field in node.Fields)
        {
            var path = $"grid.{FieldReader.Shorten(field.Name)}";
            if (ParameterTable.Find(field.Name) is null)
            {
                Value(field.Name, field.Value, $"spec.{path}", field.Line);
            }
            else if (field.Value.Kind != SpecNodeKind.List || field.Value.Items.Count == 0)
            {
                spec.Fault(path, field.Value, "must be a list of at least one value, for example [5, 10]", field.Line);
                unreadable.Add(field.Name);
            }
            else
            {
                var values = new List<ParameterValue>(field.Value.Items.Count);
                for (var i = 0; i < field.Value.Items.Count; i++)
                {
                    var item = field.Value.Items[i];
                    var itemPath = string.Create(CultureInfo.InvariantCulture, $"spec.{path}[{i}]");
                    if (Value(field.Name, item, itemPath, item.Line) is { } value) values.Add(value);
                }
                if (values.Count > 0) axes.Add(new GridAxis(field.Name, values));
            }
        }
        return [.. axes];
    }

    private SeedSpec Seeds(FieldReader spec)
    {
        var one = SeedSpec.Of(1);
        if (spec.Required("seeds", "for example {count: 5}") is not { } node) return one;
        var seeds = new FieldReader(faults, node, "spec.seeds", ["count", "values"]);
        if (!seeds.IsMap) return one;
        var (count, values) = (seeds.Get("count"), seeds.Get("values"));
        if (count is null == values is null)
        {
            if (!seeds.HasUnknown) spec.Fault("seeds", node, "must have either count (seeds 1 to count) or values (the seeds themselves)");
            return one;
        }
        if (count is not null) return SeedSpec.Of(seeds.Whole("count", 1, MostSeeds) ?? 1);

        var list = new List<int>();
        var known = new HashSet<int>();
        var items = seeds.List("values", MostSeeds);
        for (var i = 0; i < items.Count; i++)
        {
            var seed = items[i].Scalar is { IsInt: true } number ? number.AsInt() : -1;
            if (seed < 0) seeds.Fault($"values[{i}]", items[i], $"must be a whole number from 0 to {int.MaxValue}");
            else if (!known.Add(seed)) seeds.Fault($"values[{i}]", items[i], $"the seed {seed} is given twice");
            else list.Add(seed);
        }
        return list.Count > 0 ? SeedSpec.Of(list) : one;
    }

    private RetrySpec Retries(FieldReader spec)
    {
        var otherwise = new RetrySpec();
        if (spec.Get("retries") is not { } node) return otherwise;
        var retries = new FieldReader(faults, node, "spec.retries", ["failures", "disruptions"]);
        return new(
            retries.Whole("failures", 0, 1_000) ?? otherwise.Failures,
            retries.Whole("disruptions", 0, 100_000) ?? otherwise.Disruptions);
    }

    private BudgetSpec? Budget(FieldReader spec)
    {
        if (spec.Get("budget") is not { } node) return null;
        var budget = new FieldReader(faults, node, "spec.budget", ["wallClock", "gpuHours"]);
        return new(budget.Time("wallClock", TimeSpan.FromSeconds(1)), budget.Number("gpuHours", 0.001, 1e9));
    }
}
