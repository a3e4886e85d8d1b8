using System.Globalization;

namespace Hem.Core.Sweeps;

/// <summary>The shape of a parameter's values.</summary>
public enum ParameterKind
{
    Integer,
    Number,
    Boolean,

    /// <summary>One of <see cref="ParameterDefinition.Allowed"/>.</summary>
    Choice,

    /// <summary>The name of a task.</summary>
    Task,

    /// <summary>Two numbers, the smaller first.</summary>
    Interval,

    /// <summary><c>{successRate: 0..1, evaluations: 1..1000}</c>.</summary>
    StopRule,
}

/// <summary>
/// One row of the parameter table. The resource definition, the sweep file, a trial's configuration and its identity all come from
/// it, so they cannot disagree.
/// </summary>
/// <param name="Name">As it is written everywhere.</param>
/// <param name="Kind">Shape of the values.</param>
/// <param name="Description">What it does, for <c>kubectl explain</c> and error messages; ends with the default in words.</param>
public sealed record ParameterDefinition(string Name, ParameterKind Kind, string Description)
{
    /// <summary>Smallest and largest value, both allowed; of numbers and of an interval's ends.</summary>
    public double Min { get; init; } = double.NegativeInfinity;
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>1 where it does not matter.</summary>
    public int MultipleOf { get; init; } = 1;

    /// <summary>The values of a choice; the known names of <c>task</c>.</summary>
    public IReadOnlyList<string> Allowed { get; init; } = [];

    /// <summary>Every trial must set it: there is no default.</summary>
    public bool Required { get; init; }

    /// <summary>Why a trial does not use the parameter, or null where it does.</summary>
    internal Func<TrialContext, string?> Unused { get; init; } = _ => null;

    /// <summary>The frozen default where the parameter applies, or null where it has none.</summary>
    internal Func<TrialContext, ParameterValue?> DefaultIn { get; init; } = _ => null;

    /// <summary>What is allowed, in words: "a whole number from 1 to 10,000".</summary>
    public string Expected => Kind switch
    {
        ParameterKind.Integer when MultipleOf > 1 => $"a multiple of {MultipleOf} from {Show(Min)} to {Show(Max)}",
        ParameterKind.Integer => $"a whole number from {Show(Min)} to {Show(Max)}",
        ParameterKind.Number => $"a number from {Show(Min)} to {Show(Max)}",
        ParameterKind.Boolean => "true or false",
        ParameterKind.Choice => $"one of {string.Join(", ", Allowed)}",
        ParameterKind.Task => $"one of {string.Join(", ", Allowed)}, with K from {TaskName.SmallestFlipBit} to {TaskName.LargestFlipBit} "
            + $"for flipbit and from {TaskName.SmallestOneStep} to {TaskName.LargestOneStep} for one-step",
        ParameterKind.Interval => $"two numbers from {Show(Min)} to {Show(Max)}, the smaller first, for example [-50, 0]",
        _ => "a rule such as {successRate: 0.95, evaluations: 3}: a rate from 0 to 1 and a whole number from 1 to 1,000",
    };

    /// <summary>Whether the value has the right shape and lies in the bounds, whatever else the trial sets.</summary>
    public bool Accepts(ParameterValue value) => Kind switch
    {
        ParameterKind.Integer => value.IsInt && InBounds(value) && value.AsInt() % MultipleOf == 0,
        ParameterKind.Number => InBounds(value),
        ParameterKind.Boolean => value.Kind == ParameterValueKind.Boolean,
        ParameterKind.Choice => value.Kind == ParameterValueKind.Text && Allowed.Contains(value.AsString()),
        ParameterKind.Task => value.Kind == ParameterValueKind.Text && TaskName.TryParse(value.AsString(), out _),
        ParameterKind.Interval => value is { Kind: ParameterValueKind.List, Items: [var low, var high] }
            && InBounds(low) && InBounds(high) && low.AsDouble() < high.AsDouble(),
        _ => value is { Kind: ParameterValueKind.Object, Fields.Count: 2 }
            && value.Fields.Find("successRate") is { Kind: ParameterValueKind.Number } rate && rate.AsDouble() is >= 0 and <= 1
            && value.Fields.Find("evaluations") is { IsInt: true } evaluations && evaluations.AsInt() is >= 1 and <= 1000,
    };

    private bool InBounds(ParameterValue value) =>
        value.Kind == ParameterValueKind.Number && value.AsDouble() >= Min && value.AsDouble() <= Max;

    private static string Show(double bound) => Math.Abs(bound) is >= 1000 and < 1e15
        ? bound.ToString("N0", CultureInfo.InvariantCulture)
        : ParameterValue.From(bound).ToJson();
}
