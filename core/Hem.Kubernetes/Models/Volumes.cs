namespace Hem.Kubernetes;

public sealed record V1Volume
{
    public required string Name { get; set; }
    public V1EmptyDirVolumeSource? EmptyDir { get; set; }
    public V1ConfigMapVolumeSource? ConfigMap { get; set; }
    public V1SecretVolumeSource? Secret { get; set; }
    public V1ProjectedVolumeSource? Projected { get; set; }
    public V1PersistentVolumeClaimVolumeSource? PersistentVolumeClaim { get; set; }
    public V1HostPathVolumeSource? HostPath { get; set; }
    public V1DownwardApiVolumeSource? DownwardAPI { get; set; }
    public V1NfsVolumeSource? Nfs { get; set; }
    public V1CsiVolumeSource? Csi { get; set; }
}

public sealed record V1NfsVolumeSource
{
    public required string Server { get; set; }
    public required string Path { get; set; }
    public bool? ReadOnly { get; set; }
}

public sealed record V1CsiVolumeSource
{
    public required string Driver { get; set; }
    public bool? ReadOnly { get; set; }
    public string? FsType { get; set; }
    public Dictionary<string, string>? VolumeAttributes { get; set; }
}

public sealed record V1EmptyDirVolumeSource
{
    public string? Medium { get; set; }
    public string? SizeLimit { get; set; }
}

public sealed record V1ConfigMapVolumeSource
{
    public string? Name { get; set; }
    public List<V1KeyToPath>? Items { get; set; }
    public int? DefaultMode { get; set; }
    public bool? Optional { get; set; }
}

public sealed record V1SecretVolumeSource
{
    public string? SecretName { get; set; }
    public List<V1KeyToPath>? Items { get; set; }
    public int? DefaultMode { get; set; }
    public bool? Optional { get; set; }
}

public sealed record V1KeyToPath
{
    public required string Key { get; set; }
    public required string Path { get; set; }
    public int? Mode { get; set; }
}

public sealed record V1PersistentVolumeClaimVolumeSource
{
    public required string ClaimName { get; set; }
    public bool? ReadOnly { get; set; }
}

public sealed record V1HostPathVolumeSource
{
    public required string Path { get; set; }
    public string? Type { get; set; }
}

public sealed record V1ProjectedVolumeSource
{
    public List<V1VolumeProjection>? Sources { get; set; }
    public int? DefaultMode { get; set; }
}

public sealed record V1VolumeProjection
{
    public V1ServiceAccountTokenProjection? ServiceAccountToken { get; set; }
    public V1ConfigMapProjection? ConfigMap { get; set; }
    public V1SecretProjection? Secret { get; set; }
    public V1DownwardApiProjection? DownwardAPI { get; set; }
}

public sealed record V1ServiceAccountTokenProjection
{
    public string? Audience { get; set; }
    public long? ExpirationSeconds { get; set; }
    public required string Path { get; set; }
}

public sealed record V1ConfigMapProjection
{
    public string? Name { get; set; }
    public List<V1KeyToPath>? Items { get; set; }
    public bool? Optional { get; set; }
}

public sealed record V1SecretProjection
{
    public string? Name { get; set; }
    public List<V1KeyToPath>? Items { get; set; }
    public bool? Optional { get; set; }
}

public sealed record V1DownwardApiProjection
{
    public List<V1DownwardApiVolumeFile>? Items { get; set; }
}

public sealed record V1DownwardApiVolumeSource
{
    public List<V1DownwardApiVolumeFile>? Items { get; set; }
    public int? DefaultMode { get; set; }
}

public sealed record V1DownwardApiVolumeFile
{
    public required string Path { get; set; }
    public V1ObjectFieldSelector? FieldRef { get; set; }
    public V1ResourceFieldSelector? ResourceFieldRef { get; set; }
}
