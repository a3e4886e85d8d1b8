using System.Globalization;

namespace Hem.Results.Reports;

/// <summary>A linear axis with round ticks.</summary>
internal sealed class Scale
{
    public double Low { get; }

    public double High { get; }

    public IReadOnlyList<double> Ticks { get; }

    private readonly double from;
    private readonly double to;

    /// <param name="low">Least value shown.</param>
    /// <param name="high">Greatest value shown.</param>
    /// <param name="from">Where the least value is drawn.</param>
    /// <param name="to">Where the greatest value is drawn.</param>
    /// <param name="ticks">About how many ticks.</param>
    public Scale(double low, double high, double from, double to, int ticks)
    {
        if (!(high > low))
            high = low + (low == 0 ? 1 : Math.Abs(low));
        (Low, High, this.from, this.to) = (low, high, from, to);
        var step = Step((high - low) / Math.Max(1, ticks));
        var first = (long)Math.Ceiling(low / step - 1e-9);
        var last = (long)Math.Floor(high / step + 1e-9);
        Ticks = [.. Enumerable.Range(0, (int)(last - first + 1)).Select(i => Math.Round((first + i) * step, 12))];
    }

    private Scale(Scale scale, double by) =>
        (Low, High, Ticks, from, to) = (scale.Low, scale.High, scale.Ticks, scale.from + by, scale.to + by);

    /// <summary>The same axis drawn elsewhere.</summary>
    public Scale Moved(double by) => new(this, by);

    public double At(double value) => from + (value - Low) / (High - Low) * (to - from);

    /// <summary>1, 2, 2.5 or 5 times a power of ten, the smallest that is not below <paramref name="raw"/>.</summary>
    internal static double Step(double raw)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        foreach (var factor in new[] { 1, 2, 2.5, 5, 10 })
        {
            if (factor * power >= raw * (1 - 1e-9))
                return factor * power;
        }
        return 10 * power;
    }

    /// <summary>The ticks' labels: thousands separated, as many decimals as the step needs.</summary>
    public IReadOnlyList<string> Labels()
    {
        var decimals = 0;
        if (Ticks.Count > 1)
        {
            var step = Ticks[1] - Ticks[0];
            while (decimals < 6 && Math.Abs(step * Math.Pow(10, decimals) - Math.Round(step * Math.Pow(10, decimals))) > 1e-6)
                decimals++;
        }
        var format = "N" + decimals.ToString(CultureInfo.InvariantCulture);
        return [.. Ticks.Select(tick => tick.ToString(format, CultureInfo.InvariantCulture))];
    }
}
