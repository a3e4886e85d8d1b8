using Hem.Core.Planning;
using Hem.Results;

namespace Hem.Cli.Engine;

/// <summary>Between what the store keeps and what the planner sees.</summary>
internal static class Records
{
    public static TrialObservation Observation(TrialRecord trial, IEnumerable<AttemptObservation> attempts) => new(trial.Name, trial.Hash)
    {
        FinishedAt = trial.Finished?.At,
        Superseded = trial.Superseded,
        Attempts = [.. attempts],
    };

    /// <summary>An attempt that has ended.</summary>
    public static AttemptObservation Ended(AttemptRecord attempt, int gpus) =>
        attempt.ToObservation(attempt.ProcessId is null ? null : attempt.Started, gpus);
}
