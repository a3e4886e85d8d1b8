using System.Globalization;
using System.Text;

namespace Hem.Metrics.Prometheus;

/// <summary>Lines of a scrape, written as UTF-8 at once.</summary>
/// <param name="capacity">Bytes to begin with.</param>
internal sealed class SampleText(int capacity)
{
    /// <summary>What a number takes at most.</summary>
    private const int LongestNumber = 40;

    private byte[] _bytes = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <summary>Forgets what was written, and keeps the room for it.</summary>
    public void Clear() => Length = 0;

    public void Add(string text) => Length += Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetMaxByteCount(text.Length)));

    public void Add(ReadOnlySpan<byte> text)
    {
        text.CopyTo(Room(text.Length));
        Length += text.Length;
    }

    /// <param name="text">Anything.</param>
    /// <param name="quotes">Whether it stands between quotes.</param>
    public void AddEscaped(string text, bool quotes)
    {
        if (text.AsSpan().IndexOfAny('\\', '\n', '"') >= 0)
        {
            text = text.Replace("\\", @"\\").Replace("\n", @"\n");
            if (quotes) text = text.Replace("\"", "\\\"");
        }

        Add(text);
    }

    /// <summary>In curly brackets; nothing where there are none.</summary>
    public void AddLabels(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var open = "{"u8;
        foreach (var (key, value) in labels)
        {
            Add(open);
            // What OpenTelemetry itself adds, otel.metric.overflow, is no name for a label.
            Add(key.Replace('.', '_'));
            Add("=\""u8);
            if (value is string text) AddEscaped(text, quotes: true);
            else AddEscaped(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", quotes: true);
            Add("\""u8);
            open = ","u8;
        }

        if (labels.Length > 0) Add("}"u8);
    }

    /// <summary>The end of a line.</summary>
    public void AddValue(long value)
    {
        Add(" "u8);
        value.TryFormat(Room(LongestNumber), out var length, default, CultureInfo.InvariantCulture);
        Length += length;
        Add("\n"u8);
    }

    /// <inheritdoc cref="AddValue(long)"/>
    public void AddValue(double value)
    {
        Add(" "u8);
        if (double.IsFinite(value))
        {
            value.TryFormat(Room(LongestNumber), out var length, "R", CultureInfo.InvariantCulture);
            Length += length;
        }
        else
        {
            Add(Number(value));
        }

        Add("\n"u8);
    }

    /// <summary>The shortest that reads back the same.</summary>
    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - Length < bytes) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, Length + bytes));
        return _bytes.AsSpan(Length);
    }
}
