using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Hem.Kubernetes;

/// <summary>
/// How objects are written as JSON: camelCase, nulls left out, unknown fields ignored. A project with resources of its own declares its own
/// context with <see cref="JsonSourceGenerationOptionsAttribute"/> like this one's and hands its type info to
/// <see cref="ResourceKind{T}"/>; with <see cref="PooledStringConverter"/> its objects weigh less.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(TimeConverter), typeof(PooledStringConverter)])]
[JsonSerializable(typeof(V1Job))]
[JsonSerializable(typeof(V1Pod))]
[JsonSerializable(typeof(V1Lease))]
[JsonSerializable(typeof(CoreV1Event))]
[JsonSerializable(typeof(V1Secret))]
[JsonSerializable(typeof(V1ConfigMap))]
[JsonSerializable(typeof(V1Namespace))]
[JsonSerializable(typeof(V1Service))]
[JsonSerializable(typeof(V1ServiceAccount))]
[JsonSerializable(typeof(V1Node))]
[JsonSerializable(typeof(V1TokenReview))]
[JsonSerializable(typeof(V1TokenRequest))]
[JsonSerializable(typeof(V1SubjectAccessReview))]
[JsonSerializable(typeof(V1Status))]
[JsonSerializable(typeof(V1ListMeta))]
[JsonSerializable(typeof(V1Condition))]
[JsonSerializable(typeof(UnstructuredObject))]
[JsonSerializable(typeof(KubernetesVersion))]
[JsonSerializable(typeof(JsonNode))]
[JsonSerializable(typeof(JsonObject))]
public sealed partial class KubernetesJson : JsonSerializerContext;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DeleteBody))]
[JsonSerializable(typeof(ExecCredential))]
internal sealed partial class InternalJson : JsonSerializerContext;

/// <summary>What <c>/version</c> says.</summary>
public sealed record KubernetesVersion
{
    public string? Major { get; set; }
    public string? Minor { get; set; }
    public string? GitVersion { get; set; }

    /// <summary>Major and minor as numbers; providers write minor as <c>29+</c>.</summary>
    public bool IsAtLeast(int major, int minor)
    {
        var (thisMajor, thisMinor) = (Number(Major), Number(Minor));
        return thisMajor > major || (thisMajor == major && thisMinor >= minor);
    }

    private static int Number(string? text)
    {
        var digits = 0;
        foreach (var c in text ?? "")
        {
            if (!char.IsAsciiDigit(c)) break;
            digits = digits * 10 + (c - '0');
        }
        return digits;
    }
}
