using Hem.Core.Statistics;

namespace Core.Tests.Statistics;

/// <summary>How often an interval holds the truth when runs are drawn from a known distribution of final success rates.</summary>
internal sealed class CoverageSimulation(string name, Func<SplitMix, (double Rate, SplitMix Next)> draw)
{
    public const int Episodes = 1_000;   // five evaluations of 200

    public string Name => name;

    private readonly Lazy<(double Mean, double Iqm)> truth = new(() =>
    {
        var random = new SplitMix(99);
        var values = new double[400_000];
        for (var i = 0; i < values.Length; i++)
            (values[i], random) = Run(draw, random);
        return (Summary.Mean(values), Summary.InterquartileMean(values));
    });

    /// <summary>Share of <paramref name="sweeps"/> simulated sweeps of n runs whose interval holds the population's centre.</summary>
    public double Coverage(int n, int sweeps, Func<SeedScore[], Interval?> interval, Center center = Center.Mean)
    {
        var target = center == Center.Mean ? truth.Value.Mean : truth.Value.Iqm;
        var random = new SplitMix(n);
        var scores = new SeedScore[n];
        var held = 0;
        for (var sweep = 0; sweep < sweeps; sweep++)
        {
            for (var i = 0; i < n; i++)
            {
                (var value, random) = Run(draw, random);
                scores[i] = new(i, value, Episodes);
            }
            if (interval(scores) is { } found && found.Contains(target))
                held++;
        }
        return (double)held / sweeps;
    }

    /// <summary>Seeds whose policies differ in quality and that are then measured on finitely many episodes.</summary>
    public static readonly CoverageSimulation[] WhereTHolds =
    [
        new("spread around 0.8: Beta(8, 2)", r => Beta(r, 8, 2)),
        new("spread around 0.5: uniform 0.2..0.8", r => Uniform(r, 0.2, 0.8)),
        new("near 1, a tail below: Beta(20, 3)", r => Beta(r, 20, 3)),
        new("truncated: normal(0.95, 0.05), cut at 1", r => Clipped(r, 0.95, 0.05)),
        new("alike: normal(0.97, 0.003)", r => Clipped(r, 0.97, 0.003)),
        new("perfect: every seed at 1", r => (1, r)),
    ];

    /// <summary>What docs/statistics.md warns of.</summary>
    public static readonly CoverageSimulation[] WhereTFails =
    [
        new("pressed against 1: Beta(50, 1)", r => Beta(r, 50, 1)),
        new("two kinds of seed: half learn, half do not", r => Mixture(r, 0.5)),
        new("one seed in four does not learn", r => Mixture(r, 0.25)),
        new("one seed in ten does not learn", r => Mixture(r, 0.1)),
    ];

    private static (double, SplitMix) Run(Func<SplitMix, (double, SplitMix)> draw, SplitMix random)
    {
        (var rate, random) = draw(random);
        var successes = Binomial(ref random, Episodes, Math.Clamp(rate, 0, 1));
        return ((double)successes / Episodes, random);
    }

    private static (double, SplitMix) Uniform(SplitMix random, double low, double high)
    {
        var value = low + (high - low) * random.NextDouble();
        return (value, random);
    }

    private static (double, SplitMix) Beta(SplitMix random, double a, double b)
    {
        var x = Gamma(ref random, a);
        var y = Gamma(ref random, b);
        return (x / (x + y), random);
    }

    private static (double, SplitMix) Clipped(SplitMix random, double mean, double deviation)
    {
        var value = Math.Clamp(mean + deviation * Normal(ref random), 0, 1);
        return (value, random);
    }

    private static (double, SplitMix) Mixture(SplitMix random, double failing) =>
        random.NextDouble() < failing ? Beta(random, 2, 18) : Beta(random, 60, 2);

    internal static double Normal(ref SplitMix random) =>
        Math.Sqrt(-2 * Math.Log(random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    // Marsaglia and Tsang 2000, for shapes of at least 1.
    private static double Gamma(ref SplitMix random, double shape)
    {
        var d = shape - 1.0 / 3;
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = Normal(ref random);
            var v = 1 + c * x;
            if (v <= 0)
                continue;
            v = v * v * v;
            if (Math.Log(random.NextDouble()) < 0.5 * x * x + d - d * v + d * Math.Log(v))
                return d * v;
        }
    }

    // Few failures or successes are counted by their geometric gaps; many are as good as normal.
    private static int Binomial(ref SplitMix random, int n, double p)
    {
        if (p > 0.5)
            return n - Binomial(ref random, n, 1 - p);
        if (p == 0)
            return 0;
        if (n * p > 60)
            return Math.Clamp((int)Math.Round(n * p + Math.Sqrt(n * p * (1 - p)) * Normal(ref random)), 0, n);
        var successes = -1;
        for (double position = 0; position <= n; successes++)
            position += Math.Ceiling(Math.Log(random.NextDouble()) / Math.Log(1 - p));
        return successes;
    }
}
