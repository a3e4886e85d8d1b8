using Hem.Core.Planning;
using Hem.Results;
using StoredOutcome = Hem.Results.AttemptOutcome;

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
    public static AttemptObservation Ended(AttemptRecord attempt, int gpus) => new(attempt.Number, attempt.Id, AttemptPhase.Exited)
    {
        Outcome = new Core.Planning.AttemptOutcome(
            ToPlanner(attempt.Outcome ?? StoredOutcome.Disrupted),
            attempt.Reason ?? "",
            attempt.FailedPermanently || attempt.ExitCode == Core.Planning.AttemptOutcome.BadConfigurationExitCode),
        StartedAt = attempt.ProcessId is null ? null : attempt.Started,
        EndedAt = attempt.Ended,
        Gpus = gpus,
    };

    public static AttemptResult ToPlanner(StoredOutcome outcome) => outcome switch
    {
        StoredOutcome.Completed => AttemptResult.Completed,
        StoredOutcome.Failed => AttemptResult.Failed,
        StoredOutcome.Left => AttemptResult.Left,
        _ => AttemptResult.Disrupted,
    };

    public static StoredOutcome ToStore(AttemptResult result) => result switch
    {
        AttemptResult.Completed => StoredOutcome.Completed,
        AttemptResult.Failed => StoredOutcome.Failed,
        AttemptResult.Left => StoredOutcome.Left,
        _ => StoredOutcome.Disrupted,
    };
}
