namespace Hem.Kubernetes;

public sealed record V1Pod : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public V1PodSpec? Spec { get; set; }
    public V1PodStatus? Status { get; set; }
}

public sealed record V1PodTemplateSpec
{
    public V1ObjectMeta? Metadata { get; set; }
    public V1PodSpec? Spec { get; set; }
}

public sealed record V1PodSpec
{
    public List<V1Container>? InitContainers { get; set; }
    public List<V1Container>? Containers { get; set; }
    public List<V1Volume>? Volumes { get; set; }
    public string? RestartPolicy { get; set; }
    public long? TerminationGracePeriodSeconds { get; set; }
    public long? ActiveDeadlineSeconds { get; set; }
    public string? DnsPolicy { get; set; }
    public Dictionary<string, string>? NodeSelector { get; set; }
    public string? NodeName { get; set; }
    public string? ServiceAccountName { get; set; }
    public bool? AutomountServiceAccountToken { get; set; }
    public bool? EnableServiceLinks { get; set; }
    public bool? HostNetwork { get; set; }
    public V1PodSecurityContext? SecurityContext { get; set; }
    public List<V1LocalObjectReference>? ImagePullSecrets { get; set; }
    public string? SchedulerName { get; set; }
    public List<V1Toleration>? Tolerations { get; set; }
    public V1Affinity? Affinity { get; set; }
    public List<V1HostAlias>? HostAliases { get; set; }
    public string? PriorityClassName { get; set; }
    public int? Priority { get; set; }
    public string? RuntimeClassName { get; set; }
}

public sealed record V1LocalObjectReference
{
    public string? Name { get; set; }
}

public sealed record V1HostAlias
{
    public required string Ip { get; set; }
    public List<string>? Hostnames { get; set; }
}

public sealed record V1Toleration
{
    public string? Key { get; set; }
    public string? Operator { get; set; }
    public string? Value { get; set; }
    public string? Effect { get; set; }
    public long? TolerationSeconds { get; set; }
}

public sealed record V1PodSecurityContext
{
    public bool? RunAsNonRoot { get; set; }
    public long? RunAsUser { get; set; }
    public long? RunAsGroup { get; set; }
    public long? FsGroup { get; set; }
    public string? FsGroupChangePolicy { get; set; }
    public List<long>? SupplementalGroups { get; set; }
    public V1SeccompProfile? SeccompProfile { get; set; }
}

public sealed record V1SecurityContext
{
    public bool? RunAsNonRoot { get; set; }
    public long? RunAsUser { get; set; }
    public long? RunAsGroup { get; set; }
    public bool? ReadOnlyRootFilesystem { get; set; }
    public bool? AllowPrivilegeEscalation { get; set; }
    public bool? Privileged { get; set; }
    public V1Capabilities? Capabilities { get; set; }
    public V1SeccompProfile? SeccompProfile { get; set; }
}

public sealed record V1SeccompProfile
{
    public required string Type { get; set; }
    public string? LocalhostProfile { get; set; }
}

public sealed record V1Capabilities
{
    public List<string>? Add { get; set; }
    public List<string>? Drop { get; set; }
}

public sealed record V1Container
{
    public required string Name { get; set; }
    public string? Image { get; set; }
    public string? ImagePullPolicy { get; set; }
    public List<string>? Command { get; set; }
    public List<string>? Args { get; set; }
    public string? WorkingDir { get; set; }
    public List<V1ContainerPort>? Ports { get; set; }
    public List<V1EnvVar>? Env { get; set; }
    public List<V1EnvFromSource>? EnvFrom { get; set; }
    public V1ResourceRequirements? Resources { get; set; }
    public List<V1VolumeMount>? VolumeMounts { get; set; }
    public V1SecurityContext? SecurityContext { get; set; }
    public string? TerminationMessagePath { get; set; }
    public string? TerminationMessagePolicy { get; set; }
}

public sealed record V1ContainerPort
{
    public string? Name { get; set; }
    public int? ContainerPort { get; set; }
    public string? Protocol { get; set; }
}

public sealed record V1EnvVar
{
    public required string Name { get; set; }
    public string? Value { get; set; }
    public V1EnvVarSource? ValueFrom { get; set; }
}

public sealed record V1EnvFromSource
{
    public string? Prefix { get; set; }
    public V1EnvSource? ConfigMapRef { get; set; }
    public V1EnvSource? SecretRef { get; set; }
}

/// <summary>A ConfigMap or a Secret.</summary>
public sealed record V1EnvSource
{
    public string? Name { get; set; }
    public bool? Optional { get; set; }
}

public sealed record V1EnvVarSource
{
    public V1ObjectFieldSelector? FieldRef { get; set; }
    public V1ResourceFieldSelector? ResourceFieldRef { get; set; }
    public V1KeySelector? ConfigMapKeyRef { get; set; }
    public V1KeySelector? SecretKeyRef { get; set; }
}

public sealed record V1ObjectFieldSelector
{
    public string? ApiVersion { get; set; }
    public required string FieldPath { get; set; }
}

public sealed record V1ResourceFieldSelector
{
    public string? ContainerName { get; set; }
    public required string Resource { get; set; }
    public string? Divisor { get; set; }
}

public sealed record V1KeySelector
{
    public string? Name { get; set; }
    public required string Key { get; set; }
    public bool? Optional { get; set; }
}

/// <summary>Quantities stay as they are written, <c>500m</c> or <c>2Gi</c>.</summary>
public sealed record V1ResourceRequirements
{
    public Dictionary<string, string>? Limits { get; set; }
    public Dictionary<string, string>? Requests { get; set; }
}

public sealed record V1VolumeMount
{
    public required string Name { get; set; }
    public required string MountPath { get; set; }
    public string? SubPath { get; set; }
    public bool? ReadOnly { get; set; }
}
