using Hem.Core.Planning;

namespace Hem.Results;

/// <summary>Between what the store keeps and what the planner sees.</summary>
public static class PlannerRecords
{
    /// <summary>An attempt that has ended, as the planner sees it.</summary>
    /// <param name="attempt">As stored.</param>
    /// <param name="startedAt">Since when it held its process or pod; null where it never did.</param>
    /// <param name="gpus">GPUs that it held.</param>
    public static AttemptObservation ToObservation(this AttemptRecord attempt, DateTimeOffset? startedAt, int gpus) =>
        new(attempt.Number, attempt.Id, AttemptPhase.Exited)
        {
            Outcome = new Core.Planning.AttemptOutcome(
                (attempt.Outcome ?? AttemptOutcome.Disrupted).ToPlanner(),
                attempt.Reason ?? "",
                attempt.FailedPermanently || attempt.ExitCode == Core.Planning.AttemptOutcome.BadConfigurationExitCode),
            StartedAt = startedAt,
            EndedAt = attempt.Ended,
            Gpus = gpus,
        };

    public static AttemptResult ToPlanner(this AttemptOutcome outcome) => outcome switch
    {
        AttemptOutcome.Completed => AttemptResult.Completed,
        AttemptOutcome.Failed => AttemptResult.Failed,
        AttemptOutcome.Left => AttemptResult.Left,
        _ => AttemptResult.Disrupted,
    };

    public static AttemptOutcome ToStore(this AttemptResult result) => result switch
    {
        AttemptResult.Completed => AttemptOutcome.Completed,
        AttemptResult.Failed => AttemptOutcome.Failed,
        AttemptResult.Left => AttemptOutcome.Left,
        _ => AttemptOutcome.Disrupted,
    };
}
