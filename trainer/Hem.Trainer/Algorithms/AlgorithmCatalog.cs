using Hem.Core.Sweeps;
using Hem.Trainer.Networks;
using Hem.Trainer.Tasks;
using Hem.Trainer.Torch;
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
        if (WhyNotOn(trial.Trainer.Device) is { } fault)
            faults.Add($"trainer.device: {fault}");
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
                AlgorithmName.Hem => new HemAlgorithm(On(HemSettings.From(parameters)), trial.Seed, Task(), threads, kernels),
                AlgorithmName.Hpg when Task() is IDiscreteTask discrete =>
                    new HpgAlgorithm(On(HpgSettings.From(parameters)), trial.Seed, discrete, threads, kernels),
                AlgorithmName.Reinforce =>
                    new ReinforceAlgorithm(On(ReinforceSettings.From(parameters)), trial.Seed, Task(), threads, kernels),
                AlgorithmName.Theory => new TheoryAlgorithm(TheorySettings.From(parameters), trial.Seed),
                AlgorithmName.Her or AlgorithmName.HerDense or AlgorithmName.HemHer => Task() switch
                {
                    IContinuousTask task => new HerDdpgAlgorithm(On(HerSettings.From(parameters)), trial.Seed, task, threads, kernels),
                    ITask task => new HerDqnAlgorithm(On(HerSettings.From(parameters)), trial.Seed, (IDiscreteTask)task, threads, kernels),
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

        T On<T>(T settings)
            where T : TrainingSettings => (T)((TrainingSettings)settings with { Device = trial.Trainer.Device });

        ITask Task() => TaskCatalog.Create(parameters)
            ?? throw new BadConfigurationException($"parameters.task: {name} cannot be learned by {algorithm}");
    }

    /// <summary>Why a trial's networks cannot be computed on a device here, or null.</summary>
    private static string? WhyNotOn(string device)
    {
        if (BuiltIn.Devices.Contains(device))
            return null;
        if (device != "cuda")
            return $"this trainer computes on {string.Join(", ", BuiltIn.Devices)} and, where it is built for it, on cuda, not on {device}";
        try
        {
            TorchBackend.RequireCuda();
            return null;
        }
        catch (TorchUnavailableException e)
        {
            return e.Message;
        }
    }
}
