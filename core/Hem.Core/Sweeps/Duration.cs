using System.Globalization;
using System.Text;

namespace Hem.Core.Sweeps;

/// <summary>Lengths of time as people write them: <c>90s</c>, <c>1h30m</c>, <c>12h</c>, <c>2d</c>, <c>500ms</c>.</summary>
public static class Duration
{
    private static readonly (string Unit, long Ticks)[] units =
    [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute), ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond),
    ];

    /// <summary>What is allowed, in words.</summary>
    public const string Expected = "a duration such as 90s, 30m, 12h or 1h30m";

    /// <summary>
    /// Reads numbers with units, each unit at most once and from large to small. No sign and no bare number; null for anything else or
    /// for more than ten thousand days.
    /// </summary>
    public static TimeSpan? Parse(string text)
    {
        if (text.Length is 0 or > 40) return null;
        var total = 0m;
        var position = 0;
        var largest = 0;  // units before this one are used up
        while (position < text.Length)
        {
            var start = position;
            while (position < text.Length && (char.IsAsciiDigit(text[position]) || text[position] == '.')) position++;
            var digits = text.AsSpan(start, position - start);
            start = position;
            while (position < text.Length && char.IsAsciiLetter(text[position])) position++;
            var unit = text[start..position];
            var index = Array.FindIndex(units, largest, known => known.Unit == unit);
            if (index < 0 || digits.Length > 9 || !char.IsAsciiDigit(digits.Length > 0 ? digits[0] : '.')
                || !decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return null;
            }
            total += number * units[index].Ticks;
            largest = index + 1;
        }
        return total <= TimeSpan.TicksPerDay * 10_000m ? TimeSpan.FromTicks((long)total) : null;
    }

    /// <summary>The shortest text that reads back as the same time, to the millisecond: <c>1h30m</c>.</summary>
    public static string Format(TimeSpan time)
    {
        if (time < TimeSpan.Zero) throw new ArgumentOutOfRangeException(nameof(time), time, "a duration is not negative");
        var ticks = time.Ticks;
        var text = new StringBuilder();
        foreach (var (unit, size) in units)
        {
            if (unit == "d") continue;  // 36h reads better than 1d12h, and Kubernetes' own durations know no days
            if (ticks < size) continue;
            text.Append(CultureInfo.InvariantCulture, $"{ticks / size}{unit}");
            ticks %= size;
        }
        return text.Length == 0 ? "0s" : text.ToString();
    }
}
