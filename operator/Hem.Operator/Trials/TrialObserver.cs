using Hem.Core.Planning;
using Hem.Kubernetes;

namespace Hem.Operator.Trials;

/// <summary>What a live attempt needs next.</summary>
internal enum AttemptStep
{
    /// <summary>To be watched.</summary>
    None,

    /// <summary>Its Job is to be created: it is claimed and never had one.</summary>
    Launch,

    /// <summary>Its Job is to be deleted: we asked it to leave, or somebody took its pod away.</summary>
    DeleteJob,

    /// <summary>Its queue took its pod away: it goes on with another one.</summary>
    Suspend,

    /// <summary>It is over.</summary>
    End,
}

/// <summary>A live attempt, for the planner and for whoever sees to it.</summary>
/// <param name="End">With <see cref="AttemptStep.End"/>: how its pod ended; null where it never had one.</param>
/// <param name="EndedAt">With <see cref="AttemptStep.End"/>: when, where that is known.</param>
internal sealed record AttemptView(
    AttemptPhase Phase, string? Waiting, DateTimeOffset? StartedAt, AttemptStep Step, PodEnd? End = null, DateTimeOffset? EndedAt = null);

/// <summary>
/// Judges an attempt by its Job and pods. An attempt is over only when no pod of it may live: that is what keeps two trainers of one trial
/// from running at once. Pure.
/// </summary>
internal static class TrialObserver
{
    public static AttemptView Judge(LiveAttempt attempt)
    {
        if (ResumedUnseen(attempt) is not null) return new AttemptView(AttemptPhase.Starting, null, null, AttemptStep.Suspend);
        if (attempt.Pods.FindLast(pod => pod.View is { Phase: not (AttemptPhase.Exited or AttemptPhase.Gone) }) is { } alive)
            return WithLivePod(attempt, alive);
        return attempt.Current is { } last ? WithoutLivePod(attempt, last) : WithoutPod(attempt);
    }

    /// <summary>The attempt in the planner's terms.</summary>
    public static AttemptObservation Observation(LiveAttempt attempt, AttemptView view) => new(attempt.Number, attempt.Key, view.Phase)
    {
        StartedAt = view.StartedAt,
        Gpus = attempt.GpusHeld,
        Waiting = view.Phase == AttemptPhase.Starting ? view.Waiting : null,
        Earlier = [.. attempt.Earlier],
    };

    private static bool IsLeaving(LiveAttempt attempt) => attempt.StopReason is not null || attempt.Disruption is not null;

    private static bool IsDeleting(V1Job job) => job.Metadata.DeletionTimestamp is not null;

    private static AttemptView WithLivePod(LiveAttempt attempt, AttemptPod alive)
    {
        PodView view = alive.View;
        DateTimeOffset? started = Earliest(attempt);
        if (view.Phase == AttemptPhase.Stopping && attempt.Job?.Spec?.Suspend != true && attempt.StopReason is null)
            // A server before 1.28 would put another pod beside it at once, which must not be.
            attempt.Disruption ??= PodObserver.ObserveGone(alive.Pod, default).End?.Disruption ?? "its pod was deleted";
        if (attempt.StopReason is null && !WasSuspended(attempt.Job) && Replaced(attempt, alive) is { } before)
            // And there it is, before anybody saw the first one go.
            attempt.Disruption ??= before.View.End?.Disruption ?? "its pod was deleted";
        bool delete = IsLeaving(attempt) && attempt.Job is { } job && !IsDeleting(job);
        AttemptPhase phase = IsLeaving(attempt) || attempt.Job is { } own && IsDeleting(own) ? AttemptPhase.Stopping : view.Phase;
        return new AttemptView(phase, view.Waiting, started, delete ? AttemptStep.DeleteJob : AttemptStep.None);
    }

    private static AttemptView WithoutLivePod(LiveAttempt attempt, AttemptPod last)
    {
        PodView view = last.View;
        bool wasDeleted = last.IsGone || last.Pod.Metadata.DeletionTimestamp is not null;
        if (wasDeleted && !IsLeaving(attempt) && attempt.Job is { Spec.Suspend: true } suspended && !IsDeleting(suspended))
            return new AttemptView(AttemptPhase.Starting, PodObserver.WaitsFor(suspended), null, AttemptStep.Suspend);
        if (last.WasDeletedAlive && attempt.StopReason is null) attempt.Disruption ??= view.End?.Disruption ?? "its pod was deleted";
        if (view.Phase == AttemptPhase.Gone && attempt.Job is { } job)
        {
            // Its Job may have made another pod that is not seen yet: only when the Job is gone is it over.
            if (attempt.StopReason is null) attempt.Disruption ??= view.End?.Disruption;
            return new AttemptView(
                AttemptPhase.Stopping, null, Earliest(attempt), IsDeleting(job) ? AttemptStep.None : AttemptStep.DeleteJob);
        }

        PodEnd? end = view.End;
        if (end is { Disruption: null } && attempt.Disruption is { } disruption) end = end with { Disruption = disruption };
        return new AttemptView(AttemptPhase.Stopping, null, Earliest(attempt), AttemptStep.End, end, view.EndedAt);
    }

    private static AttemptView WithoutPod(LiveAttempt attempt)
    {
        if (attempt.Job is not { } job)
        {
            if (attempt.WasLaunched)
                return new AttemptView(AttemptPhase.Stopping, null, Earliest(attempt), AttemptStep.End,
                    new PodEnd(null, null, "its Job was deleted", null));
            return new AttemptView(
                AttemptPhase.Starting, attempt.LaunchTrouble, null,
                attempt.StopReason is null ? AttemptStep.Launch : AttemptStep.End);
        }

        if (IsDeleting(job)) return new AttemptView(AttemptPhase.Stopping, null, Earliest(attempt), AttemptStep.None);
        if (IsLeaving(attempt)) return new AttemptView(AttemptPhase.Stopping, null, Earliest(attempt), AttemptStep.DeleteJob);
        if (Finished(job) is { } condition)
            // Its pod came and went while nobody looked.
            return new AttemptView(AttemptPhase.Stopping, null, Earliest(attempt), AttemptStep.End, condition.Type == "Complete"
                ? new PodEnd(0, null, null, null)
                : new PodEnd(null, null, "its pod is gone, and how it ended was not seen", null));
        if (job.Spec?.Suspend == true && attempt.RecordedStart is not null)
            // It had one that held its place, and was taken away while nobody looked.
            return new AttemptView(AttemptPhase.Starting, PodObserver.WaitsFor(job), null, AttemptStep.Suspend);
        return new AttemptView(AttemptPhase.Starting, PodObserver.WaitsFor(job) ?? attempt.CreationTrouble, null, AttemptStep.None);
    }

    /// <summary>A pod of the attempt that somebody deleted, and in whose place its Job put another one.</summary>
    private static AttemptPod? Replaced(LiveAttempt attempt, AttemptPod alive) => attempt.Pods.FindLast(
        pod => pod != alive && !pod.IsSuspended && (pod.IsGone || pod.Pod.Metadata.DeletionTimestamp is not null)
            && pod.View.Phase is (AttemptPhase.Exited or AttemptPhase.Gone));

    /// <summary>A queue has suspended the Job at some time, and so taken pods away.</summary>
    private static bool WasSuspended(V1Job? job) =>
        job?.Spec?.Suspend == true || job?.Status?.Conditions?.Exists(condition => condition.Type == "Suspended") == true;

    /// <summary>Since when the Job is suspended; null where it is not, or does not say.</summary>
    public static DateTimeOffset? SuspendedAt(V1Job? job) =>
        job?.Status?.Conditions?.Find(condition => condition is { Type: "Suspended", Status: "True" })?.LastTransitionTime;

    /// <summary>
    /// A queue took the pod that held the attempt's place and gave its Job back, all while nobody looked: since when the Job goes on, with
    /// another pod or none yet. Null where that is not so.
    /// </summary>
    public static DateTimeOffset? ResumedUnseen(LiveAttempt attempt) =>
        attempt is { RecordedStart: { } start, StopReason: null, Job: { Spec.Suspend: not true } job }
        && Finished(job) is null && ResumedAt(job) is { } resumed && resumed > start
        // A pod that was there before, or the very one whose start is recorded (clocks differ): that was no other.
        && !attempt.Pods.Exists(
            pod => !pod.IsSuspended && (pod.Pod.Metadata.CreationTimestamp < resumed || pod.View?.StartedAt == start))
            ? resumed
            : null;

    private static DateTimeOffset? ResumedAt(V1Job job) =>
        job.Status?.Conditions?.Find(condition => condition is { Type: "Suspended", Status: "False" })?.LastTransitionTime;

    private static V1JobCondition? Finished(V1Job job) =>
        job.Status?.Conditions?.Find(condition => condition is { Type: "Complete" or "Failed", Status: "True" });

    /// <summary>Since when the attempt holds a place: its first pod that still counts.</summary>
    private static DateTimeOffset? Earliest(LiveAttempt attempt)
    {
        DateTimeOffset? earliest = attempt.RecordedStart;
        foreach (AttemptPod pod in attempt.Pods)
        {
            if (pod.IsSuspended) continue;
            DateTimeOffset? start = pod.View.StartedAt;
            if (start is not null && (earliest is null || start < earliest)) earliest = start;
        }

        return earliest;
    }
}
