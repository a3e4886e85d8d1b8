using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Hem.Operator.Sweeps;

/// <summary>Statuses as JSON, and what leads from one to another.</summary>
internal static class StatusJson
{
    public static JsonNode? Node<T>(T? status, JsonTypeInfo<T> type)
        where T : class => status is null ? null : JsonSerializer.SerializeToNode(status, type);

    /// <summary>The merge patch that leads from one to the other: what is no more is null.</summary>
    public static JsonNode Difference(JsonNode? from, JsonNode to)
    {
        if (from is not JsonObject before || to is not JsonObject after) return to.DeepClone();
        var patch = new JsonObject();
        foreach ((string field, JsonNode? value) in after) patch[field] = value is null ? null : Difference(before[field], value);
        foreach ((string field, _) in before)
            if (!after.ContainsKey(field)) patch[field] = null;
        return patch;
    }

    // Versions are numbers that grow, on every API server there is. Where one is not, a conflict tells the same.
    public static bool IsNewer(string? version, string? than) =>
        ulong.TryParse(version, CultureInfo.InvariantCulture, out ulong a)
        && (!ulong.TryParse(than, CultureInfo.InvariantCulture, out ulong b) || a > b);
}
