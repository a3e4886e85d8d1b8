using System.Buffers;
using System.Globalization;
using System.Text;

namespace Hem.Progress.Grpc;

/// <summary>Names and small encodings of gRPC over HTTP/2 (the specification's PROTOCOL-HTTP2.md).</summary>
internal static class GrpcProtocol
{
    public const string ContentType = "application/grpc";
    public const string StatusHeader = "grpc-status";
    public const string MessageHeader = "grpc-message";
    public const string TimeoutHeader = "grpc-timeout";
    public const string EncodingHeader = "grpc-encoding";
    public const string AcceptEncodingHeader = "grpc-accept-encoding";
    public const string Identity = "identity";

    // grpc-message as it is: printable ASCII without %.
    private static readonly SearchValues<char> s_plain =
        SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c).Where(c => c != '%')]);

    /// <summary><c>application/grpc</c>, alone or followed by <c>+format</c> or <c>;parameters</c>.</summary>
    public static bool IsGrpcContentType(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';');

    /// <summary>Metadata may not speak for the protocol.</summary>
    public static bool IsReserved(string key) =>
        key.StartsWith(':')
        || key is StatusHeader or MessageHeader or TimeoutHeader or EncodingHeader or AcceptEncodingHeader
            or "grpc-message-type" or "content-type" or "content-length" or "te" or "host" or "connection" or "transfer-encoding"
            or "date" or "server";

    /// <summary>At most 8 digits and a unit: H, M, S, m(illi), u (micro), n(ano).</summary>
    public static string EncodeTimeout(TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero)
            return "1n";
        ReadOnlySpan<(long Ticks, string Unit)> units =
        [
            (TimeSpan.TicksPerMicrosecond, "u"), (TimeSpan.TicksPerMillisecond, "m"), (TimeSpan.TicksPerSecond, "S"),
            (TimeSpan.TicksPerMinute, "M"), (TimeSpan.TicksPerHour, "H"),
        ];
        foreach (var (ticks, unit) in units)
        {
            var count = (timeout.Ticks + ticks - 1) / ticks;
            if (count <= 99_999_999)
                return count.ToString(CultureInfo.InvariantCulture) + unit;
        }
        return "99999999H";
    }

    public static bool TryDecodeTimeout(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9
            || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return false;
        }
        var ticks = text[^1] switch
        {
            'H' => count * TimeSpan.TicksPerHour,
            'M' => count * TimeSpan.TicksPerMinute,
            'S' => count * TimeSpan.TicksPerSecond,
            'm' => count * TimeSpan.TicksPerMillisecond,
            'u' => count * TimeSpan.TicksPerMicrosecond,
            'n' => count / TimeSpan.NanosecondsPerTick,
            _ => -1,
        };
        timeout = TimeSpan.FromTicks(ticks);
        return ticks >= 0;
    }

    /// <summary><c>grpc-message</c>: UTF-8 with everything but printable ASCII, and %, as %XX.</summary>
    public static string PercentEncode(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(s_plain))
            return text;
        var encoded = new StringBuilder(text.Length + 16);
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (b is >= (byte)' ' and <= (byte)'~' and not (byte)'%')
                encoded.Append((char)b);
            else
                encoded.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }
        return encoded.ToString();
    }

    /// <summary>Never fails: what is no %XX stays as it is.</summary>
    public static string PercentDecode(string text)
    {
        if (!text.Contains('%'))
            return text;
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%' && i + 2 < text.Length
                && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes[length]))
            {
                length++;
                i += 2;
            }
            else
            {
                length += Encoding.UTF8.GetBytes(text.AsSpan(i, 1), bytes.AsSpan(length));
            }
        }
        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    /// <summary>Base64 without padding, as the specification prefers.</summary>
    public static string EncodeBinary(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    /// <summary>
    /// Adds a header that arrived. Bytes of one key may have been joined by commas; a <c>-bin</c> value that is no base64 is dropped.
    /// </summary>
    public static void AddReceived(Metadata metadata, string name, string value)
    {
        var key = name.ToLowerInvariant();
        if (IsReserved(key))
            return;
        if (!key.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.Ordinal))
        {
            metadata.Add(Metadata.Entry.Received(key, value));
            return;
        }
        foreach (var part in value.Split(',', StringSplitOptions.TrimEntries))
        {
            var padded = part.TrimEnd('=');
            padded = padded.PadRight((padded.Length + 3) / 4 * 4, '=');
            var bytes = new byte[padded.Length / 4 * 3];
            if (Convert.TryFromBase64String(padded, bytes, out var length))
                metadata.Add(Metadata.Entry.Received(key, bytes[..length]));
        }
    }
}
