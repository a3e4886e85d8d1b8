using System.Text.Json.Serialization.Metadata;

namespace Hem.Kubernetes;

/// <summary>
/// How a kind of object is addressed and read. One static instance a kind: <see cref="Resources"/> has those of Kubernetes, a project
/// declares its own beside its types.
/// </summary>
public sealed class ResourceKind<T>
    where T : class, IKubernetesObject
{
    private readonly string _root;

    /// <param name="group">Empty for the core group.</param>
    /// <param name="version">For instance <c>v1</c>.</param>
    /// <param name="plural">The name in paths, <c>jobs</c>.</param>
    /// <param name="kind">The name in objects, <c>Job</c>.</param>
    /// <param name="namespaced">Whether its objects live in namespaces.</param>
    /// <param name="json">How it is read and written: a property of a source-generated context, for programs are trimmed.</param>
    public ResourceKind(string group, string version, string plural, string kind, bool namespaced, JsonTypeInfo<T> json)
    {
        (Group, Version, Plural, Kind, Namespaced, Json) = (group, version, plural, kind, namespaced, json);
        ApiVersion = group.Length == 0 ? version : $"{group}/{version}";
        _root = group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";
    }

    public string Group { get; }
    public string Version { get; }
    public string Plural { get; }
    public string Kind { get; }
    public bool Namespaced { get; }
    public JsonTypeInfo<T> Json { get; }
    public string ApiVersion { get; }

    public override string ToString() => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>The path below the server's address; without a name the collection, without a namespace that of all namespaces.</summary>
    internal string Path(string? ns, string? name = null, string? subresource = null)
    {
        if (!Namespaced && ns is not null) throw new ArgumentException($"{this} live in no namespace, so {ns} means nothing.", nameof(ns));
        if (Namespaced && ns is null && name is not null)
            throw new ArgumentException($"{this} live in namespaces, and {name} was asked for without one.", nameof(ns));
        var path = ns is null ? $"{_root}/{Plural}" : $"{_root}/namespaces/{Escape(ns)}/{Plural}";
        if (name is not null) path += $"/{Escape(name)}";
        return subresource is null ? path : $"{path}/{subresource}";
    }

    private static string Escape(string part) =>
        part.Length > 0 && part is not ("." or "..") ? Uri.EscapeDataString(part) : throw new ArgumentException($"'{part}' is no name.");
}

/// <summary>The kinds of Kubernetes that Hem uses.</summary>
public static class Resources
{
    public static ResourceKind<V1Job> Jobs { get; } = new("batch", "v1", "jobs", "Job", true, KubernetesJson.Default.V1Job);
    public static ResourceKind<V1Pod> Pods { get; } = new("", "v1", "pods", "Pod", true, KubernetesJson.Default.V1Pod);
    public static ResourceKind<V1Secret> Secrets { get; } = new("", "v1", "secrets", "Secret", true, KubernetesJson.Default.V1Secret);

    public static ResourceKind<V1ConfigMap> ConfigMaps { get; } =
        new("", "v1", "configmaps", "ConfigMap", true, KubernetesJson.Default.V1ConfigMap);

    public static ResourceKind<V1Service> Services { get; } = new("", "v1", "services", "Service", true, KubernetesJson.Default.V1Service);

    public static ResourceKind<V1ServiceAccount> ServiceAccounts { get; } =
        new("", "v1", "serviceaccounts", "ServiceAccount", true, KubernetesJson.Default.V1ServiceAccount);

    public static ResourceKind<CoreV1Event> Events { get; } = new("", "v1", "events", "Event", true, KubernetesJson.Default.CoreV1Event);
    public static ResourceKind<V1Namespace> Namespaces { get; } = new("", "v1", "namespaces", "Namespace", false,
        KubernetesJson.Default.V1Namespace);
    public static ResourceKind<V1Node> Nodes { get; } = new("", "v1", "nodes", "Node", false, KubernetesJson.Default.V1Node);
    public static ResourceKind<V1Lease> Leases { get; } = new("coordination.k8s.io", "v1", "leases", "Lease", true,
        KubernetesJson.Default.V1Lease);

    public static ResourceKind<V1TokenReview> TokenReviews { get; } =
        new("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false, KubernetesJson.Default.V1TokenReview);

    public static ResourceKind<V1SubjectAccessReview> SubjectAccessReviews { get; } = new(
        "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false, KubernetesJson.Default.V1SubjectAccessReview);

    public static ResourceKind<UnstructuredObject> CustomResourceDefinitions { get; } =
        Unstructured("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false);

    /// <summary>Any kind, read as JSON.</summary>
    public static ResourceKind<UnstructuredObject> Unstructured(string group, string version, string plural, string kind,
        bool namespaced) =>
        new(group, version, plural, kind, namespaced, KubernetesJson.Default.UnstructuredObject);
}
