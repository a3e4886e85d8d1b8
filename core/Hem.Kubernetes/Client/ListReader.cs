using System.Text.Json;

namespace Hem.Kubernetes;

/// <summary>Reads a list's items one by one, so that no list type is needed for any kind.</summary>
internal static class ListReader
{
    public static V1ListMeta Read<T>(ReadOnlySpan<byte> json, ResourceKind<T> kind, List<T> items)
        where T : class, IKubernetesObject
    {
        var reader = new Utf8JsonReader(json);
        V1ListMeta? metadata = null;
        var hasItems = false;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("The answer is no object.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isItems = reader.ValueTextEquals("items"u8);
            var isMetadata = reader.ValueTextEquals("metadata"u8);
            reader.Read();
            if (isMetadata)
            {
                metadata = JsonSerializer.Deserialize(ref reader, KubernetesJson.Default.V1ListMeta);
            }
            else if (isItems)
            {
                hasItems = true;
                // An empty list may be written as null.
                if (reader.TokenType == JsonTokenType.StartArray) ReadItems(ref reader, kind, items);
            }
            else
            {
                reader.Skip();
            }
        }
        return hasItems ? metadata ?? new() : throw new JsonException("The answer is no list.");
    }

    private static void ReadItems<T>(ref Utf8JsonReader reader, ResourceKind<T> kind, List<T> items)
        where T : class, IKubernetesObject
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var item = JsonSerializer.Deserialize(ref reader, kind.Json) ?? throw new JsonException("An item is null.");
            // Lists of Kubernetes' own kinds leave it out of the items.
            item.ApiVersion ??= kind.ApiVersion;
            item.Kind ??= kind.Kind;
            items.Add(item);
        }
    }
}
