using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hem.Core.Sweeps;

/// <summary>
/// Who a trial is: SHA-256 over the API version, the seed and the parameters that differ from the frozen defaults, as canonical JSON
/// (RFC 8785). So writing a default out, another order, or a parameter that a later version adds change no name.
/// </summary>
public static class Identity
{
    /// <summary>Hex digits of a hash that go into a name.</summary>
    public const int NameDigits = 16;

    /// <summary>64 hex digits for a trial.</summary>
    public static string TrialHash(ParameterSet parameters, int seed) => Hash(Prefix(parameters), seed);

    /// <summary>16 hex digits for the parameters without a seed.</summary>
    public static string ConfigurationId(ParameterSet parameters) => ConfigurationIdOf(Prefix(parameters));

    internal static string ConfigurationIdOf(string prefix) => Sha256(prefix + "}")[..NameDigits];

    /// <summary>The name of a trial of that hash in that sweep.</summary>
    public static string TrialName(string sweep, string hash) => string.Concat(sweep, "-", hash.AsSpan(0, NameDigits));

    /// <summary>The canonical JSON of a configuration but for its closing brace, so that a seed can still be added.</summary>
    internal static string Prefix(ParameterSet parameters)
    {
        var builder = new StringBuilder(256).Append("{\"apiVersion\":\"").Append(HemSweep.CurrentApiVersion).Append("\",\"parameters\":");
        CanonicalJson.Append(builder, ParameterTable.WithoutDefaults(parameters));
        return builder.ToString();
    }

    internal static string Hash(string prefix, int seed) =>
        Sha256(string.Create(CultureInfo.InvariantCulture, $"{prefix},\"seed\":{seed}}}"));

    internal static string Sha256(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var length = Encoding.UTF8.GetMaxByteCount(text.Length);
        Span<byte> utf8 = length <= 2048 ? stackalloc byte[length] : new byte[length];
        SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(text, utf8)], hash);
        return Convert.ToHexStringLower(hash);
    }
}
