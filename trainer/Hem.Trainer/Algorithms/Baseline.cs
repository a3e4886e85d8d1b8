namespace Hem.Trainer.Algorithms;

/// <summary>What is subtracted from the return to reduce the variance of a policy gradient (`baseline`).</summary>
internal enum Baseline
{
    None,

    /// <summary>The value: the expected return.</summary>
    Value,

    /// <summary>The constant that leaves the least variance: a control variate.</summary>
    Optimal,
}

internal static class Baselines
{
    public static Baseline Parse(string text) => text switch
    {
        "none" => Baseline.None,
        "value" => Baseline.Value,
        "optimal" => Baseline.Optimal,
        _ => throw new FormatException($"baseline: \"{text}\" is not one of none, value, optimal"),
    };
}
