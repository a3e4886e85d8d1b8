using Hem.Core.Sweeps;
using Hem.Trainer.Networks;

namespace Hem.Trainer.Algorithms;

/// <summary>The parameters that every algorithm has; names as in the sweep file.</summary>
internal abstract record TrainingSettings
{
    public required int Iterations { get; init; }
    public int Workers { get; init; } = 30;
    public int N { get; init; } = 20;
    public int Updates { get; init; } = 40;
    public double LearningRate { get; init; } = 1e-3;
    public int HiddenLayers { get; init; } = 5;
    public int HiddenUnits { get; init; } = 256;
    public Padding Padding { get; init; }

    /// <summary>Null: by the task, and the algorithm.</summary>
    public Initialization? Initialization { get; init; }

    public bool StopOnSuccess { get; init; } = true;
    public int EvaluateEvery { get; init; } = 1;
    public int EvaluationEpisodes { get; init; } = 200;

    /// <summary>A test episode counts as a success by its last state, and runs to its end; else by any state after an action.</summary>
    public bool SuccessAtEnd { get; init; }

    public StopAt? StopAt { get; init; }

    /// <summary>Where the networks are computed, <c>cpu</c> or <c>cuda</c>: the trainer's affair, no parameter.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>The settings with what a trial says of the parameters above.</summary>
    public static T Read<T>(T settings, ParameterSet parameters)
        where T : TrainingSettings
    {
        TrainingSettings common = settings;
        return (T)(common with
        {
            Iterations = parameters["iterations"].AsInt(),
            Workers = parameters["workers"].AsInt(),
            N = parameters["N"].AsInt(),
            Updates = parameters.Find("updates")?.AsInt() ?? 1,
            LearningRate = parameters["learningRate"].AsDouble(),
            HiddenLayers = parameters["hiddenLayers"].AsInt(),
            HiddenUnits = parameters["hiddenUnits"].AsInt(),
            Padding = parameters.Find("padding")?.AsString() == "same" ? Padding.Same : Padding.Valid,
            Initialization = parameters.Find("initialization")?.AsString() switch
            {
                "he" => Networks.Initialization.HeUniform,
                "xavier" => Networks.Initialization.XavierUniform,
                _ => null,
            },
            SuccessAtEnd = parameters.Find("successAt")?.AsString() == "end",
            StopOnSuccess = parameters["stopOnSuccess"].AsBool(),
            EvaluateEvery = parameters["evaluateEvery"].AsInt(),
            EvaluationEpisodes = parameters["evaluationEpisodes"].AsInt(),
            StopAt = parameters.Find("stopAt") is { } stopAt
                ? new StopAt(stopAt.Fields["successRate"].AsDouble(), stopAt.Fields["evaluations"].AsInt())
                : null,
        });
    }
}

/// <summary>Training ends early once this many evaluations in a row reach the rate.</summary>
internal sealed record StopAt(double SuccessRate, int Evaluations);
