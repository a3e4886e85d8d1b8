namespace Hem.Kubernetes;

/// <summary>Who is it that holds this token? Created, never stored.</summary>
public sealed record V1TokenReview : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public V1TokenReviewSpec? Spec { get; set; }
    public V1TokenReviewStatus? Status { get; set; }
}

public sealed record V1TokenReviewSpec
{
    public string? Token { get; set; }
    public List<string>? Audiences { get; set; }
}

public sealed record V1TokenReviewStatus
{
    public bool? Authenticated { get; set; }
    public V1UserInfo? User { get; set; }
    public List<string>? Audiences { get; set; }
    public string? Error { get; set; }
}

public sealed record V1UserInfo
{
    public string? Username { get; set; }
    public string? Uid { get; set; }
    public List<string>? Groups { get; set; }

    /// <summary>For a pod's token: <c>authentication.kubernetes.io/pod-name</c> and <c>.../pod-uid</c>.</summary>
    public Dictionary<string, List<string>>? Extra { get; set; }
}

/// <summary>May this user do that? Created, never stored.</summary>
public sealed record V1SubjectAccessReview : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public V1SubjectAccessReviewSpec? Spec { get; set; }
    public V1SubjectAccessReviewStatus? Status { get; set; }
}

public sealed record V1SubjectAccessReviewSpec
{
    public V1ResourceAttributes? ResourceAttributes { get; set; }
    public V1NonResourceAttributes? NonResourceAttributes { get; set; }
    public string? User { get; set; }
    public List<string>? Groups { get; set; }
    public Dictionary<string, List<string>>? Extra { get; set; }
    public string? Uid { get; set; }
}

public sealed record V1ResourceAttributes
{
    public string? Namespace { get; set; }
    public string? Verb { get; set; }
    public string? Group { get; set; }
    public string? Version { get; set; }
    public string? Resource { get; set; }
    public string? Subresource { get; set; }
    public string? Name { get; set; }
}

public sealed record V1NonResourceAttributes
{
    public string? Path { get; set; }
    public string? Verb { get; set; }
}

public sealed record V1SubjectAccessReviewStatus
{
    public bool Allowed { get; set; }
    public bool? Denied { get; set; }
    public string? Reason { get; set; }
    public string? EvaluationError { get; set; }
}

/// <summary>A token for a service account, as <see cref="KubernetesClient.CreateTokenAsync"/> asks for it.</summary>
public sealed record V1TokenRequest : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();
    public V1TokenRequestSpec? Spec { get; set; }
    public V1TokenRequestStatus? Status { get; set; }
}

public sealed record V1TokenRequestSpec
{
    public List<string>? Audiences { get; set; }
    public long? ExpirationSeconds { get; set; }

    /// <summary>A pod or secret whose end ends the token too.</summary>
    public V1BoundObjectReference? BoundObjectRef { get; set; }
}

public sealed record V1BoundObjectReference
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public string? Name { get; set; }
    public string? Uid { get; set; }
}

public sealed record V1TokenRequestStatus
{
    public string? Token { get; set; }
    public DateTimeOffset? ExpirationTimestamp { get; set; }
}
