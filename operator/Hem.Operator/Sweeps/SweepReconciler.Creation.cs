using Hem.Kubernetes;
using Hem.Operator.Trials;

namespace Hem.Operator.Sweeps;

/// <summary>
/// Pods that their Jobs are not allowed to create: a quota is used up, an admission rule says no. Nothing but an event tells of it, so
/// events are asked for, but only where a Job has had no pod for a while.
/// </summary>
internal sealed partial class SweepReconciler
{
    /// <summary>A Job that is well has its pod before that.</summary>
    private static readonly TimeSpan PodPatience = TimeSpan.FromSeconds(2);

    /// <summary>Between two questions while one of the Jobs has no answer yet, and while all have one.</summary>
    private static readonly TimeSpan AskUnanswered = TimeSpan.FromSeconds(5), AskAgain = TimeSpan.FromSeconds(30);

    private readonly HashSet<LiveAttempt> _podless = [];
    private DateTimeOffset _askedAt = DateTimeOffset.MinValue;

    private static bool IsPodless(LiveAttempt live) => live is { Job.Spec.Suspend: not true, Current: null, HasLivePod: false };

    /// <summary>When the next question is due; null: nobody waits for a pod.</summary>
    private DateTimeOffset? NextQuestion()
    {
        _podless.RemoveWhere(live => !IsPodless(live) || !_trials.TryGetValue(live.Trial, out TrialState? state) || state.Live != live);
        if (_podless.Count == 0) return null;
        DateTimeOffset patient = _podless.Min(live => live.JobSince) + PodPatience;
        DateTimeOffset again = _askedAt == DateTimeOffset.MinValue ? patient
            : _askedAt + (_podless.Any(live => live.CreationTrouble is null) ? AskUnanswered : AskAgain);
        return patient > again ? patient : again;
    }

    /// <summary>Where it is time, finds out why Jobs have no pods. Never throws for the API server's sake: it is only for people.</summary>
    private async Task AskWhyNotCreatedAsync(CancellationToken cancel)
    {
        if (_isDeleted || NextQuestion() is not { } due || due > Now) return;
        _askedAt = Now;
        Dictionary<string, string> answers;
        try
        {
            answers = await ReadRefusalsAsync(cancel);
        }
        catch (Exception e) when (IsTrouble(e) && !cancel.IsCancellationRequested)
        {
            HadTrouble = true;
            OperatorLog.SweepTrouble(services.Logger, Namespace, Name, $"why pods are not created is not known: {e.Message}");
            return;
        }

        foreach (LiveAttempt live in _podless)
            if (answers.TryGetValue(live.Job!.Metadata.Uid!, out string? why) && why != live.CreationTrouble)
            {
                live.CreationTrouble = why;
                Look(StateOf(live.Trial));
            }
    }

    /// <summary>By UID of the Job, what its controller was told last when it wanted to make a pod.</summary>
    private async Task<Dictionary<string, string>> ReadRefusalsAsync(CancellationToken cancel)
    {
        KubernetesList<CoreV1Event> events = await services.Client.ListAsync(
            Resources.Events, Namespace, new ListOptions { FieldSelector = "involvedObject.kind=Job,reason=FailedCreate" }, cancel);
        var last = new Dictionary<string, CoreV1Event>(StringComparer.Ordinal);
        foreach (CoreV1Event one in events.Items)
            if (one is { InvolvedObject.Uid: { } uid, Message: not null }
                && (!last.TryGetValue(uid, out CoreV1Event? known) || known.LastTimestamp <= one.LastTimestamp)) last[uid] = one;
        return last.ToDictionary(pair => pair.Key, pair => PodObserver.NotCreated(pair.Value.Message!), StringComparer.Ordinal);
    }
}
