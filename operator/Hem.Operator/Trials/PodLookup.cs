using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Progress;

namespace Hem.Operator.Trials;

/// <summary>The pods of all trials, from the pod informer, joined with which attempts are live, from the reconcilers.</summary>
internal sealed class PodLookup : IPodLookup
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _byUid = new(StringComparer.Ordinal);
    private readonly Dictionary<(string SweepUid, string Trial), List<Entry>> _byTrial = [];
    private readonly Dictionary<(string SweepUid, string Trial), (string Namespace, int Number, string? JobUid)> _live = [];

    public event Action<string, string>? Changed;

    private sealed record Entry(AttemptIdentity Identity, V1Pod Pod)
    {
        public bool MayLive => PodObserver.Observe(Pod).Phase != AttemptPhase.Exited;

        public (string, string) Trial => (Identity.SweepUid, Identity.Trial);
    }

    /// <summary>A pod as the informer tells it.</summary>
    public void OnPod(V1Pod pod, bool deleted)
    {
        if (IdentityOf(pod) is not { } identity) return;
        var entry = new Entry(identity, pod);
        lock (_lock)
        {
            if (!_byTrial.TryGetValue(entry.Trial, out List<Entry>? pods)) _byTrial.Add(entry.Trial, pods = []);
            pods.RemoveAll(known => known.Identity.AttemptId == identity.AttemptId);
            if (deleted)
            {
                _byUid.Remove(identity.AttemptId);
                if (pods.Count == 0) _byTrial.Remove(entry.Trial);
            }
            else
            {
                _byUid[identity.AttemptId] = entry;
                pods.Add(entry);
            }
        }

        Changed?.Invoke(identity.SweepUid, identity.Trial);
    }

    /// <summary>The attempt is claimed, and its Job (as soon as it has one) is this.</summary>
    public void Begin(LiveAttempt attempt)
    {
        lock (_lock) _live[(attempt.SweepUid, attempt.Trial)] = (attempt.Namespace, attempt.Number, attempt.Job?.Metadata.Uid);
        Changed?.Invoke(attempt.SweepUid, attempt.Trial);
    }

    /// <summary>The attempt has ended in the record: its pods are nobody's from now on.</summary>
    public void End(LiveAttempt attempt)
    {
        lock (_lock)
            if (_live.TryGetValue((attempt.SweepUid, attempt.Trial), out var live) && live.Number == attempt.Number)
                _live.Remove((attempt.SweepUid, attempt.Trial));
        Changed?.Invoke(attempt.SweepUid, attempt.Trial);
    }

    /// <summary>Labels can be written by anybody who makes pods: what counts is that its Job is the one that we made.</summary>
    public AttemptIdentity? Find(string podUid)
    {
        lock (_lock)
            return _byUid.TryGetValue(podUid, out Entry? entry)
                && _live.TryGetValue(entry.Trial, out var live)
                && live.Number == entry.Identity.AttemptNumber
                && live.Namespace == entry.Pod.Metadata.Namespace
                && live.JobUid is not null && entry.Pod.Controller()?.Uid == live.JobUid
                    ? entry.Identity
                    : null;
    }

    public IReadOnlyList<AttemptIdentity> Alive(string sweepUid, string trial)
    {
        lock (_lock)
            return _byTrial.TryGetValue((sweepUid, trial), out List<Entry>? pods) && _live.TryGetValue((sweepUid, trial), out var live)
                ?
                [
                    .. pods.Where(pod => pod.MayLive && pod.Pod.Metadata.Namespace == live.Namespace)
                        .OrderBy(pod => pod.Identity.AttemptNumber)
                        .ThenBy(pod => pod.Pod.Metadata.CreationTimestamp)
                        .ThenBy(pod => pod.Identity.AttemptId, StringComparer.Ordinal)
                        .Select(pod => pod.Identity),
                ]
                : [];
    }

    /// <summary>Whose pod this is by its labels, which the name of its Job must bear out; null for any other.</summary>
    public static AttemptIdentity? IdentityOf(V1Pod pod) =>
        pod.Label(HemLabels.SweepUid) is { } sweep && pod.Label(HemLabels.Trial) is { } trial
        && int.TryParse(pod.Label(HemLabels.Attempt), out int number)
        && pod.Controller() is { Kind: "Job" } job && job.Name == AttemptKey.JobName(trial, number)
        && pod.Metadata.Uid is { } uid
            ? new AttemptIdentity(sweep, trial, uid, number)
            : null;
}
