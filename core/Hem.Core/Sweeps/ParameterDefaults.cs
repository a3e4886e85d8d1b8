namespace Hem.Core.Sweeps;

/// <summary>
/// The defaults of API version hem.dev/v1alpha1. Frozen: a trial's identity is made of what differs from them, so a changed default
/// would silently give old names to new work. Sources: "paper" is the appendix of Tang & Kucukelbir 2021,
/// "HER" is openai/baselines' her,
/// "HPG" is paulorauber/hpg; "ours" where they are silent.
/// </summary>
internal static class ParameterDefaults
{
    /// <summary>The default of one parameter by algorithm and task, for trials that use the parameter.</summary>
    public static Func<TrialContext, ParameterValue?> Of(string name) => name switch
    {
        "iterations" => Iterations,
        "N" => Trajectories,
        "workers" => Workers,                            // paper: hEM 30, HER 20; HPG; REINFORCE collects as much as hEM (ours)
        "batchSize" => Batch,                            // paper, HER; DQN: ours
        "updates" => Always(40),                         // HER; the others the same (ours)
        "bufferTrajectories" => Buffer,
        "learningRate" => Always(1e-3),                  // paper, HER
        "criticLearningRate" => Always(1e-3),            // HER; HPG's value baseline the same (ours)
        "hiddenLayers" => Layers,                        // paper; HPG
        "hiddenUnits" => Always(256),                    // paper (its 5 for hEM is read as a typing error); HPG
        "initialization" => Initialization,              // HER; discrete tasks: ours
        "stateObservation" or "goalObservation" => Always("vector"),
        "imageSize" => Always(84),                       // paper: 48 and 84
        "frames" => Always(1),                           // ours
        "padding" => Always("valid"),                    // ours
        "eta" => Always(0.1),                            // paper
        "hemLoss" => Always("mean"),                     // ours
        "actionNoise" => Noise,                          // paper; HER
        "epsilon" => Epsilon,                            // paper: 0.2 to 0.5; HER; DQN: ours
        "policySigma" => Always(1),                      // ours
        "sigmaMode" => Always("fixed"),                  // ours
        "relabel" => Relabel,                            // paper; HER; theory: the plain estimator
        "discount" => Discount,
        "polyak" => Always(0.95),                        // HER
        "actionPenalty" => Always(1),                    // HER
        "start" => trial => trial.Task.Starts[0],        // ours
        "horizon" => trial => trial.Task.Horizon,        // ours; HPG
        "encoding" => Encoding,                          // ours; HPG
        "baseline" => Always("none"),                    // HPG's own example
        "samples" => Always(1_000_000),
        "evaluateEvery" => Always(1),
        "evaluationEpisodes" => Always(200),             // ours
        "successAt" => SuccessAt,                        // ours; HER
        _ => _ => null,
    };

    /// <summary>
    /// Ours throughout: about twice the trajectories after which a throw-away implementation had learned the task; and
    /// as many trajectories for the other algorithms as for hEM, which is how they are compared.
    /// </summary>
    private static ParameterValue Iterations(TrialContext trial)
    {
        if (trial.IsDdpg)
        {
            // In cycles of 40 trajectories: 10 (reach) and 50 (the others) cycles make an epoch of HER.
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
        { IsDqn: true } or { Algorithm: AlgorithmName.Hpg } => sixteen,       // DQN: ours; HPG
        { IsDdpg: true } => two,                                              // HER
        { Algorithm: AlgorithmName.Hem, StateIsImage: true } when trial.Task.IsFetch || trial.Task.Family == TaskName.Reacher => eighty,
        _ => twenty,                                                          // paper; REINFORCE as hEM (ours)
    };

    private static ParameterValue Workers(TrialContext trial) => trial switch
    {
        { HasCritic: true } => twenty,
        { Algorithm: AlgorithmName.Hpg } => one,
        _ => thirty,
    };

    private static ParameterValue Batch(TrialContext trial) => trial.IsDqn ? 128 : trial.IsDdpg ? 256 : 64;

    /// <summary>
    /// Whole trajectories over all workers. HER counts 1,000,000 transitions for each worker; for DQN, and 50,000 with images, all
    /// workers together (ours).
    /// </summary>
    private static ParameterValue Buffer(TrialContext trial)
    {
        var workers = trial.Int("workers");
        var size = trial switch
        {
            { IsDqn: true } => 1_000_000 / trial.Horizon,
            { IsDdpg: true, UsesImages: true } => 50_000 / trial.Horizon,
            { IsDdpg: true } => Math.Min(1_000_000 / trial.Horizon * workers, 10_000_000),
            { UsesImages: true } => 2_000,                                    // ours
            _ => 20_000,                                                      // ours
        };
        return Math.Max(size, workers);
    }

    private static ParameterValue Layers(TrialContext trial) => trial.Algorithm == AlgorithmName.Hpg ? two : five;

    private static ParameterValue Noise(TrialContext trial) => trial.HasCritic ? 0.2 : 0.5;

    private static ParameterValue Epsilon(TrialContext trial) => trial.IsDdpg ? 0.3 : 0.2;

    private static ParameterValue Relabel(TrialContext trial) => trial.HasCritic ? 0.8 : trial.IsTheory ? 0.0 : 1.0;

    /// <summary>1 - 1/T: HER.</summary>
    private static ParameterValue Discount(TrialContext trial) => 1 - 1.0 / trial.Horizon;

    /// <summary>Returns of rewards 0/1 lie in [0, 1/(1-discount)], of rewards -1/0 in [-1/(1-discount), 0].</summary>
    public static ParameterValue TargetClip(TrialContext trial)
    {
        var discount = trial.Parameters.Find("discount");
        // T itself for the default discount: 1/(1 - (1 - 1/T)) is not T to the last bit.
        var bound = discount is null || discount == Discount(trial) ? trial.Horizon : 1 / (1 - discount.AsDouble());
        return ParameterValue.From(trial.Algorithm == AlgorithmName.Her ? [0, bound] : [-bound, (ParameterValue)0]);
    }

    /// <summary>Cells as one input each, but for HPG as in its own code; HER and REINFORCE as hEM (ours).</summary>
    private static ParameterValue Encoding(TrialContext trial) => trial.Algorithm == AlgorithmName.Hpg ? "raw" : "one-hot";

    private static ParameterValue Initialization(TrialContext trial) => trial.IsDiscrete ? "he" : "xavier";

    /// <summary>The last state where the object has to lie still, as in HER's own code.</summary>
    private static ParameterValue SuccessAt(TrialContext trial) =>
        trial.HasCritic && trial.Task.Family is "fetch-push" or "fetch-slide" or "fetch-pickplace" ? "end" : "any";

    private static Func<TrialContext, ParameterValue?> Always(ParameterValue value) => _ => value;

    private static readonly ParameterValue one = 1, two = 2, five = 5, sixteen = 16, twenty = 20, thirty = 30, eighty = 80;
}
