using System.Collections.Concurrent;
using Hem.Operator.Trials;
using Hem.Progress;

namespace Operator.Tests.Progress;

/// <summary>The pods that the operator sees, as the test says.</summary>
internal sealed class FakePods : IPodLookup
{
    private readonly ConcurrentDictionary<string, AttemptIdentity> _pods = new(StringComparer.Ordinal);
    private readonly List<AttemptIdentity> _alive = [];

    public event Action<string, string>? Changed;

    public void Add(AttemptIdentity attempt)
    {
        _pods[attempt.AttemptId] = attempt;
        lock (_alive) _alive.Add(attempt);
        Changed?.Invoke(attempt.SweepUid, attempt.Trial);
    }

    /// <summary>The pod has a terminal phase, or is gone.</summary>
    public void End(AttemptIdentity attempt, bool gone = false)
    {
        if (gone) _pods.TryRemove(attempt.AttemptId, out _);
        lock (_alive) _alive.Remove(attempt);
        Changed?.Invoke(attempt.SweepUid, attempt.Trial);
    }

    public AttemptIdentity? Find(string podUid) => _pods.GetValueOrDefault(podUid);

    public IReadOnlyList<AttemptIdentity> Alive(string sweepUid, string trial)
    {
        lock (_alive) return [.. _alive.Where(pod => pod.SweepUid == sweepUid && pod.Trial == trial)];
    }
}
