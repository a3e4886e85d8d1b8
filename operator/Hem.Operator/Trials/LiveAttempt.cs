using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Progress;

namespace Hem.Operator.Trials;

/// <summary>One pod of an attempt, as seen last.</summary>
internal sealed class AttemptPod(V1Pod pod)
{
    public V1Pod Pod { get; set; } = pod;

    /// <summary>The API server has it no more.</summary>
    public bool IsGone { get; set; }

    /// <summary>Its reports are all stored and it is refused from now on.</summary>
    public bool IsSettled { get; set; }

    /// <summary>A queue took it away; its attempt goes on with another one.</summary>
    public bool IsSuspended { get; set; }

    /// <summary>It was deleted before its trainer had ended.</summary>
    public bool WasDeletedAlive { get; set; }

    /// <summary>When it was seen to be gone.</summary>
    public DateTimeOffset GoneAt { get; set; }

    public string Uid => Pod.Metadata.Uid!;

    public PodView View => IsGone ? PodObserver.ObserveGone(Pod, GoneAt) : PodObserver.Observe(Pod);
}

/// <summary>An attempt that is claimed in the record and has not ended there.</summary>
internal sealed class LiveAttempt(string @namespace, string sweepUid, string trial, int number)
{
    public string Namespace { get; } = @namespace;

    public string SweepUid { get; } = sweepUid;

    public string Trial { get; } = trial;

    public int Number { get; } = number;

    /// <summary>In the store.</summary>
    public string Key { get; } = AttemptKey.InStore(sweepUid, trial, number);

    public string JobName { get; } = AttemptKey.JobName(trial, number);

    /// <summary>As seen last; null while it has none (yet, or any more).</summary>
    public V1Job? Job { get; set; }

    /// <summary>It had a Job, in this process' life or as the record says.</summary>
    public bool WasLaunched { get; set; }

    /// <summary>Pods, by age.</summary>
    public List<AttemptPod> Pods { get; } = [];

    /// <summary>Why we want it to leave; kept with the Job, so that the next leader knows.</summary>
    public string? StopReason { get; set; }

    /// <summary>The record knows that it was asked to leave.</summary>
    public bool IsStopRecorded { get; set; }

    /// <summary>Somebody else is ending it: what it was seen to be.</summary>
    public string? Disruption { get; set; }

    /// <summary>Why its Job could not be created, in words for <see cref="AttemptObservation.Waiting"/>.</summary>
    public string? LaunchTrouble { get; set; }

    /// <summary>Since when its Job is known here.</summary>
    public DateTimeOffset JobSince { get; set; }

    /// <summary>Why its Job could not create a pod, in words for <see cref="AttemptObservation.Waiting"/>.</summary>
    public string? CreationTrouble { get; set; }

    public int GpusHeld { get; init; }

    /// <summary>The record knows since when it holds a place.</summary>
    public DateTimeOffset? RecordedStart { get; set; }

    /// <summary>Places held by pods that a queue took away again, as the record has them.</summary>
    public List<HeldTime> Earlier { get; } = [];

    /// <summary>UIDs of those pods.</summary>
    public HashSet<string> Taken { get; } = new(StringComparer.Ordinal);

    public AttemptIdentity IdentityOf(AttemptPod pod) => new(SweepUid, Trial, pod.Uid, Number);

    /// <summary>The last pod that still counts: one that a queue took away is over and done with.</summary>
    public AttemptPod? Current => Pods.LastOrDefault(pod => !pod.IsSuspended);

    /// <summary>A pod of the attempt is seen, again or for the first time.</summary>
    public AttemptPod See(V1Pod pod)
    {
        AttemptPod? known = Pods.Find(one => one.Uid == pod.Metadata.Uid);
        if (known is null)
        {
            Pods.Add(known = new AttemptPod(pod) { IsSuspended = Taken.Contains(pod.Metadata.Uid!) });
            Pods.Sort((a, b) => Nullable.Compare(a.Pod.Metadata.CreationTimestamp, b.Pod.Metadata.CreationTimestamp));
        }

        known.Pod = pod;
        // The next that is seen of it may be its end.
        known.WasDeletedAlive |= PodObserver.Observe(pod).Phase == AttemptPhase.Stopping;
        WasLaunched = true;
        return known;
    }

    /// <summary>Somebody deleted its pod, or its Job with whatever it had: maybe we did, or its queue.</summary>
    public bool WasTakenAway => WasLaunched && Current is not { IsGone: false, Pod.Metadata.DeletionTimestamp: null };

    public bool HasLivePod => Pods.Exists(pod => pod.View is { Phase: not (AttemptPhase.Exited or AttemptPhase.Gone) });
}
