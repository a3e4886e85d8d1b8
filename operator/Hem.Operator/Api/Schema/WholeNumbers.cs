using System.Globalization;

namespace Hem.Operator.Api.Schema;

/// <summary>Regular expressions for ranges of whole numbers.</summary>
internal static class WholeNumbers
{
    /// <summary>Matches the numbers from <paramref name="min"/> to <paramref name="max"/>, without leading zeros; in brackets.</summary>
    public static string Pattern(int min, int max)
    {
        var parts = new List<string>();
        for (var low = min; low <= max;)
        {
            // The largest block of numbers from here on that share a beginning and have any digits behind it.
            var high = low;
            for (var size = 10; low % size == 0 && low + size - 1 <= max; size *= 10) high = low + size - 1;
            var free = (high - low + 1).ToString(CultureInfo.InvariantCulture).Length - 1;
            var shift = (int)Math.Pow(10, free);
            // More blocks of that size beside it differ in one digit.
            while (high + shift <= max && (high + shift) / shift / 10 == low / shift / 10) high += shift;
            parts.Add(Block(low / shift, high / shift) + (free == 0 ? "" : free == 1 ? "[0-9]" : $"[0-9]{{{free}}}"));
            low = high + 1;
        }
        return $"({string.Join("|", parts)})";
    }

    private static string Block(int first, int last)
    {
        if (first == last) return first.ToString(CultureInfo.InvariantCulture);
        var stem = first / 10 > 0 ? (first / 10).ToString(CultureInfo.InvariantCulture) : "";
        return $"{stem}[{first % 10}-{last % 10}]";
    }
}
