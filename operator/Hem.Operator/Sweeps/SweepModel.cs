using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Results;

namespace Hem.Operator.Sweeps;

/// <summary>One generation of a sweep's spec, read and expanded.</summary>
internal sealed class SweepModel
{
    private readonly Dictionary<string, TrialSpec> _trials;
    private readonly Dictionary<string, Configuration> _configurations;

    public SweepModel(HemSweep sweep, SweepExpansion expansion, long generation)
    {
        (Sweep, Expansion, Generation) = (sweep, expansion, generation);
        _trials = expansion.Trials.ToDictionary(trial => trial.Name, StringComparer.Ordinal);
        _configurations = expansion.Configurations.ToDictionary(configuration => configuration.Id, StringComparer.Ordinal);
    }

    public HemSweep Sweep { get; }

    public SweepExpansion Expansion { get; }

    public long Generation { get; }

    public TrialSpec? Find(string trial) => _trials.GetValueOrDefault(trial);

    /// <summary>GPUs of a trial; of one that the sweep no longer asks for, what trials have there in general.</summary>
    public int GpusOf(string trial) =>
        Find(trial) is { } spec ? Sweep.Spec.Trainer.For(spec.Parameters).Gpus : Sweep.Spec.Trainer.Gpus;

    /// <summary>Iterations that a trial is to have.</summary>
    public int? IterationsOf(string trial) =>
        Find(trial) is { } spec && ParameterTable.Effective("iterations", spec.Parameters) is { IsInt: true } iterations
            ? iterations.AsInt()
            : null;

    public Configuration? ConfigurationOf(string id) => _configurations.GetValueOrDefault(id);

    public NewTrial Record(TrialSpec trial) =>
        new(trial.Name, trial.Hash, trial.Seed, trial.ConfigurationId, ParameterTable.Resolve(trial.Parameters).ToJson());

    /// <summary>What is wanted of this generation.</summary>
    public DesiredSweep Desired(int defaultParallelism) => DesiredSweep.From(Sweep, Expansion, defaultParallelism, Generation);
}
