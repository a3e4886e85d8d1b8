namespace Hem.Core.Sweeps;

/// <summary>A combination of parameters that is tried with several seeds.</summary>
/// <param name="Id">16 hex digits of the hash of the parameters without a seed.</param>
/// <param name="Parameters">As merged from base, case and grid: what was written, without defaults.</param>
/// <param name="Label">The parameters that tell it from the sweep's other configurations: <c>task=flipbit-25, N=20</c>.</param>
public sealed record Configuration(string Id, ParameterSet Parameters, string Label);

/// <summary>One run: a configuration with a seed.</summary>
/// <param name="Name"><c>&lt;sweep&gt;-&lt;16 hex&gt;</c>: the same for the same work, however the sweep is written.</param>
/// <param name="Hash">The whole hash, 64 hex digits.</param>
/// <param name="Parameters">As in its configuration.</param>
/// <param name="Seed">From 0.</param>
/// <param name="ConfigurationId">Of its <see cref="Configuration"/>.</param>
public sealed record TrialSpec(string Name, string Hash, ParameterSet Parameters, int Seed, string ConfigurationId);

/// <summary>All trials of a sweep, or everything that is wrong with it.</summary>
/// <param name="Trials">
/// First every configuration with the first seed, then every configuration with the second, and so on: so that a sweep that is cut short
/// still compares its configurations fairly. Empty where there are faults.
/// </param>
/// <param name="Configurations">In the order of the file: cases outermost, the last axis of the grid fastest.</param>
/// <param name="Faults">With field paths; empty for a good sweep.</param>
public sealed record SweepExpansion(
    IReadOnlyList<TrialSpec> Trials, IReadOnlyList<Configuration> Configurations, IReadOnlyList<Fault> Faults);

/// <summary>Turns a sweep into its trials. Pure and deterministic.</summary>
public static class Expansion
{
    /// <summary>The most trials that a sweep may have.</summary>
    public const int MostTrials = 100_000;

    /// <summary>The most cases: each costs something wherever a sweep is looked at.</summary>
    public const int MostCases = 10_000;

    /// <summary>The most combinations that are looked at to see which of them are excluded.</summary>
    public const int MostCombinations = 500_000;

    /// <summary>The most entries of exclude: each is held against every combination.</summary>
    public const int MostExclusions = 1_000;

    /// <summary>Merges, excludes and names; a sweep with faults has no trials.</summary>
    public static SweepExpansion Expand(HemSweep sweep) => new Expander(sweep, new HashSet<string>()).Expand();
}
