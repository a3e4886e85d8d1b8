using Hem.Core.Planning;
using Hem.Results;
using StoredOutcome = Hem.Results.AttemptOutcome;

namespace Hem.Operator.Trials;

/// <summary>Between what the store keeps and what the planner sees.</summary>
internal static class Records
{
    /// <summary>
    /// Stands for "its pod is known" in a record: no process id means anything in a cluster. The time beside it is the pod's start, Unix
    /// ms.
    /// </summary>
    public const int PodMark = 1;

    public static AttemptObservation Ended(AttemptRecord attempt, int gpus) => new(attempt.Number, attempt.Id, AttemptPhase.Exited)
    {
        Outcome = new Core.Planning.AttemptOutcome(
            ToPlanner(attempt.Outcome ?? StoredOutcome.Disrupted),
            attempt.Reason ?? "",
            attempt.FailedPermanently || attempt.ExitCode == Core.Planning.AttemptOutcome.BadConfigurationExitCode),
        StartedAt = StartOf(attempt),
        EndedAt = attempt.Ended,
        Gpus = gpus,
    };

    /// <summary>Since when it held a place on a node; null where it never did.</summary>
    public static DateTimeOffset? StartOf(AttemptRecord attempt) =>
        attempt is { ProcessId: not null, ProcessStarted: { } started } ? DateTimeOffset.FromUnixTimeMilliseconds(started) : null;

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
