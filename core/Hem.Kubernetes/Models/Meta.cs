using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Hem.Kubernetes;

/// <summary>What every object of the API has. Objects in an informer's index are shared: change a copy (<c>with</c>), never them.</summary>
public interface IKubernetesObject
{
    string? ApiVersion { get; set; }
    string? Kind { get; set; }
    V1ObjectMeta Metadata { get; set; }
}

/// <summary>Where an object of one kind is; the namespace is null for kinds without one.</summary>
public readonly record struct ObjectKey(string? Namespace, string Name)
{
    public override string ToString() => Namespace is null ? Name : $"{Namespace}/{Name}";
}

/// <summary>managedFields and selfLink are not read: they are half of what an object weighs.</summary>
public sealed record V1ObjectMeta
{
    public string? Name { get; set; }
    public string? GenerateName { get; set; }
    public string? Namespace { get; set; }
    public string? Uid { get; set; }
    public string? ResourceVersion { get; set; }
    public long? Generation { get; set; }
    public DateTimeOffset? CreationTimestamp { get; set; }
    public DateTimeOffset? DeletionTimestamp { get; set; }
    public long? DeletionGracePeriodSeconds { get; set; }
    public Dictionary<string, string>? Labels { get; set; }
    public Dictionary<string, string>? Annotations { get; set; }
    public List<V1OwnerReference>? OwnerReferences { get; set; }
    public List<string>? Finalizers { get; set; }
}

public sealed record V1OwnerReference
{
    public required string ApiVersion { get; set; }
    public required string Kind { get; set; }
    public required string Name { get; set; }
    public required string Uid { get; set; }
    public bool? Controller { get; set; }
    public bool? BlockOwnerDeletion { get; set; }
}

public sealed record V1ListMeta
{
    public string? ResourceVersion { get; set; }
    public string? Continue { get; set; }
    public long? RemainingItemCount { get; set; }
}

/// <summary>A list as <see cref="KubernetesClient.ListAsync"/> returns it: all chunks together.</summary>
public sealed record KubernetesList<T>(List<T> Items, V1ListMeta Metadata)
{
    /// <summary>Where a watch continues from.</summary>
    public string ResourceVersion => Metadata.ResourceVersion ?? "";
}

/// <summary>What the API server answers where it answers no object.</summary>
public sealed record V1Status
{
    public V1ListMeta? Metadata { get; set; }
    public string? Status { get; set; }
    public string? Message { get; set; }
    public string? Reason { get; set; }
    public V1StatusDetails? Details { get; set; }
    public int? Code { get; set; }
}

public sealed record V1StatusDetails
{
    public string? Name { get; set; }
    public string? Group { get; set; }
    public string? Kind { get; set; }
    public string? Uid { get; set; }
    public List<V1StatusCause>? Causes { get; set; }
    public int? RetryAfterSeconds { get; set; }
}

public sealed record V1StatusCause
{
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public string? Field { get; set; }
}

public sealed record V1Condition
{
    public required string Type { get; set; }

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public required string Status { get; set; }
    public string? Reason { get; set; }
    public string? Message { get; set; }
    public DateTimeOffset? LastTransitionTime { get; set; }
    public long? ObservedGeneration { get; set; }
}

public sealed record V1LabelSelector
{
    public Dictionary<string, string>? MatchLabels { get; set; }
    public List<V1LabelSelectorRequirement>? MatchExpressions { get; set; }
}

public sealed record V1LabelSelectorRequirement
{
    public required string Key { get; set; }
    public required string Operator { get; set; }
    public List<string>? Values { get; set; }
}

/// <summary>An object of any kind: everything but its metadata as JSON.</summary>
[JsonConverter(typeof(UnstructuredConverter))]
public sealed class UnstructuredObject : IKubernetesObject
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public V1ObjectMeta Metadata { get; set; } = new();

    /// <summary><c>spec</c>, <c>status</c>, <c>data</c>, ...</summary>
    public JsonObject Fields { get; init; } = [];
}

public static class KubernetesObjectExtensions
{
    public static ObjectKey Key(this IKubernetesObject item) => new(item.Metadata.Namespace, item.Metadata.Name ?? "");

    public static string? Label(this IKubernetesObject item, string name) => item.Metadata.Labels?.GetValueOrDefault(name);

    public static string? Annotation(this IKubernetesObject item, string name) => item.Metadata.Annotations?.GetValueOrDefault(name);

    /// <summary>The owner that manages this object, if it has one.</summary>
    public static V1OwnerReference? Controller(this IKubernetesObject item)
    {
        foreach (var owner in item.Metadata.OwnerReferences ?? [])
            if (owner.Controller == true) return owner;
        return null;
    }

    /// <summary>A reference that makes <paramref name="item"/>, which the server knows, the managing owner of another object.</summary>
    public static V1OwnerReference AsController<T>(this T item, ResourceKind<T> kind, bool blockOwnerDeletion = true)
        where T : class, IKubernetesObject => new()
        {
            ApiVersion = kind.ApiVersion,
            Kind = kind.Kind,
            Name = item.Metadata.Name ?? throw new ArgumentException("The owner has no name.", nameof(item)),
            Uid = item.Metadata.Uid ?? throw new ArgumentException($"{kind.Kind} {item.Key()} has no uid: the API server has not made it.",
                nameof(item)),
            Controller = true,
            BlockOwnerDeletion = blockOwnerDeletion,
        };
}
