using Hem.Core.Planning;
using Hem.Results;

namespace Hem.Operator.Trials;

/// <summary>Between what the store keeps and what the planner sees.</summary>
internal static class Records
{
    /// <summary>
    /// Stands for "its pod is known" in a record: no process id means anything in a cluster. The time beside it is the pod's start, Unix
    /// ms.
    /// </summary>
    public const int PodMark = 1;

    /// <summary>The same of a pod that was asked to leave: whoever leads next must not take its end for a disruption.</summary>
    public const int AskedMark = 2;

    public static AttemptObservation Ended(AttemptRecord attempt, int gpus) => attempt.ToObservation(StartOf(attempt), gpus);

    /// <summary>Since when it held a place on a node; null where it never did.</summary>
    public static DateTimeOffset? StartOf(AttemptRecord attempt) =>
        attempt is { ProcessId: not null, ProcessStarted: > 0 and { } started } ? DateTimeOffset.FromUnixTimeMilliseconds(started) : null;
}
