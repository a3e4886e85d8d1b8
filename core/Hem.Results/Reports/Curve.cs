using Hem.Core.Statistics;

namespace Hem.Results.Reports;

/// <summary>What a learning curve is drawn against.</summary>
internal sealed record CurveAxis(string Id, string Name, string Title, Func<ReportPoint, double> Of)
{
    public static readonly CurveAxis Trajectories =
        new("trajectories", "trajectories", "trajectories collected (all workers together)", point => point.Trajectories);

    public static readonly CurveAxis Iterations = new("iterations", "iterations", "iterations", point => point.Iteration);

    /// <summary>Wall time in the unit that suits the longest trial.</summary>
    public static CurveAxis Time(TaskResults task)
    {
        var longest = task.Configurations.SelectMany(configuration => configuration.Trials)
            .Select(trial => trial.Points.Count > 0 ? trial.Points[^1].WallSeconds : 0).DefaultIfEmpty(0).Max();
        var (unit, seconds) = longest < 120 ? ("s", 1.0) : longest < 7200 ? ("min", 60) : ("h", 3600);
        return new("time", "wall time", $"time spent training and evaluating ({unit})", point => point.WallSeconds / seconds);
    }
}

/// <summary>
/// One trial's curve; <paramref name="Stopped"/> when <c>stopAt</c> ended it, <paramref name="Unfinished"/> when it still runs or
/// failed.
/// </summary>
internal sealed record SeedCurve(long Seed, double[] X, double[] Y, bool Stopped, bool Unfinished)
{
    /// <summary>Value at <paramref name="x"/>, by a straight line between evaluations; the last value after the last one.</summary>
    public double At(double x)
    {
        var index = Array.BinarySearch(X, x);
        if (index >= 0)
            return Y[index];
        var above = ~index;
        return above == 0 ? Y[0] : above == X.Length ? Y[^1]
            : Y[above - 1] + (x - X[above - 1]) / (X[above] - X[above - 1]) * (Y[above] - Y[above - 1]);
    }
}

/// <summary>
/// A configuration's curve: the centre over its finished trials with the pointwise 95% interval, and every seed's own.
/// </summary>
/// <remarks>
/// A finished trial keeps its last value up to the end of the configuration's longest. Where no trial has finished yet, the unfinished
/// ones stand in as far as all of them have come (<see cref="Provisional"/>).
/// </remarks>
internal sealed class Curve
{
    /// <summary>Finished seeds that a band needs: over two, the t interval (12.7 standard errors to each side) fills the frame.</summary>
    public const int BandFrom = 3;

    private const int MostPoints = 4_000;     // of the centre line; beyond, every k-th
    private const int BootstrapPoints = 150;

    public double[] X { get; private init; } = [];

    public double[] Y { get; private init; } = [];

    /// <summary>Empty without an interval.</summary>
    public double[] Low { get; private init; } = [];

    public double[] High { get; private init; } = [];

    public bool Provisional { get; private init; }

    public IReadOnlyList<SeedCurve> Seeds { get; private init; } = [];

    public static Curve Of(ConfigurationResult configuration, CurveAxis axis, Center center, bool withBand)
    {
        var seeds = configuration.Trials.Select(trial => Seed(trial, axis)).Where(seed => seed.X.Length > 0).ToArray();
        var finished = seeds.Where(seed => !seed.Unfinished).ToArray();
        var provisional = finished.Length == 0;
        var used = provisional ? seeds : finished;
        if (used.Length == 0)
            return new();

        var first = used.Max(seed => seed.X[0]);
        var last = provisional ? used.Min(seed => seed.X[^1]) : used.Max(seed => seed.X[^1]);
        var grid = used.SelectMany(seed => seed.X).Where(x => first <= x && x <= last).Distinct().Order().ToArray();
        grid = Thin(grid, withBand && center == Center.InterquartileMean ? BootstrapPoints : MostPoints);

        double[] y = new double[grid.Length], low = [], high = [];
        var banded = withBand && used.Length >= BandFrom && !provisional;
        if (banded)
            (low, high) = (new double[grid.Length], new double[grid.Length]);
        var values = new double[used.Length];
        for (var i = 0; i < grid.Length; i++)
        {
            for (var k = 0; k < used.Length; k++)
                values[k] = used[k].At(grid[i]);
            y[i] = center == Center.Mean ? Summary.Mean(values) : Summary.InterquartileMean(values);
            if (!banded)
                continue;
            var interval = center == Center.Mean ? StudentT.MeanInterval(values) : Bootstrap.InterquartileMean([values], 400);
            (low[i], high[i]) = (Math.Clamp(interval.Low, 0, 1), Math.Clamp(interval.High, 0, 1));
        }
        return new() { X = grid, Y = y, Low = low, High = high, Provisional = provisional, Seeds = seeds };
    }

    private static SeedCurve Seed(ReportTrial trial, CurveAxis axis)
    {
        var points = trial.Points.Select(point => (X: axis.Of(point), Y: point.SuccessRate))
            .Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y)).ToArray();
        // Time may stand still between two points; the later one then counts.
        var kept = points.Where((point, i) => i == points.Length - 1 || points[i + 1].X > point.X).ToArray();
        return new(trial.Seed, [.. kept.Select(point => point.X)], [.. kept.Select(point => point.Y)],
            trial.StoppedEarly, trial.State != ReportTrialState.Complete);
    }

    private static double[] Thin(double[] grid, int most)
    {
        if (grid.Length <= most)
            return grid;
        var step = (grid.Length - 1.0) / (most - 1);
        return [.. Enumerable.Range(0, most).Select(i => grid[(int)Math.Round(i * step)])];
    }

    /// <summary>
    /// Which points of a line to draw so that it looks as all of them would: in each bucket of a pixel's width the first, the lowest, the
    /// highest and the last.
    /// </summary>
    internal static IReadOnlyList<int> Visible(double[] x, double[] y, double low, double high, int buckets)
    {
        if (x.Length <= 2 * buckets || !(high > low))
            return [.. Enumerable.Range(0, x.Length)];
        var kept = new List<int>();
        for (var start = 0; start < x.Length;)
        {
            var bucket = Bucket(x[start]);
            int end = start, least = start, most = start;
            for (; end < x.Length && Bucket(x[end]) == bucket; end++)
            {
                least = y[end] < y[least] ? end : least;
                most = y[end] > y[most] ? end : most;
            }
            kept.AddRange(new SortedSet<int> { start, least, most, end - 1 });
            start = end;
        }
        return kept;

        int Bucket(double value) => (int)((value - low) / (high - low) * buckets);
    }
}
