using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hem.Kubernetes;

/// <summary>
/// Reads short strings that were read before as the same object: of thousands of like objects most strings are the same, the names and
/// values of labels before all, and they are most of what the objects weigh.
/// </summary>
public sealed class PooledStringConverter : JsonConverter<string>
{
    private const int MaxLength = 64;
    private const int Slots = 4096;

    // A string has one slot, and the last one there stays. Threads that meet in a slot lose nothing but a saving.
    private static readonly string?[] _pool = new string?[Slots];

    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Pooled(ref reader);

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Pooled(ref reader)!;

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value);

    private static string? Pooled(ref Utf8JsonReader reader)
    {
        if (reader.HasValueSequence || reader.ValueIsEscaped || reader.ValueSpan.Length > MaxLength) return reader.GetString();
        var text = reader.ValueSpan;
        if (text.IsEmpty) return "";
        var hash = default(HashCode);
        hash.AddBytes(text);
        ref var slot = ref _pool[hash.ToHashCode() & (Slots - 1)];
        var known = slot;
        if (known is not null && Ascii.Equals(text, known)) return known;
        return slot = reader.GetString();
    }
}
