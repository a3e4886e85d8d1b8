using Hem.Core.Sweeps;
using Hem.Trainer.Networks;
using Hem.Trainer.Tasks;
using Hem.Trainer.Trials;

namespace Hem.Trainer.Algorithms;

/// <summary>From a trial's parameters to its algorithm and task.</summary>
internal static class AlgorithmCatalog
{
    private const long LargestNetwork = 150_000_000;

    /// <exception cref="BadConfigurationException">This program does not have that algorithm, task or device, or they would not
    /// fit.</exception>
    public static IAlgorithm Create(TrialDocument trial)
    {
        ParameterSet parameters = trial.Parameters;
        string algorithm = parameters["algorithm"].AsString(), task = parameters["task"].AsString();
        List<string> faults = [];
        if (!BuiltIn.Devices.Contains(trial.Trainer.Device))
            faults.Add($"trainer.device: this trainer computes on cpu, not on {trial.Trainer.Device}");
        if (!BuiltIn.HasAlgorithm(algorithm))
            faults.Add($"parameters.algorithm: this trainer has hem, not {algorithm}");
        var built = TaskCatalog.Create(parameters) as IDiscreteTask;
        if (built is null)
            faults.Add($"parameters.task: this trainer has flipbit-K and fourrooms, not {task}");
        if (faults.Count > 0)
            throw new BadConfigurationException(string.Join("; ", faults));

        try
        {
            HemSettings settings = Settings(parameters);
            RequireSavable(settings, built!);
            return new HemAlgorithm(settings, trial.Seed, built!, trial.Trainer.Threads, KernelWidths.Parse(trial.Trainer.Kernels));
        }
        catch (OverflowException)
        {
            throw new BadConfigurationException(
                "parameters: workers times batchSize, N or bufferTrajectories makes arrays of over 2,147,483,647 elements; "
                + "make one of them smaller");
        }
    }

    /// <summary>A checkpoint holds 12 bytes a parameter in one piece of at most 2 GiB.</summary>
    private static void RequireSavable(HemSettings settings, IDiscreteTask task)
    {
        long parameters = 0, width = task.Inputs;
        for (int layer = 0; layer < settings.HiddenLayers; layer++, width = settings.HiddenUnits)
            parameters += (width + 1) * settings.HiddenUnits;
        parameters += (width + 1) * task.Actions;
        if (parameters > LargestNetwork)
        {
            throw new BadConfigurationException(
                $"parameters.hiddenUnits, parameters.hiddenLayers: {settings.HiddenLayers} layers of {settings.HiddenUnits} units make a "
                + $"network of {parameters:N0} parameters, of which a checkpoint has room for {LargestNetwork:N0}; make it smaller");
        }
    }

    private static HemSettings Settings(ParameterSet parameters) => new()
    {
        Iterations = parameters["iterations"].AsInt(),
        Workers = parameters["workers"].AsInt(),
        N = parameters["N"].AsInt(),
        BatchSize = parameters["batchSize"].AsInt(),
        Updates = parameters["updates"].AsInt(),
        BufferTrajectories = parameters["bufferTrajectories"].AsInt(),
        LearningRate = parameters["learningRate"].AsDouble(),
        HiddenLayers = parameters["hiddenLayers"].AsInt(),
        HiddenUnits = parameters["hiddenUnits"].AsInt(),
        Epsilon = parameters["epsilon"].AsDouble(),
        Relabel = parameters["relabel"].AsDouble(),
        StopOnSuccess = parameters["stopOnSuccess"].AsBool(),
        EvaluateEvery = parameters["evaluateEvery"].AsInt(),
        EvaluationEpisodes = parameters["evaluationEpisodes"].AsInt(),
        StopAt = parameters.Find("stopAt") is { } stopAt
            ? new StopAt(stopAt.Fields["successRate"].AsDouble(), stopAt.Fields["evaluations"].AsInt())
            : null,
    };
}
