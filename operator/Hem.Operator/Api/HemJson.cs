using System.Text.Json.Serialization;
using Hem.Kubernetes;

namespace Hem.Operator.Api;

/// <summary>How Hem's own objects are read and written; the schema generator goes by it too.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    Converters = [typeof(TimeConverter), typeof(PooledStringConverter)])]
[JsonSerializable(typeof(HemSweepResource))]
[JsonSerializable(typeof(HemTrialResource))]
[JsonSerializable(typeof(HemSweepSpec))]
internal sealed partial class HemJson : JsonSerializerContext;
