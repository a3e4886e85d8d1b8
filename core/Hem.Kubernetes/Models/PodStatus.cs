namespace Hem.Kubernetes;

public sealed record V1PodStatus
{
    /// <summary><c>Pending</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c> or <c>Unknown</c>.</summary>
    public string? Phase { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public string? NominatedNodeName { get; set; }
    public string? HostIP { get; set; }
    public string? PodIP { get; set; }
    public string? QosClass { get; set; }
    public DateTimeOffset? StartTime { get; set; }
    public List<V1PodCondition>? Conditions { get; set; }
    public List<V1ContainerStatus>? InitContainerStatuses { get; set; }
    public List<V1ContainerStatus>? ContainerStatuses { get; set; }
}

public sealed record V1PodCondition
{
    /// <summary><c>PodScheduled</c>, <c>Ready</c>, <c>ContainersReady</c>, <c>Initialized</c>, <c>DisruptionTarget</c>, ...</summary>
    public required string Type { get; set; }
    public required string Status { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public DateTimeOffset? LastProbeTime { get; set; }
    public DateTimeOffset? LastTransitionTime { get; set; }
}

public sealed record V1ContainerStatus
{
    public required string Name { get; set; }
    public V1ContainerState? State { get; set; }
    public V1ContainerState? LastState { get; set; }
    public bool Ready { get; set; }
    public bool? Started { get; set; }
    public int RestartCount { get; set; }
    public string? Image { get; set; }
    public string? ImageID { get; set; }
    public string? ContainerID { get; set; }
}

/// <summary>One of the three is given; none means waiting.</summary>
public sealed record V1ContainerState
{
    public V1ContainerStateWaiting? Waiting { get; set; }
    public V1ContainerStateRunning? Running { get; set; }
    public V1ContainerStateTerminated? Terminated { get; set; }
}

public sealed record V1ContainerStateWaiting
{
    public string? Reason { get; set; }
    public string? Message { get; set; }
}

public sealed record V1ContainerStateRunning
{
    public DateTimeOffset? StartedAt { get; set; }
}

public sealed record V1ContainerStateTerminated
{
    public int ExitCode { get; set; }
    public int? Signal { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public DateTimeOffset? StartedAt { get; set; }
    public DateTimeOffset? FinishedAt { get; set; }
    public string? ContainerID { get; set; }
}
