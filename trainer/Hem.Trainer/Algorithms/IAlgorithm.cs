using Hem.Trainer.Replay;

namespace Hem.Trainer.Algorithms;

/// <summary>One point of the learning curve, all of it deterministic given (parameters, seed).</summary>
/// <param name="Iteration">Iterations completed; 0 = before training.</param>
/// <param name="Trajectories">Collected so far, all workers together.</param>
/// <param name="EnvironmentSteps">Taken so far while collecting.</param>
/// <param name="Updates">Gradient steps so far.</param>
/// <param name="SuccessRate">Share of the test episodes that succeeded, 0..1.</param>
/// <param name="Loss">Mean training loss since the last point; NaN where there is none.</param>
/// <param name="Unstable">Episodes so far whose simulation diverged, those of evaluations included.</param>
/// <param name="GoalCoverage">
/// Distinct goals that the episodes of an iteration achieved (<see cref="Replay.GoalCoverage"/>), mean over the iterations since the last
/// point; NaN where there is none.
/// </param>
internal readonly record struct Evaluation(
    long Iteration, long Trajectories, long EnvironmentSteps, long Updates, double SuccessRate, double Loss, long Unstable = 0,
    double GoalCoverage = double.NaN);

/// <summary>How much a trial has done since it began, over all attempts.</summary>
/// <param name="Trajectories">Collected, all workers together.</param>
/// <param name="EnvironmentSteps">Taken while collecting.</param>
/// <param name="Updates">Gradient steps.</param>
/// <param name="Unstable">Episodes whose simulation diverged, those of evaluations included.</param>
internal readonly record struct TrainingCounts(long Trajectories, long EnvironmentSteps, long Updates, long Unstable);

/// <summary>What an algorithm asks of whoever runs it.</summary>
internal interface ITrainingHost
{
    /// <summary>
    /// Called between steps, where the algorithm can be saved whole: the host may call <see cref="IAlgorithm.Save"/>. False: leave
    /// <see cref="IAlgorithm.Train"/> now.
    /// </summary>
    bool Continue();

    /// <summary>Asked within a long step: drop it and leave. What was dropped is done again, alike, after a resume.</summary>
    bool LeaveNow { get; }

    /// <summary>A point of the curve.</summary>
    void Evaluated(Evaluation point);

    /// <summary>A line for whoever reads the attempt's log.</summary>
    void Note(string line)
    {
    }
}

/// <summary>A learning algorithm on its task, from the first step or from where a checkpoint left it.</summary>
internal interface IAlgorithm : IDisposable
{
    /// <summary>Iterations completed.</summary>
    long Iteration { get; }

    /// <summary>
    /// What it has done. Other threads may ask while it trains, which costs it nothing: each number is whole, all of them may be of moments
    /// a step apart.
    /// </summary>
    TrainingCounts Counts => default;

    /// <summary>Whether `stopAt` ended the training before its last iteration.</summary>
    bool StoppedEarly { get; }

    /// <summary>The trajectories, which a checkpoint keeps in its log; null where there are none.</summary>
    ReplayBuffer? Replay { get; }

    /// <summary>Trains to the end (true) or until the host says leave (false); then it may be called again, or saved.</summary>
    bool Train(ITrainingHost host);

    /// <summary>Writes everything that decides how training goes on, the replay's trajectories excepted.</summary>
    void Save(BinaryWriter writer);

    /// <summary>Reads what <see cref="Save"/> wrote. The replay's trajectories are in place already.</summary>
    /// <exception cref="Checkpoints.UnusableCheckpointException">It was written by something of another shape.</exception>
    void Load(BinaryReader reader);
}
