using System.Text.Json.Serialization;

namespace Hem.Kubernetes;

public sealed record V1Secret : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public string? Type { get; set; }
    public Dictionary<string, byte[]>? Data { get; set; }
    public Dictionary<string, string>? StringData { get; set; }
    public bool? Immutable { get; set; }
}

public sealed record V1ConfigMap : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public Dictionary<string, string>? Data { get; set; }
    public Dictionary<string, byte[]>? BinaryData { get; set; }
    public bool? Immutable { get; set; }
}

public sealed record V1Namespace : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public V1NamespaceStatus? Status { get; set; }
}

public sealed record V1NamespaceStatus
{
    /// <summary><c>Active</c> or <c>Terminating</c>.</summary>
    public string? Phase { get; set; }
}

public sealed record V1ServiceAccount : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public bool? AutomountServiceAccountToken { get; set; }
}

public sealed record V1Service : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public V1ServiceSpec? Spec { get; set; }
}

public sealed record V1ServiceSpec
{
    public string? Type { get; set; }
    public string? ClusterIP { get; set; }
    public Dictionary<string, string>? Selector { get; set; }
    public List<V1ServicePort>? Ports { get; set; }
    public bool? PublishNotReadyAddresses { get; set; }
}

public sealed record V1ServicePort
{
    public string? Name { get; set; }
    public int Port { get; set; }
    public string? Protocol { get; set; }

    /// <summary>A number or a container port's name.</summary>
    [JsonConverter(typeof(IntOrStringConverter))]
    public string? TargetPort { get; set; }
    public int? NodePort { get; set; }
}

public sealed record V1Node : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public V1NodeSpec? Spec { get; set; }
    public V1NodeStatus? Status { get; set; }
}

public sealed record V1NodeSpec
{
    public bool? Unschedulable { get; set; }
    public List<V1Taint>? Taints { get; set; }
}

public sealed record V1Taint
{
    public required string Key { get; set; }
    public string? Value { get; set; }
    public required string Effect { get; set; }
}

public sealed record V1NodeStatus
{
    public Dictionary<string, string>? Capacity { get; set; }
    public Dictionary<string, string>? Allocatable { get; set; }
    public List<V1NodeCondition>? Conditions { get; set; }
    public List<V1NodeAddress>? Addresses { get; set; }
}

public sealed record V1NodeCondition
{
    public required string Type { get; set; }
    public required string Status { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public DateTimeOffset? LastHeartbeatTime { get; set; }
    public DateTimeOffset? LastTransitionTime { get; set; }
}

public sealed record V1NodeAddress
{
    public required string Type { get; set; }
    public required string Address { get; set; }
}

/// <summary>An event of the core API, as <c>kubectl describe</c> shows it.</summary>
public sealed record CoreV1Event : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public required V1ObjectReference InvolvedObject { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }

    /// <summary><c>Normal</c> or <c>Warning</c>.</summary>
    public string? Type { get; set; }
    public int? Count { get; set; }
    public DateTimeOffset? FirstTimestamp { get; set; }
    public DateTimeOffset? LastTimestamp { get; set; }
    public V1EventSource? Source { get; set; }
    public string? Action { get; set; }
    public string? ReportingComponent { get; set; }
    public string? ReportingInstance { get; set; }
}

public sealed record V1EventSource
{
    public string? Component { get; set; }
    public string? Host { get; set; }
}

public sealed record V1ObjectReference
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public string? Namespace { get; set; }
    public string? Name { get; set; }
    public string? Uid { get; set; }
    public string? ResourceVersion { get; set; }
    public string? FieldPath { get; set; }
}
