namespace Hem.Kubernetes;

public sealed record V1Job : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public V1JobSpec? Spec { get; set; }
    public V1JobStatus? Status { get; set; }
}

public sealed record V1JobSpec
{
    public int? Parallelism { get; set; }
    public int? Completions { get; set; }
    public long? ActiveDeadlineSeconds { get; set; }
    public int? BackoffLimit { get; set; }
    public V1LabelSelector? Selector { get; set; }
    public bool? ManualSelector { get; set; }
    public V1PodTemplateSpec? Template { get; set; }
    public int? TtlSecondsAfterFinished { get; set; }
    public string? CompletionMode { get; set; }
    public bool? Suspend { get; set; }

    /// <summary><c>Failed</c>: a replacement is made only once the old pod is terminal. Dropped by servers before 1.28.</summary>
    public string? PodReplacementPolicy { get; set; }
}

public sealed record V1JobStatus
{
    public List<V1JobCondition>? Conditions { get; set; }
    public DateTimeOffset? StartTime { get; set; }
    public DateTimeOffset? CompletionTime { get; set; }
    public int? Active { get; set; }
    public int? Ready { get; set; }
    public int? Terminating { get; set; }
    public int? Succeeded { get; set; }
    public int? Failed { get; set; }
}

public sealed record V1JobCondition
{
    /// <summary><c>Complete</c>, <c>Failed</c>, <c>Suspended</c>, <c>FailureTarget</c>, <c>SuccessCriteriaMet</c>.</summary>
    public required string Type { get; set; }
    public required string Status { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public DateTimeOffset? LastProbeTime { get; set; }
    public DateTimeOffset? LastTransitionTime { get; set; }
}
