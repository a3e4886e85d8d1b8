using Hem.Core.Sweeps;

namespace Hem.Trainer.Algorithms;

/// <summary>The parameters of HER and of the combined loss; names as in the sweep file. Defaults are those of continuous tasks.</summary>
internal sealed record HerSettings : TrainingSettings
{
    public HerSettings() => (Workers, N, StopOnSuccess) = (20, 2, false);

    public int BatchSize { get; init; } = 256;
    public int BufferTrajectories { get; init; } = 400_000;
    public double Relabel { get; init; } = 0.8;
    public double Epsilon { get; init; } = 0.3;
    public double Discount { get; init; } = 0.98;
    public double Polyak { get; init; } = 0.95;

    /// <summary>0 for success and -1 for all else (`her-dense`), instead of 1 and 0 (`her`).</summary>
    public bool NegativeRewards { get; init; } = true;

    public double LowestTarget { get; init; } = -50;
    public double HighestTarget { get; init; }

    /// <summary>Continuous actions.</summary>
    public double CriticLearningRate { get; init; } = 1e-3;

    /// <summary>Continuous actions.</summary>
    public double ActionNoise { get; init; } = 0.2;

    /// <summary>Continuous actions.</summary>
    public double ActionPenalty { get; init; } = 1;

    /// <summary>Continuous actions.</summary>
    public bool NormalizeInputs { get; init; } = true;

    /// <summary>Weight of hEM's loss: 0 but for the combined loss, `hem-her`.</summary>
    public double Eta { get; init; }

    /// <summary>hEM's loss is the sum over a trajectory's T steps instead of their mean.</summary>
    public bool SumsLikelihood { get; init; }

    public static HerSettings From(ParameterSet parameters)
    {
        IReadOnlyList<ParameterValue> clip = parameters["targetClip"].Items;
        return Read(
            new HerSettings
            {
                Iterations = 0,
                BatchSize = parameters["batchSize"].AsInt(),
                BufferTrajectories = parameters["bufferTrajectories"].AsInt(),
                Relabel = parameters["relabel"].AsDouble(),
                Epsilon = parameters["epsilon"].AsDouble(),
                Discount = parameters["discount"].AsDouble(),
                Polyak = parameters["polyak"].AsDouble(),
                NegativeRewards = parameters["algorithm"].AsString() != AlgorithmName.Her,
                LowestTarget = clip[0].AsDouble(),
                HighestTarget = clip[1].AsDouble(),
                CriticLearningRate = parameters.Find("criticLearningRate")?.AsDouble() ?? 0,
                ActionNoise = parameters.Find("actionNoise")?.AsDouble() ?? 0,
                ActionPenalty = parameters.Find("actionPenalty")?.AsDouble() ?? 0,
                NormalizeInputs = parameters.Find("normalizeInputs")?.AsBool() ?? false,
                Eta = parameters.Find("eta")?.AsDouble() ?? 0,
                SumsLikelihood = parameters.Find("hemLoss")?.AsString() == "sum",
            },
            parameters);
    }
}
