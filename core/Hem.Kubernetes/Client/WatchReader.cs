using System.Buffers;
using System.Net;
using System.Text.Json;

namespace Hem.Kubernetes;

/// <summary>Reads a watch's lines from the bytes as they came.</summary>
internal static class WatchReader
{
    public static bool TryReadLine(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> line)
    {
        if (buffer.PositionOf((byte)'\n') is not { } end)
        {
            line = default;
            return false;
        }
        line = buffer.Slice(0, end);
        buffer = buffer.Slice(buffer.GetPosition(1, end));
        return true;
    }

    /// <returns>Null for an empty line and for types that are not known.</returns>
    /// <exception cref="KubernetesException">The event is an error.</exception>
    public static WatchEvent<T>? Read<T>(ReadOnlySequence<byte> line, ResourceKind<T> kind, string request)
        where T : class, IKubernetesObject
    {
        if (line.IsEmpty) return null;
        try
        {
            return Parse(line, kind, request);
        }
        catch (JsonException exception)
        {
            throw new HttpRequestException($"{request}: an event makes no sense: {exception.Message}", exception);
        }
    }

    private static WatchEvent<T>? Parse<T>(ReadOnlySequence<byte> line, ResourceKind<T> kind, string request)
        where T : class, IKubernetesObject
    {
        var reader = new Utf8JsonReader(line);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("It is no object.");
        // The server writes the type before the object, and nobody says that it must.
        string? type = null;
        var hasObject = false;
        Utf8JsonReader atObject = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                reader.Read();
                type = Type(ref reader);
            }
            else if (reader.ValueTextEquals("object"u8))
            {
                reader.Read();
                atObject = reader;
                hasObject = true;
                if (type is not null) break;
                reader.Skip();
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
        if (type is null || !hasObject) throw new JsonException("It has no type, or no object.");
        return type switch
        {
            "ADDED" => new(WatchEventType.Added, ReadObject(ref atObject, kind)),
            "MODIFIED" => new(WatchEventType.Modified, ReadObject(ref atObject, kind)),
            "DELETED" => new(WatchEventType.Deleted, ReadObject(ref atObject, kind)),
            "BOOKMARK" => new(WatchEventType.Bookmark, ReadObject(ref atObject, kind)),
            "ERROR" => throw Error(ref atObject, request),
            _ => null,
        };
    }

    private static string? Type(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("ADDED"u8) ? "ADDED"
        : reader.ValueTextEquals("MODIFIED"u8) ? "MODIFIED"
        : reader.ValueTextEquals("DELETED"u8) ? "DELETED"
        : reader.ValueTextEquals("BOOKMARK"u8) ? "BOOKMARK"
        : reader.GetString();

    private static T ReadObject<T>(ref Utf8JsonReader reader, ResourceKind<T> kind)
        where T : class, IKubernetesObject
    {
        var item = JsonSerializer.Deserialize(ref reader, kind.Json) ?? throw new JsonException("The object is null.");
        item.ApiVersion ??= kind.ApiVersion;
        item.Kind ??= kind.Kind;
        return item;
    }

    private static KubernetesException Error(ref Utf8JsonReader reader, string request)
    {
        var status = JsonSerializer.Deserialize(ref reader, KubernetesJson.Default.V1Status) ?? new();
        var after = status.Details?.RetryAfterSeconds is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
        return KubernetesClient.NewException(request, status, (HttpStatusCode)(status.Code ?? 500), after);
    }
}
