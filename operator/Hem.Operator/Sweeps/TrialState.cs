using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;

namespace Hem.Operator.Sweeps;

/// <summary>What a sweep's reconciler knows of one trial beside the planner's observation: its objects in the API server.</summary>
internal sealed class TrialState(string name)
{
    public string Name { get; } = name;

    /// <summary>The HemTrial as seen or written last; null where there is none, or one that is not ours.</summary>
    public HemTrialResource? Object { get; set; }

    /// <summary>Why the object of this name is not ours.</summary>
    public string? Conflict { get; set; }

    /// <summary>The attempt that has not ended in the record.</summary>
    public LiveAttempt? Live { get; set; }

    /// <summary>The Jobs of other attempts that the API server still has.</summary>
    public Dictionary<int, V1Job> OldJobs { get; } = [];

    /// <summary>Pods of attempts that are not live (yet): the record is read after the cluster.</summary>
    public List<V1Pod> EarlyPods { get; } = [];

    /// <summary>Greatest number that the record or the cluster knows.</summary>
    public int LastNumber { get; set; }

    // ---- progress, for people ----
    public long Iteration { get; set; }
    public double? SuccessRate { get; set; }

    /// <summary>When it reported last, and when it said last that it had saved; null: not in this process' life.</summary>
    public DateTimeOffset? ReportedAt { get; set; }
    public DateTimeOffset? CheckpointedAt { get; set; }

    /// <summary>The status was offered once more when half of the iterations were done; and when it was offered on its way last.</summary>
    public bool ToldHalf { get; set; }
    public DateTimeOffset? ToldAt { get; set; }

    /// <summary>The status that was offered last.</summary>
    public HemTrialStatus? Published { get; set; }

    /// <summary>Start of the first and end of the last attempt, as published.</summary>
    public DateTimeOffset? StartedAt { get; set; }
    public DateTimeOffset? CompletedAt { get; set; }

    // ---- trouble ----
    private int _troubles;

    /// <summary>Nothing is tried for this trial before that time.</summary>
    public DateTimeOffset PausedUntil { get; private set; } = DateTimeOffset.MinValue;

    /// <summary>Something was refused: the pause doubles each time, from <paramref name="first"/> to a minute.</summary>
    public void Pause(DateTimeOffset now, TimeSpan first)
    {
        TimeSpan pause = first * Math.Pow(2, Math.Min(_troubles++, 10));
        PausedUntil = now + (pause < TimeSpan.FromMinutes(1) ? pause : TimeSpan.FromMinutes(1));
    }

    public void Resume()
    {
        _troubles = 0;
        PausedUntil = DateTimeOffset.MinValue;
    }
}
