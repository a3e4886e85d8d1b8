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
        string algorithm = parameters["algorithm"].AsString(), task = parameters["task"].AsString();
        if (trial.Trainer.Device != "cpu")
            throw new BadConfigurationException($"trainer.device: this trainer computes on cpu, not on {trial.Trainer.Device}");
        if (algorithm != "hem")
            throw new BadConfigurationException($"parameters.algorithm: this trainer has hem, not {algorithm}");

        try
        {
            return new HemAlgorithm(
                Settings(parameters), trial.Seed, CreateTask(task, parameters), trial.Trainer.Threads,
                KernelWidths.Parse(trial.Trainer.Kernels));
        }
        catch (OverflowException)
        {
            throw new BadConfigurationException(
                "parameters: workers times batchSize, N or bufferTrajectories makes arrays of over 2,147,483,647 elements; "
                + "make one of them smaller");
        }
    }

    public static IDiscreteTask CreateTask(string name, ParameterSet parameters)
    {
        if (TaskName.TryParse(name, out TaskName? task))
        {
            switch (task.Family)
            {
                case TaskName.FlipBit:
                    return new FlipBit(task.Size, parameters.Find("start")?.AsString() == "zeros");
                case TaskName.FourRooms:
                    return new FourRooms(parameters.Find("encoding")?.AsString() == "raw" ? CellEncoding.Raw : CellEncoding.OneHot);
            }
        }

        throw new BadConfigurationException($"parameters.task: this trainer has flipbit-K and fourrooms, not {name}");
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
