namespace Hem.Core.Sweeps;

/// <summary>
/// The defaults of API version hem.dev/v1alpha1. Frozen: a trial's identity is made of what differs from them, so a changed default
/// would silently give old names to new work. Sources: algorithms.md and tasks.md by section; "ours" where they are silent.
/// </summary>
internal static class ParameterDefaults
{
    /// <summary>The default of one parameter by algorithm and task, for trials that use the parameter.</summary>
    public static Func<TrialContext, ParameterValue?> Of(string name) => name switch
    {
        "iterations" => Iterations,
        "N" => Trajectories,
        "workers" => Workers,                            // sections 2.5, 3.1, 5.3; REINFORCE collects as much as hEM (ours)
        "batchSize" => Batch,                            // sections 2.5, 3.1, 4
        "updates" => Always(40),                         // sections 2.5, 3.1, 4
        "bufferTrajectories" => Buffer,
        "learningRate" => Always(1e-3),                  // section 1.3
        "criticLearningRate" => Always(1e-3),            // section 3.1; the value baseline of section 5.3 the same (ours)
        "hiddenLayers" => Layers,                        // sections 1.1, 5.3
        "hiddenUnits" => Always(256),                    // sections 1.1, 5.3
        "stateObservation" or "goalObservation" => Always("vector"),
        "imageSize" => Always(84),                       // tasks.md, section 7
        "padding" => Always("valid"),                    // section 1.2
        "eta" => Always(0.1),                            // section 6
        "actionNoise" => Noise,                          // sections 2.4, 3.1
        "epsilon" => Epsilon,                            // sections 2.4, 3.1, 4
        "policySigma" => Always(1),                      // section 2.3
        "relabel" => Relabel,                            // sections 2.2, 3.5, 4
        "discount" => Discount,
        "polyak" => Always(0.95),                        // sections 3.1, 4
        "actionPenalty" => Always(1),                    // section 3.1
        "start" => trial => trial.Task.Starts[0],        // tasks.md, sections 1 and 3
        "encoding" => Encoding,                          // tasks.md, section 2
        "baseline" => Always("none"),                    // sections 5.1, 7
        "samples" => Always(1_000_000),
        "evaluateEvery" => Always(1),
        "evaluationEpisodes" => Always(200),             // section 8
        _ => _ => null,
    };

    /// <summary>
    /// Ours throughout, from section 2.6: about twice the trajectories after which a throw-away implementation had learned the task; and
    /// as many trajectories for the other algorithms as for hEM, which is how section 8 compares them.
    /// </summary>
    private static ParameterValue Iterations(TrialContext trial)
    {
        if (trial.IsDdpg)
        {
            // In cycles of 40 trajectories: 10 (reach) and 50 (the others) cycles make an epoch of section 3.1.
            return trial.Task.Family switch
            {
                "fetch-reach" or TaskName.SawyerReach => 100,
                TaskName.PointMass or TaskName.Reacher => 500,
                _ => 2_500,
            };
        }

        var perIteration600 = trial.Task switch
        {
            { Family: TaskName.FlipBit, Size: <= 25 } => 20,
            { Family: TaskName.FlipBit, Size: <= 50 } => 80,
            { Family: TaskName.FlipBit } => 200,
            { Family: TaskName.FourRooms } => 80,
            { Family: TaskName.PointMass or TaskName.Reacher } => 40,
            { Family: "fetch-reach" or TaskName.SawyerReach } => 10,
            _ => 200,
        };
        if (trial.IsDqn) return perIteration600 * 600 / 320;                  // cycles of 20 workers with 16 trajectories
        if (trial.Algorithm == AlgorithmName.Hpg) return perIteration600 * 600 / 16;
        return trial.StateIsImage ? Math.Max(100, perIteration600) : perIteration600;
    }

    private static ParameterValue Trajectories(TrialContext trial) => trial switch
    {
        { IsDqn: true } or { Algorithm: AlgorithmName.Hpg } => sixteen,       // sections 4, 5.3
        { IsDdpg: true } => two,                                              // section 3.1
        { Algorithm: AlgorithmName.Hem, StateIsImage: true } when trial.Task.IsFetch || trial.Task.Family == TaskName.Reacher => eighty,
        _ => twenty,                                                          // section 2.5; REINFORCE as hEM (ours)
    };

    private static ParameterValue Workers(TrialContext trial) => trial switch
    {
        { HasCritic: true } => twenty,
        { Algorithm: AlgorithmName.Hpg } => one,
        _ => thirty,
    };

    private static ParameterValue Batch(TrialContext trial) => trial.IsDqn ? 128 : trial.IsDdpg ? 256 : 64;

    /// <summary>
    /// Whole trajectories over all workers. Section 3.1 counts 1,000,000 transitions for each worker and section 4 "1e6 transitions", read
    /// as all workers together (ours); section 3.10's 50,000 image transitions are read the same way (ours).
    /// </summary>
    private static ParameterValue Buffer(TrialContext trial)
    {
        var workers = trial.Int("workers");
        var size = trial switch
        {
            { IsDqn: true } => 1_000_000 / trial.Task.Horizon,
            { IsDdpg: true, UsesImages: true } => 50_000 / trial.Task.Horizon,
            { IsDdpg: true } => Math.Min(1_000_000 / trial.Task.Horizon * workers, 10_000_000),
            { UsesImages: true } => 2_000,                                    // section 2.5
            _ => 20_000,                                                      // section 2.5
        };
        return Math.Max(size, workers);
    }

    private static ParameterValue Layers(TrialContext trial) => trial.Algorithm == AlgorithmName.Hpg ? two : five;

    private static ParameterValue Noise(TrialContext trial) => trial.HasCritic ? 0.2 : 0.5;

    private static ParameterValue Epsilon(TrialContext trial) => trial.IsDdpg ? 0.3 : 0.2;

    private static ParameterValue Relabel(TrialContext trial) => trial.HasCritic ? 0.8 : 1.0;

    /// <summary>1 - 1/T: sections 3.1, 4.</summary>
    private static ParameterValue Discount(TrialContext trial) => 1 - 1.0 / trial.Task.Horizon;

    /// <summary>Section 3.9: returns of rewards 0/1 lie in [0, 1/(1-discount)], of rewards -1/0 in [-1/(1-discount), 0].</summary>
    public static ParameterValue TargetClip(TrialContext trial)
    {
        var discount = trial.Parameters.Find("discount");
        // T itself for the default discount: 1/(1 - (1 - 1/T)) is not T to the last bit.
        var bound = discount is null || discount == Discount(trial) ? trial.Task.Horizon : 1 / (1 - discount.AsDouble());
        return ParameterValue.From(trial.Algorithm == AlgorithmName.Her ? [0, bound] : [-bound, (ParameterValue)0]);
    }

    /// <summary>Cells as one input each, but for HPG as in its own code; HER and REINFORCE as hEM (ours).</summary>
    private static ParameterValue Encoding(TrialContext trial) => trial.Algorithm == AlgorithmName.Hpg ? "raw" : "one-hot";

    private static Func<TrialContext, ParameterValue?> Always(ParameterValue value) => _ => value;

    private static readonly ParameterValue one = 1, two = 2, five = 5, sixteen = 16, twenty = 20, thirty = 30, eighty = 80;
}
