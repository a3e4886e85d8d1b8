using Hem.Core.Sweeps;

namespace Core.Tests.Support;

/// <summary>Builds sweeps in a sentence: <c>Sweep.Named("x").Base(("algorithm", "hem")).Grid("N", 5, 10).Seeds(3)</c>.</summary>
public sealed class Sweep
{
    private readonly string name;
    private readonly SweepSpec spec;

    private Sweep(string name, SweepSpec spec) => (this.name, this.spec) = (name, spec);

    /// <summary>A sweep of hEM on flipbit-5 with one seed.</summary>
    public static Sweep Named(string name) => new(name, new SweepSpec
    {
        Base = ParameterSet.Of(("algorithm", "hem"), ("task", "flipbit-5")),
        Seeds = SeedSpec.Of(1),
    });

    /// <summary>Adds to the base; a name set before gets the new value.</summary>
    public Sweep Base(params (string Name, ParameterValue Value)[] values) =>
        With(spec with { Base = spec.Base.With(ParameterSet.Of(values)) });

    public Sweep WithoutBase(string parameter) => With(spec with { Base = spec.Base.Without(parameter) });

    public Sweep Case(params (string Name, ParameterValue Value)[] values) =>
        With(spec with { Cases = [.. spec.Cases, ParameterSet.Of(values)] });

    public Sweep Grid(string parameter, params ParameterValue[] values) =>
        With(spec with { Grid = [.. spec.Grid, new GridAxis(parameter, values)] });

    public Sweep Exclude(params (string Name, ParameterValue Value)[] values) =>
        With(spec with { Exclude = [.. spec.Exclude, ParameterSet.Of(values)] });

    /// <summary>Seeds 1 to <paramref name="count"/>.</summary>
    public Sweep Seeds(int count) => With(spec with { Seeds = SeedSpec.Of(count) });

    public Sweep SeedValues(params int[] values) => With(spec with { Seeds = SeedSpec.Of(values) });

    public Sweep Parallelism(int trials) => With(spec with { Parallelism = trials });

    public Sweep Retries(int failures, int disruptions = 100) => With(spec with { Retries = new RetrySpec(failures, disruptions) });

    public Sweep Budget(TimeSpan? wallClock = null, double? gpuHours = null) =>
        With(spec with { Budget = new BudgetSpec(wallClock, gpuHours) });

    public Sweep Suspended(bool suspended = true) => With(spec with { Suspend = suspended });

    public Sweep TimeToLive(int seconds) => With(spec with { TtlSecondsAfterFinished = seconds });

    public Sweep Trainer(TrainerTemplate trainer) => With(spec with { Trainer = trainer });

    public HemSweep Build() => new(name, spec);

    /// <summary>The trials and configurations; fails the test where the sweep has faults.</summary>
    public SweepExpansion Expand()
    {
        var expansion = Expansion.Expand(Build());
        expansion.Faults.ShouldBeEmpty();
        return expansion;
    }

    /// <summary>The faults of a sweep that has some.</summary>
    public IReadOnlyList<Fault> Faults()
    {
        var faults = Expansion.Expand(Build()).Faults;
        faults.ShouldNotBeEmpty();
        return faults;
    }

    public static implicit operator HemSweep(Sweep sweep) => sweep.Build();

    private Sweep With(SweepSpec changed) => new(name, changed);
}
