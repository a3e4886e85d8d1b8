using System.Collections.Frozen;
using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>All parameters that a trial can have, and what holds for them given its algorithm and task.</summary>
public static class ParameterTable
{
    /// <summary>Every parameter, in the order in which people read them.</summary>
    public static IReadOnlyList<ParameterDefinition> All { get; } = ParameterDefinitions.All;

    private static readonly FrozenDictionary<string, ParameterDefinition> byName =
        All.ToFrozenDictionary(definition => definition.Name, StringComparer.Ordinal);

    private static readonly ParameterDefinition[] required = [.. All.Where(definition => definition.Required)];

    /// <summary>The definition of a parameter, or null where there is none of that name.</summary>
    public static ParameterDefinition? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Whether a trial with these parameters uses one; false too where algorithm or task are unknown.</summary>
    public static bool Applies(string name, ParameterSet parameters) =>
        Find(name) is { } definition && TrialContext.TryCreate(parameters, out var context) && definition.Unused(context) is null;

    /// <summary>
    /// The frozen default of a parameter for the algorithm and task in <paramref name="parameters"/>; null where the trial does not
    /// use the parameter or where it has no default.
    /// </summary>
    public static ParameterValue? Default(string name, ParameterSet parameters) =>
        Find(name) is { } definition && TrialContext.TryCreate(parameters, out var context) ? DefaultOf(definition, context) : null;

    /// <summary>The value that a trial has: the written one, else the default, else null.</summary>
    public static ParameterValue? Effective(string name, ParameterSet parameters) => parameters.Find(name) ?? Default(name, parameters);

    /// <summary>Whether the trial has every value of <paramref name="match"/>; defaults count as if they were written.</summary>
    public static bool Matches(ParameterSet parameters, ParameterSet match)
    {
        foreach (var (name, value) in match)
        {
            if (Effective(name, parameters) != value) return false;
        }
        return true;
    }

    /// <summary>Every parameter that this algorithm and task use, with defaults written out.</summary>
    /// <exception cref="ArgumentException">Algorithm or task are missing or unknown: <see cref="Check"/> the set first.</exception>
    public static ParameterSet Resolve(ParameterSet parameters)
    {
        if (!TrialContext.TryCreate(parameters, out var context))
            throw new ArgumentException($"algorithm and task of {parameters.ToJson()} must be known", nameof(parameters));
        var resolved = new List<KeyValuePair<string, ParameterValue>>(All.Count);
        foreach (var definition in All)
        {
            var value = parameters.Find(definition.Name) ?? DefaultOf(definition, context);
            if (value is not null) resolved.Add(KeyValuePair.Create(definition.Name, value));
        }
        return ParameterSet.From(resolved);
    }

    /// <summary>The parameters whose values differ from the frozen defaults: those that identity is made of.</summary>
    internal static ParameterSet WithoutDefaults(ParameterSet parameters)
    {
        if (!TrialContext.TryCreate(parameters, out var context)) return parameters;
        var kept = parameters;
        foreach (var (name, value) in parameters)
        {
            if (Find(name) is { } definition && DefaultOf(definition, context) == value) kept = kept.Without(name);
        }
        return kept;
    }

    /// <summary>Everything wrong with one trial's parameters; empty for a good set. Paths are the parameters' names.</summary>
    public static IReadOnlyList<Fault> Check(ParameterSet parameters)
    {
        var faults = new List<Fault>();
        foreach (var (name, value) in parameters)
        {
            if (CheckValue(name, value) is { } fault) faults.Add(fault);
        }
        if (faults.Count == 0) faults.AddRange(CheckTogether(parameters).Select(clash => clash.Fault));
        return faults;
    }

    /// <summary>What is wrong with one parameter by itself: its name, the shape of its value, its bounds.</summary>
    internal static Fault? CheckValue(string name, ParameterValue value)
    {
        if (Find(name) is not { } definition)
        {
            return new Fault(name, Shorten(value), $"there is no parameter '{name}'",
                NearestName.Of(name, All.Select(known => known.Name)));
        }
        if (definition.Accepts(value)) return null;
        var suggestion = value.Kind != ParameterValueKind.Text ? null : definition.Kind switch
        {
            ParameterKind.Choice => NearestName.Of(value.AsString(), definition.Allowed),
            ParameterKind.Task => NearestName.OfTask(value.AsString()),
            _ => null,
        };
        var quoted = value.Kind == ParameterValueKind.Text
            && definition.Kind is ParameterKind.Integer or ParameterKind.Number or ParameterKind.Boolean
            && (value.AsString() is "true" or "false" || double.TryParse(value.AsString(), CultureInfo.InvariantCulture, out _));
        return new Fault(name, Shorten(value),
            $"{Shorten(value)} is not allowed: {name} is {definition.Expected}{(quoted ? ", without quotes" : "")}", suggestion);
    }

    /// <summary>
    /// What is wrong with values that are right one by one: something missing, unused, or at odds with another; and whether it is this
    /// value that is wrong, or the parameter with any value.
    /// </summary>
    internal static IEnumerable<(Fault Fault, bool IsValue)> CheckTogether(ParameterSet parameters)
    {
        foreach (var definition in Missing(parameters)) yield return (NotSet(definition), false);
        if (!TrialContext.TryCreate(parameters, out var context)) yield break;
        if (ParameterRules.Mismatch(context) is { } mismatch)
        {
            yield return (mismatch, true);
            yield break;  // what the trial uses is unclear: anything more would only be noise
        }

        foreach (var (name, value) in parameters)
        {
            if (Find(name)?.Unused(context) is { } reason)
            {
                var message = $"{name} is not used by {context.Algorithm} on {context.Task}: {reason}";
                yield return (new Fault(name, Shorten(value), message), false);
            }
        }
        foreach (var fault in ParameterRules.Conflicts(context)) yield return (fault, true);
    }

    internal static Fault NotSet(ParameterDefinition definition) =>
        new(definition.Name, null, $"{definition.Name} is not set: it must be {definition.Expected}");

    internal static IEnumerable<ParameterDefinition> Missing(ParameterSet parameters) =>
        required.Where(definition => !parameters.ContainsKey(definition.Name));

    internal static string Shorten(ParameterValue value)
    {
        var text = value.ToJson();
        return text.Length <= 60 ? text : text[..57] + "...";
    }

    private static ParameterValue? DefaultOf(ParameterDefinition definition, TrialContext context) =>
        definition.Unused(context) is null ? definition.DefaultIn(context) : null;
}
