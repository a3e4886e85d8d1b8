namespace Hem.Core.Sweeps;

/// <summary>What an administrator gives all trials' pods, where their sweeps do not say: fields of spec.trainer, as JSON.</summary>
public static class TrainerDefaults
{
    /// <summary>Fields that are for whole clusters: of the rest, what they name differs from sweep to sweep.</summary>
    private static readonly FieldDefinition[] fields =
        [.. PodFields.All.Where(field => field.Name is not ("image" or "env" or "envFrom" or "volumes" or "volumeMounts"))];

    /// <summary>Reads them; null, and every fault with its path, where anything is wrong.</summary>
    public static (PodSettings? Settings, IReadOnlyList<Fault> Faults) Read(string json)
    {
        var faults = new FaultList();
        if (JsonTree.Parse(json, faults) is { } node)
        {
            var owner = new FieldReader(faults, node, "", [.. fields.Select(field => field.Name)]);
            if (owner.IsMap)
            {
                var settings = TrainerReader.Pod(owner, fields, faults);
                if (faults.Count == 0) return (settings, []);
            }
        }
        return (null, faults.InOrder());
    }

    /// <summary>
    /// Settings of a trial with what they leave open filled in: labels and annotations are put together; amounts of a resource that is
    /// neither requested nor limited are taken over one by one; all else as it is where it is set.
    /// </summary>
    public static PodSettings Under(this PodSettings defaults, PodSettings given) => defaults.With(given) with
    {
        Labels = Together(defaults.Labels, given.Labels),
        Annotations = Together(defaults.Annotations, given.Annotations),
        Resources = Resources(defaults.Resources, given.Resources),
    };

    private static ParameterValue? Resources(ParameterValue? defaults, ParameterValue? given)
    {
        if (defaults is null || given is null) return given ?? defaults;
        var named = new[] { "requests", "limits" }.SelectMany(part => Fields(given, part)).Select(amount => amount.Key).ToHashSet();
        var parts = new[] { "requests", "limits" }.Select(part => KeyValuePair.Create(part, Object(
            Fields(defaults, part).Where(amount => !named.Contains(amount.Key)).Concat(Fields(given, part)))));
        return Object(parts.Where(part => part.Value.Fields.Count > 0));
    }

    private static ParameterValue? Together(ParameterValue? defaults, ParameterValue? given) =>
        defaults is null || given is null
            ? given ?? defaults
            : Object(defaults.Fields.ExceptBy(given.Fields.Select(field => field.Key), field => field.Key).Concat(given.Fields));

    private static IEnumerable<KeyValuePair<string, ParameterValue>> Fields(ParameterValue value, string part) =>
        value.Fields.Find(part)?.Fields ?? ParameterSet.Empty;

    private static ParameterValue Object(IEnumerable<KeyValuePair<string, ParameterValue>> fields) =>
        ParameterValue.From(ParameterSet.From(fields));
}
