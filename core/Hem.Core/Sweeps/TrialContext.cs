namespace Hem.Core.Sweeps;

/// <summary>What defaults and applicability look at: the algorithm, the task, and the parameters that were set.</summary>
internal readonly struct TrialContext(string algorithm, TaskName task, ParameterSet parameters)
{
    public string Algorithm { get; } = algorithm;
    public TaskName Task { get; } = task;
    public ParameterSet Parameters { get; } = parameters;

    public bool IsDiscrete => Task.IsDiscrete;
    public bool IsTheory => Algorithm == AlgorithmName.Theory;

    /// <summary>HER and the combined loss: an off-policy critic, so discount, target network and clip.</summary>
    public bool HasCritic => Algorithm is AlgorithmName.Her or AlgorithmName.HerDense or AlgorithmName.HemHer;

    /// <summary>HER on a discrete task: DQN.</summary>
    public bool IsDqn => HasCritic && IsDiscrete;

    /// <summary>HER on a continuous task: DDPG.</summary>
    public bool IsDdpg => HasCritic && !IsDiscrete;

    /// <summary>Trains on what the present policy collected, once: no buffer, no relabelling by the sampler.</summary>
    public bool IsOnPolicy => Algorithm is AlgorithmName.Hpg or AlgorithmName.Reinforce;

    public bool StateIsImage => Text("stateObservation") == "image";
    public bool UsesImages => StateIsImage || Text("goalObservation") == "image";

    /// <summary>The most actions in an episode.</summary>
    public int Horizon => ParameterRules.HorizonUnused(this) is null ? Int("horizon") : Task.Horizon;

    public string? Text(string name) => Effective(name)?.AsString();
    public int Int(string name) => Effective(name)!.AsInt();

    /// <summary>The value that a trial has: the written one, else the default.</summary>
    public ParameterValue? Effective(string name) => Parameters.Find(name) ?? ParameterTable.Find(name)?.DefaultIn(this);

    /// <summary>Reads algorithm and task; false where one is missing or unknown.</summary>
    public static bool TryCreate(ParameterSet parameters, out TrialContext context)
    {
        context = default;
        if (parameters.Find("algorithm") is not { Kind: ParameterValueKind.Text } algorithm
            || parameters.Find("task") is not { Kind: ParameterValueKind.Text } name
            || !AlgorithmName.All.Contains(algorithm.AsString())
            || !TaskName.TryParse(name.AsString(), out var task))
        {
            return false;
        }
        context = new TrialContext(algorithm.AsString(), task, parameters);
        return true;
    }
}

/// <summary>Names of the algorithms.</summary>
public static class AlgorithmName
{
    public const string Hem = "hem";
    public const string Her = "her";
    public const string HerDense = "her-dense";
    public const string HemHer = "hem-her";
    public const string Hpg = "hpg";
    public const string Reinforce = "reinforce";
    public const string Theory = "theory";

    public static IReadOnlyList<string> All { get; } = [Hem, Her, HerDense, HemHer, Hpg, Reinforce, Theory];
}
