using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Hem.Operator.Progress;

/// <summary>
/// What a service account's token says about itself. Nobody has checked it here: what it says counts only after the API server found the
/// token good, or where believing a lie does no harm.
/// </summary>
/// <param name="Expires">Null where it does not say.</param>
internal readonly record struct BearerToken(DateTimeOffset? Expires, string? PodUid, IReadOnlyList<string>? Audiences)
{
    public bool IsFor(string audience) => Audiences?.Contains(audience) == true;

    public static BearerToken Read(string token)
    {
        try
        {
            if (token.Split('.') is not [_, var payload, _]) return default;
            using var document = JsonDocument.Parse(FromBase64Url(payload));
            var claims = document.RootElement;
            if (claims.ValueKind != JsonValueKind.Object) return default;
            DateTimeOffset? expires = claims.TryGetProperty("exp", out var exp) && exp.TryGetInt64(out var seconds)
                ? DateTimeOffset.FromUnixTimeSeconds(seconds)
                : null;
            var pod = claims.TryGetProperty("kubernetes.io", out var kubernetes) && kubernetes.ValueKind == JsonValueKind.Object
                && kubernetes.TryGetProperty("pod", out var of) && of.ValueKind == JsonValueKind.Object
                && of.TryGetProperty("uid", out var uid) && uid.ValueKind == JsonValueKind.String
                    ? uid.GetString()
                    : null;
            return new BearerToken(expires, pod, AudiencesOf(claims));
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or ArgumentOutOfRangeException)
        {
            return default;
        }
    }

    /// <summary>Stands for the token where it is remembered: a token itself is kept nowhere.</summary>
    public static string Fingerprint(string token) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private static List<string> AudiencesOf(JsonElement claims)
    {
        if (!claims.TryGetProperty("aud", out var aud)) return [];
        if (aud.ValueKind == JsonValueKind.String) return [aud.GetString()!];
        return aud.ValueKind != JsonValueKind.Array ? []
            : [.. aud.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!)];
    }

    private static byte[] FromBase64Url(string text) => System.Buffers.Text.Base64Url.DecodeFromChars(text);
}
