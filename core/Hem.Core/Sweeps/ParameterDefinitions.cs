using static Hem.Core.Sweeps.ParameterRules;

namespace Hem.Core.Sweeps;

/// <summary>The rows of the parameter table, in the order in which people read them.</summary>
internal static class ParameterDefinitions
{
    public static IReadOnlyList<ParameterDefinition> All { get; } =
    [
        Choice("algorithm", AlgorithmName.All,
            "The learning algorithm. her rewards success with 1 and all else with 0, her-dense with 0 and -1; both are DQN on discrete "
            + "and DDPG on continuous tasks. hem-her is the combined loss. Required.") with
        { Required = true },
        new("task", ParameterKind.Task,
            "What is to be learned, for example flipbit-25, fourrooms or fetch-push; one-step-K is for algorithm theory. Required.")
        { Required = true, Allowed = TaskName.All },

        Integer("iterations", 1, 1_000_000, TheoryUnused,
            "Iterations (hEM, HPG, REINFORCE) or cycles (HER): collect, update, evaluate. Default: by algorithm and task."),
        Integer("N", 1, 10_000, TheoryUnused,
            "Trajectories that each worker collects in an iteration. Default: 20; hEM with images of reacher and Fetch 80; HER 2 "
            + "(16 on discrete tasks); HPG 16."),
        Integer("workers", 1, 1_024, TheoryUnused,
            "M, the parallel actors, each with random numbers and replay of its own. Logical: results do not depend on the number of "
            + "threads. Default: hEM and REINFORCE 30, HER 20, HPG 1."),
        Integer("batchSize", 1, 65_536, BufferUnused,
            "Samples that each worker adds to the batch of a gradient step. Default: hEM 64, HER 256 (128 on discrete tasks)."),
        Integer("updates", 1, 10_000, BufferUnused,
            "Gradient steps in an iteration or cycle. Default: 40."),
        Integer("bufferTrajectories", 1, 10_000_000, BufferUnused,
            "Size of the replay buffer: whole trajectories, over all workers, at least one for each. Each worker keeps its share, rounded "
            + "down: with fewer than N x workers, part of what is collected is never read. Default: hEM 20,000 (2,000 with images); HER "
            + "what holds 1,000,000 transitions for each worker (on discrete tasks for all of them; with images 50,000 for all)."),
        Number("learningRate", 1e-8, 1, TheoryUnused,
            "Step size of Adam; of the policy where there is a critic too. Default: 0.001."),
        Number("criticLearningRate", 1e-8, 1, CriticRateUnused,
            "Step size of Adam for the critic of DDPG or for the value baseline. Default: 0.001."),
        Integer("hiddenLayers", 0, 16, TheoryUnused,
            "Hidden layers of the perceptrons. Default: 5 (HPG 2)."),
        Integer("hiddenUnits", 1, 4_096, TheoryUnused,
            "Units in each hidden layer. Default: 256."),
        Choice("initialization", ["he", "xavier"],
            "How weights start: uniform with the variance of He (2 / inputs) or of Xavier (2 / (inputs + outputs)). Default: he on "
            + "discrete tasks, xavier on continuous ones.", InitializationUnused),
        Choice("stateObservation", ["vector", "image"],
            "How the agent sees the state: as numbers or as a rendered image. Default: vector.", ImagesUnused),
        Choice("goalObservation", ["vector", "image"],
            "How the agent sees the goal; image only together with stateObservation: image. Default: vector.", ImagesUnused),
        Integer("imageSize", 36, 128, NoImageSet,
            "Width and height of the images in pixels. Default: 84.") with
        { MultipleOf = 4 },
        Integer("frames", 1, 8, NoImageSet,
            "Pictures of the state that the agent sees: the present one and those before it, which show how fast things move. Each adds "
            + "its share to the inputs. Default: 1."),
        Choice("padding", ["valid", "same"],
            "Padding of the convolutional layers. Default: valid.", NoImageSet),
        Number("eta", 0, 100, trial => trial.Algorithm == AlgorithmName.HemHer ? null : "only hem-her has the combined loss",
            "Weight of the hEM loss in the combined loss. Default: 0.1."),
        Choice("hemLoss", ["mean", "sum"],
            "The hEM loss in the combined loss: the mean over the steps of a trajectory, or their sum, which is T times that, with T the "
            + "longest episode. Default: mean.",
            trial => trial.Algorithm == AlgorithmName.HemHer ? null : "only hem-her has the combined loss"),
        Number("actionNoise", 0, 10, ActionNoiseUnused,
            "Standard deviation of the noise added to each component of a continuous action while collecting. Default: hEM 0.5, HER 0.2."),
        Number("epsilon", 0, 1, EpsilonUnused,
            "Probability of a uniformly random action while collecting. Default: 0.2 on discrete tasks, HER on continuous tasks 0.3."),
        Number("policySigma", 1e-3, 10, PolicySigmaUnused,
            "Standard deviation of the Gaussian policy in the loss; REINFORCE samples with it too. Default: 1."),
        Choice("sigmaMode", ["fixed", "sampled", "learned"],
            "What hEM does with policySigma. fixed: it is in the loss alone, and an action before its noise is the mean; sampled: that "
            + "action is drawn with it; learned: as sampled, and each component's is learned by maximum likelihood, from policySigma on, "
            + "within 0.001 and 10 (with actionNoise in what it learns from, it grows). Default: fixed.", SigmaModeUnused),
        Number("relabel", 0, 1, RelabelUnused,
            "Share of the samples whose goal is replaced by one achieved later in the trajectory. Theory: 0 measures REINFORCE, 1 the "
            + "hindsight estimator. Default: hEM 1, HER 0.8, theory 0."),
        Number("discount", 0, 0.99999, CriticUnused,
            "Discount of future rewards. Default: 1 - 1/T, with T the longest episode."),
        Number("polyak", 0, 1, CriticUnused,
            "Share of the target network that is kept at its update, once a cycle. Default: 0.95."),
        Number("actionPenalty", 0, 1_000, ActorCriticUnused,
            "Weight of the squared action in the policy's loss. Default: 1."),
        new("targetClip", ParameterKind.Interval,
            "Bounds of the critic's targets. Default: from 0 to 1/(1 - discount) for her, from -1/(1 - discount) to 0 for her-dense "
            + "and hem-her.")
        { Min = -1e6, Max = 1e6, Unused = CriticUnused, DefaultIn = ParameterDefaults.TargetClip },
        new("normalizeInputs", ParameterKind.Boolean,
            "Scale observations before the network: HER by running statistics, the others by constants of the task. Default: true.")
        { Unused = trial => trial.IsDiscrete ? "the inputs of discrete tasks are not scaled" : null, DefaultIn = _ => true },
        Choice("start", ["uniform", "zeros", "centre"],
            "Initial states. Default: flipbit uniform (or zeros), pointmass centre (or uniform).",
            trial => trial.Task.Starts.Count > 0 ? null : "the task has no choice of initial states"),
        Integer("horizon", 1, 1_000, HorizonUnused,
            "T, the most actions in an episode of flip bit or four rooms. Default: flipbit-K K, fourrooms 31."),
        Choice("encoding", ["one-hot", "raw"],
            "How cells of four rooms are shown to the network: one input for each cell, or row and column. Default: one-hot, HPG raw.",
            trial => trial.Task.Family == TaskName.FourRooms ? null : "only fourrooms has cells to encode"),
        new("stopOnSuccess", ParameterKind.Boolean,
            "While collecting, an episode ends at its first success. Default: true, HER false.")
        { Unused = TheoryUnused, DefaultIn = trial => !trial.HasCritic },
        Choice("baseline", ["none", "value", "optimal"],
            "What is subtracted from the return to reduce its variance; optimal is for reinforce and theory. Default: none.",
            BaselineUnused),
        Integer("samples", 1, 1_000_000_000, trial => trial.IsTheory ? null : "only theory draws samples",
            "Monte Carlo samples for the closed forms. Default: 1,000,000."),
        Integer("evaluateEvery", 1, 1_000_000, TheoryUnused,
            "Iterations between two evaluations. Default: 1."),
        Integer("evaluationEpisodes", 1, 10_000, TheoryUnused,
            "Test episodes of an evaluation, without exploration. Default: 200."),
        Choice("successAt", ["any", "end"],
            "When a test episode is a success: in any state after an action, or in its last one. Default: any; HER on fetch-push, "
            + "fetch-slide and fetch-pickplace end.", TheoryUnused),
        new("stopAt", ParameterKind.StopRule,
            "End the trial early once this many evaluations in a row reach the success rate; it then counts with its last value. "
            + "Default: none.")
        { Unused = TheoryUnused },
    ];

    private static ParameterDefinition Integer(string name, int min, int max, Func<TrialContext, string?> unused, string description) =>
        new(name, ParameterKind.Integer, description) { Min = min, Max = max, Unused = unused, DefaultIn = ParameterDefaults.Of(name) };

    private static ParameterDefinition Number(
        string name, double min, double max, Func<TrialContext, string?> unused, string description) =>
        new(name, ParameterKind.Number, description) { Min = min, Max = max, Unused = unused, DefaultIn = ParameterDefaults.Of(name) };

    private static ParameterDefinition Choice(
        string name, IReadOnlyList<string> allowed, string description, Func<TrialContext, string?>? unused = null) =>
        new(name, ParameterKind.Choice, description)
        {
            Allowed = allowed,
            Unused = unused ?? (_ => null),
            DefaultIn = ParameterDefaults.Of(name),
        };
}
