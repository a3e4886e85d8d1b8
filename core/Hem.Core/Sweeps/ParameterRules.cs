namespace Hem.Core.Sweeps;

/// <summary>Which parameters a trial uses, and which values do not go together.</summary>
internal static class ParameterRules
{
    /// <summary>An algorithm that cannot be run on the task.</summary>
    public static Fault? Mismatch(TrialContext trial)
    {
        var isOneStep = trial.Task.Family == TaskName.OneStep;
        var reason = trial.Algorithm switch
        {
            AlgorithmName.Theory when !isOneStep => $"algorithm theory needs a task one-step-K, not {trial.Task}",
            not AlgorithmName.Theory when isOneStep => $"task {trial.Task} needs algorithm theory, not {trial.Algorithm}",
            AlgorithmName.Hpg when !trial.IsDiscrete =>
                $"algorithm hpg has discrete actions only (flipbit-K, fourrooms), and {trial.Task} is continuous",
            AlgorithmName.HemHer when trial.IsDiscrete =>
                $"algorithm hem-her needs a continuous task, and {trial.Task} has discrete actions",
            _ => null,
        };
        return reason is null ? null : new Fault("algorithm", ParameterValue.From(trial.Algorithm).ToJson(), reason);
    }

    /// <summary>Values that are each allowed but not together.</summary>
    public static IEnumerable<Fault> Conflicts(TrialContext trial)
    {
        if (trial.Algorithm == AlgorithmName.Hpg && trial.Parameters.Find("baseline") is { } baseline && baseline.AsString() == "optimal")
        {
            yield return new Fault("baseline", baseline.ToJson(),
                "hpg has the baselines none and value; optimal is for reinforce and theory");
        }
        if (trial is { IsTheory: true } && trial.Parameters.Find("baseline") is { } variate && variate.AsString() != "none"
            && trial.Effective("relabel")!.AsDouble() > 0)
        {
            yield return new Fault("baseline", variate.ToJson(),
                "a baseline belongs to REINFORCE (relabel: 0): the hindsight estimator has none");
        }
        if (trial.Parameters.Find("goalObservation") is { } goal && goal.AsString() == "image" && !trial.StateIsImage)
        {
            yield return new Fault("goalObservation", goal.ToJson(),
                "an image as goal needs stateObservation: image too: hindsight goals are pictures of states");
        }
        if (trial.Parameters.Find("start") is { } start && trial.Task.Starts.Count > 0 && !trial.Task.Starts.Contains(start.AsString()))
            yield return new Fault("start", start.ToJson(), $"{trial.Task} starts at one of {string.Join(", ", trial.Task.Starts)}");
        if (trial.Parameters.ContainsKey("bufferTrajectories") || trial.Parameters.ContainsKey("workers"))
        {
            if (BufferUnused(trial) is null
                && trial.Int("bufferTrajectories") is var size && trial.Int("workers") is var workers && size < workers)
            {
                var name = trial.Parameters.ContainsKey("bufferTrajectories") ? "bufferTrajectories" : "workers";
                yield return new Fault(name, trial.Parameters[name].ToJson(),
                    $"bufferTrajectories ({size}) must hold at least one trajectory for each of the workers ({workers})");
            }
        }
    }

    public static string? TheoryUnused(TrialContext trial) =>
        trial.IsTheory ? "theory measures closed forms and has only samples, relabel and baseline" : null;

    /// <summary>HPG and REINFORCE make one update of the whole batch that was just collected.</summary>
    public static string? BufferUnused(TrialContext trial) => TheoryUnused(trial)
        ?? (trial.IsOnPolicy ? "it makes one update of all trajectories of an iteration and keeps none" : null);

    /// <summary>Theory mixes its two estimators by it.</summary>
    public static string? RelabelUnused(TrialContext trial) => trial.IsTheory ? null : BufferUnused(trial);

    public static string? ImagesUnused(TrialContext trial) =>
        trial.Task.HasImages ? null : "the task has no images";

    public static string? NoImageSet(TrialContext trial) => ImagesUnused(trial)
        ?? (trial.UsesImages ? null : "neither stateObservation nor goalObservation is image");

    public static string? CriticUnused(TrialContext trial) =>
        trial.HasCritic ? null : "only her, her-dense and hem-her have it";

    public static string? ActorCriticUnused(TrialContext trial) => CriticUnused(trial)
        ?? (trial.IsDiscrete ? "on discrete tasks HER is DQN, which has no actor" : null);

    /// <summary>The critic of DDPG, or the value baseline, learns at a rate of its own.</summary>
    public static string? CriticRateUnused(TrialContext trial)
    {
        if (trial.IsOnPolicy) return trial.Text("baseline") == "value" ? null : "there is no critic without baseline: value";
        return ActorCriticUnused(trial);
    }

    public static string? ActionNoiseUnused(TrialContext trial) => trial switch
    {
        { IsDiscrete: true } => "the task has discrete actions (see epsilon)",
        { Algorithm: AlgorithmName.Reinforce } => "it explores by sampling its own policy (see policySigma)",
        _ => null,
    };

    public static string? EpsilonUnused(TrialContext trial) => TheoryUnused(trial)
        ?? (trial.IsOnPolicy ? "it explores by sampling its own policy"
            : trial is { Algorithm: AlgorithmName.Hem, IsDiscrete: false } ? "hEM explores continuous actions by actionNoise alone"
            : null);

    public static string? PolicySigmaUnused(TrialContext trial) => trial switch
    {
        { IsDiscrete: true } => "the task has discrete actions",
        { Algorithm: AlgorithmName.Hem or AlgorithmName.Reinforce } => null,
        _ => "only hem and reinforce have a Gaussian policy of their own",
    };

    /// <summary>hEM's M-step alone fits a sigma.</summary>
    public static string? SigmaModeUnused(TrialContext trial) => trial switch
    {
        { IsDiscrete: true } => "the task has discrete actions",
        { Algorithm: AlgorithmName.Hem } => null,
        _ => "only hem has a choice of what its sigma does",
    };

    /// <summary>The paper gives the simulated tasks 50 actions.</summary>
    public static string? HorizonUnused(TrialContext trial) => TheoryUnused(trial)
        ?? (trial.Task.Family is TaskName.FlipBit or TaskName.FourRooms ? null : "the episodes of simulated tasks have 50 actions");

    public static string? InitializationUnused(TrialContext trial) => TheoryUnused(trial)
        ?? (trial.Algorithm == AlgorithmName.Hpg ? "hpg starts from normal weights of deviation 0.01" : null);

    public static string? BaselineUnused(TrialContext trial) =>
        trial.IsOnPolicy || trial.IsTheory ? null : "only hpg, reinforce and theory have a baseline";
}
