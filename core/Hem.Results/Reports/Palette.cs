using System.Globalization;

namespace Hem.Results.Reports;

/// <summary>Colours that people with any colour vision tell apart, and dashes for when colour is not there at all.</summary>
internal static class Palette
{
    // Okabe and Ito 2008, without yellow (too faint on white) and with black last; lightened for dark paper.
    private static readonly Paint[] Distinct =
    [
        new("#0072b2", "#4ba7e8"), new("#d55e00", "#f08a4b"), new("#009e73", "#35c79c"), new("#cc79a7", "#e6a3c6"),
        new("#b07800", "#f0b93a"), new("#56b4e9", "#a5dcff"), new("#1f2328", "#f4f4f1"),
    ];

    /// <summary>Colours there are.</summary>
    public const int Distinguishable = 7;

    private static readonly string?[] Dashes = [null, "7 3", "2 2.5", "9 3 2 3", "5 2", "1.5 3", "12 3"];

    // Light to dark on white, dark to light on dark paper: more is always the stronger contrast. Monotone in lightness.
    private static readonly string[] LightRamp = ["#8fb93a", "#3fa66b", "#1f8a8c", "#2f6792", "#3f3f86", "#3b0f56"];
    private static readonly string[] DarkRamp = ["#5f67b8", "#4a8fc7", "#38b5a8", "#6bd07a", "#bfe04a", "#fff08a"];

    public static readonly Paint Accent = Distinct[0];

    /// <summary>Configurations that can be told apart by colour and dash in one figure.</summary>
    public static int Most(bool ordered) => ordered ? 8 : Distinguishable;

    public static Paint Colour(int index) => Distinct[index % Distinct.Length];

    public static Paint Shade(int index, int count)
    {
        var at = count < 2 ? 1 : (double)index / (count - 1);
        return new(Blend(LightRamp, at), Blend(DarkRamp, at));
    }

    /// <summary>Ordered series are told apart by shade and label, unordered ones by dash as well.</summary>
    public static string? Dash(int index, bool ordered) => ordered ? null : Dashes[index % Dashes.Length];

    private static string Blend(string[] ramp, double at)
    {
        var position = at * (ramp.Length - 1);
        var below = Math.Min((int)position, ramp.Length - 2);
        var share = position - below;
        var result = "#";
        for (var channel = 1; channel < 7; channel += 2)
        {
            var a = int.Parse(ramp[below].AsSpan(channel, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var b = int.Parse(ramp[below + 1].AsSpan(channel, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            result += ((int)Math.Round(a + share * (b - a))).ToString("x2", CultureInfo.InvariantCulture);
        }
        return result;
    }
}
