namespace Hem.Cli.Engine;

/// <summary>How long trials take, learned from those that are complete: by configuration, and over all where one was never run.</summary>
internal sealed class TimeModel
{
    private readonly Dictionary<string, (double Seconds, int Trials)> _byConfiguration = new(StringComparer.Ordinal);

    /// <summary>Takes <paramref name="trials"/> complete trials in.</summary>
    public void Learn(string configuration, double seconds, int trials = 1)
    {
        (double sum, int count) = _byConfiguration.GetValueOrDefault(configuration);
        _byConfiguration[configuration] = (sum + seconds * trials, count + trials);
    }

    /// <summary>What a trial of this configuration took on average, s; null where none is known.</summary>
    public double? Known(string configuration) =>
        _byConfiguration.TryGetValue(configuration, out (double Seconds, int Trials) known) ? known.Seconds / known.Trials : null;

    /// <summary>What <see cref="Known"/> says, else the mean over these configurations, s; null where nothing is known.</summary>
    public double? Expect(string configuration, IEnumerable<string> alike)
    {
        if (Known(configuration) is { } own) return own;
        double[] others = [.. alike.Distinct().Select(Known).OfType<double>()];
        return others.Length > 0 ? others.Average() : null;
    }

    /// <summary>Time until all are done on so many slots, s: the work spread evenly, but no less than the longest trial.</summary>
    public static double Makespan(IReadOnlyCollection<double> seconds, int slots) =>
        seconds.Count == 0 ? 0 : Math.Max(seconds.Max(), seconds.Sum() / Math.Max(1, Math.Min(slots, seconds.Count)));
}
