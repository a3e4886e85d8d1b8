using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Progress;

namespace Hem.Operator.Sweeps;

/// <summary>From what the planner says to what objects say. Pure.</summary>
internal static class StatusMapper
{
    /// <summary>Reason of a trial that is on its way, with nothing in it that is known.</summary>
    public const string Starting = "Starting";

    public static HemSweepStatus Sweep(
        SweepStatus status, BestConfiguration? best, DateTimeOffset? startedAt, HemSweepStatus? before, DateTimeOffset now,
        IReadOnlyList<CheckpointRefusal> refusals) => new()
        {
            ObservedGeneration = status.ObservedGeneration,
            State = status.State,
            Trials = status.Counts.Total,
            Done = status.Counts.Finished,
            Running = status.Counts.Running,
            Waiting = status.Counts.Waiting + status.Counts.BackingOff,
            Failed = status.Counts.Failed + status.Counts.Conflicted,
            Superseded = status.Counts.Superseded,
            Best = best,
            Usage = new SweepUsageStatus
            {
                WallClockSeconds = (long)status.Usage.WallClock.TotalSeconds,
                GpuHours = Math.Round(status.Usage.GpuTime.TotalHours, 4),
            },
            StartTime = startedAt ?? before?.StartTime,
            CompletionTime = status.HasEnded ? Seconds(status.EndedAt) ?? before?.CompletionTime ?? Seconds(now) : null,
            Conditions =
            [
                .. status.Conditions.Select(condition => Condition(condition, status, before?.Conditions, now)),
                .. CheckpointsKept(refusals, status, before?.Conditions, now),
            ],
        };

    /// <summary>Said only where it was not so once: most sweeps never come near a limit.</summary>
    private static IEnumerable<V1Condition> CheckpointsKept(
        IReadOnlyList<CheckpointRefusal> refusals, SweepStatus status, IReadOnlyList<V1Condition>? before, DateTimeOffset now)
    {
        if (refusals.Count == 0 && before?.Any(condition => condition.Type == HemSweepStatus.CheckpointsKept) != true) yield break;
        IEnumerable<string> reasons = refusals.GroupBy(refusal => refusal.Reason)
            .Select(group => $"{group.Count()} {(group.Count() == 1 ? "trial" : "trials")}: {group.Key}");
        string message = refusals.Count == 0 ? ""
            : string.Join("; ", reasons) + ". Moved, such a trial goes on from an older one or begins at zero.";
        yield return Since(new V1Condition
        {
            Type = HemSweepStatus.CheckpointsKept,
            Status = refusals.Count == 0 ? "True" : "False",
            Reason = refusals.Count == 0 ? "Kept" : "NoRoom",
            Message = Message(message, HemSweepStatus.LongestMessage),
            ObservedGeneration = status.ObservedGeneration,
        }, before, now);
    }

    public static HemTrialStatus Trial(
        TrialStatus status, TrialState state, TrialObservation? seen, int iterations, long? generation, HemTrialStatus? before,
        DateTimeOffset now)
    {
        // To the planner an exit with 0 is a failure until Finished is stored; to people it was never one.
        if (seen is { FinishedAt: not null })
            status = status with { Failures = seen.Attempts.Count(attempt => attempt.Ended?.Result == AttemptResult.Failed) };
        HemTrialPhase phase = PhaseOf(status, state);
        bool isOver = phase is HemTrialPhase.Succeeded or HemTrialPhase.Failed;
        string? podName = state.Live?.Current?.Pod.Metadata.Name ?? before?.PodName;
        return new HemTrialStatus
        {
            Phase = phase,
            Attempts = status.Attempts,
            Failures = status.Failures,
            Disruptions = status.Disruptions,
            Retries = status.Failures + status.Disruptions == 0 ? 0 : Math.Min(status.Attempts - 1, status.Failures + status.Disruptions),
            // Of a trial that a restored store knows only to be over, the object says more.
            Progress = state.Iteration > 0 ? $"{state.Iteration}/{iterations}"
                : before?.Progress ?? (isOver ? $"{state.Iteration}/{iterations}" : null),
            SuccessRate = state.SuccessRate is { } rate ? Math.Round(rate, 4) : before?.SuccessRate,
            Reason = ReasonOf(phase, status),
            Message = Message(status.Reason, HemTrialStatus.LongestMessage),
            PodName = podName,
            StartTime = Seconds(state.StartedAt) ?? before?.StartTime,
            CompletionTime = isOver ? Seconds(state.CompletedAt) ?? before?.CompletionTime ?? Seconds(now) : null,
            ObservedGeneration = generation,
            Conditions = isOver
                ?
                [
                    TrialCondition("Complete", phase == HemTrialPhase.Succeeded, phase, status, generation, before?.Conditions, now),
                    TrialCondition("Failed", phase == HemTrialPhase.Failed, phase, status, generation, before?.Conditions, now),
                ]
                : null,
        };
    }

    private static HemTrialPhase PhaseOf(TrialStatus status, TrialState state) => status.Phase switch
    {
        TrialPhase.Running => state.Live is { } live
            && live.Pods.Exists(pod => pod.View.Phase is AttemptPhase.Running or AttemptPhase.Stopping)
            ? HemTrialPhase.Running
            : HemTrialPhase.Pending,
        TrialPhase.BackingOff => HemTrialPhase.BackingOff,
        TrialPhase.Finished => HemTrialPhase.Succeeded,
        TrialPhase.Failed => HemTrialPhase.Failed,
        TrialPhase.Conflicted => HemTrialPhase.Conflicted,
        TrialPhase.Superseded => HemTrialPhase.Superseded,
        _ => HemTrialPhase.Pending,
    };

    private static string ReasonOf(HemTrialPhase phase, TrialStatus status) => phase switch
    {
        HemTrialPhase.Pending when status.Attempts == 0 => "WaitsForTurn",
        HemTrialPhase.Pending when status.Reason.StartsWith("unschedulable", StringComparison.Ordinal) => "Unschedulable",
        HemTrialPhase.Pending when status.Reason.StartsWith("not created", StringComparison.Ordinal) => "NotCreated",
        HemTrialPhase.Pending => Starting,
        HemTrialPhase.BackingOff => "BackOff",
        HemTrialPhase.Succeeded => "Finished",
        HemTrialPhase.Failed when status.Reason.Contains("exit code 64", StringComparison.Ordinal) => "BadConfiguration",
        _ => phase.ToString(),
    };

    private static V1Condition Condition(
        Condition condition, SweepStatus status, IReadOnlyList<V1Condition>? before, DateTimeOffset now) => Since(new V1Condition
        {
            Type = condition.Type.ToString(),
            Status = condition.Status ? "True" : "False",
            Reason = condition.Reason,
            Message = Message(
                condition.Message,
                condition.Type == ConditionType.Accepted ? HemSweepStatus.LongestFaults : HemSweepStatus.LongestMessage),
            ObservedGeneration = status.ObservedGeneration,
        }, before, now);

    private static V1Condition TrialCondition(
        string type, bool value, HemTrialPhase phase, TrialStatus status, long? generation, IReadOnlyList<V1Condition>? before,
        DateTimeOffset now) => Since(new V1Condition
        {
            Type = type,
            Status = value ? "True" : "False",
            Reason = ReasonOf(phase, status),
            Message = Message(status.Reason, HemSweepStatus.LongestMessage),
            ObservedGeneration = generation,
        }, before, now);

    /// <summary>With the time of its last change, which is not now if it says what it said before.</summary>
    private static V1Condition Since(V1Condition condition, IReadOnlyList<V1Condition>? before, DateTimeOffset now)
    {
        V1Condition? old = before?.FirstOrDefault(known => known.Type == condition.Type);
        condition.LastTransitionTime = old?.Status == condition.Status ? old.LastTransitionTime : Seconds(now);
        return condition;
    }

    /// <summary>Times in objects are whole seconds.</summary>
    public static DateTimeOffset? Seconds(DateTimeOffset? time) =>
        time is { } at ? DateTimeOffset.FromUnixTimeSeconds(at.ToUnixTimeSeconds()) : null;

    /// <summary>Nothing to say is left out.</summary>
    private static string? Message(string text, int longest) => text.Length == 0 ? null : Shorten(text, longest);

    public static string Shorten(string text, int longest) => StatusText.Shorten(text, longest);
}
