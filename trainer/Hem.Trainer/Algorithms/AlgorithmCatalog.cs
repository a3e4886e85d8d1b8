using Hem.Core.Sweeps;
using Hem.Trainer.Networks;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;

namespace Hem.Trainer.Algorithms;

/// <summary>From a trial's parameters to its algorithm and task.</summary>
internal static class AlgorithmCatalog
{
    /// <exception cref="BadConfigurationException">This program does not have that algorithm, task or device, or they would not
    /// fit.</exception>
    public static IAlgorithm Create(TrialDocument trial)
    {
        ParameterSet parameters = trial.Parameters;
        string algorithm = parameters["algorithm"].AsString(), name = parameters["task"].AsString();
        List<string> faults = [];
        if (!BuiltIn.Devices.Contains(trial.Trainer.Device))
            faults.Add($"trainer.device: this trainer computes on {string.Join(" and ", BuiltIn.Devices)}, not on {trial.Trainer.Device}");
        if (!BuiltIn.HasAlgorithm(algorithm))
            faults.Add($"parameters.algorithm: this trainer has {string.Join(", ", BuiltIn.Algorithms)}, not {algorithm}");
        if (!BuiltIn.HasTask(name))
            faults.Add($"parameters.task: this trainer has {string.Join(", ", BuiltIn.Tasks)}, not {name}");
        if (faults.Count > 0)
            throw new BadConfigurationException(string.Join("; ", faults));

        KernelWidth kernels = KernelWidths.Parse(trial.Trainer.Kernels);
        int threads = trial.Trainer.Threads;
        try
        {
            return algorithm switch
            {
                AlgorithmName.Hem => new HemAlgorithm(HemSettings.From(parameters), trial.Seed, Task(), threads, kernels),
                AlgorithmName.Hpg when Task() is IDiscreteTask discrete =>
                    new HpgAlgorithm(HpgSettings.From(parameters), trial.Seed, discrete, threads, kernels),
                AlgorithmName.Reinforce => new ReinforceAlgorithm(ReinforceSettings.From(parameters), trial.Seed, Task(), threads, kernels),
                AlgorithmName.Theory => new TheoryAlgorithm(TheorySettings.From(parameters), trial.Seed),
                AlgorithmName.Her or AlgorithmName.HerDense or AlgorithmName.HemHer => Task() switch
                {
                    IContinuousTask task => new HerDdpgAlgorithm(HerSettings.From(parameters), trial.Seed, task, threads, kernels),
                    ITask task => new HerDqnAlgorithm(HerSettings.From(parameters), trial.Seed, (IDiscreteTask)task, threads, kernels),
                },
                _ => throw new BadConfigurationException($"parameters.algorithm: {algorithm} has no program"),
            };
        }
        catch (OverflowException)
        {
            throw new BadConfigurationException(
                "parameters: workers times batchSize, N or bufferTrajectories makes arrays of over 2,147,483,647 elements; "
                + "make one of them smaller");
        }

        ITask Task() => TaskCatalog.Create(parameters)
            ?? throw new BadConfigurationException($"parameters.task: {name} cannot be learned by {algorithm}");
    }
}
