using Hem.Results.Reports;

namespace Results.Tests.Reports;

/// <summary>Made-up sweeps that look like real ones.</summary>
internal static class Samples
{
    private static readonly DateTimeOffset Now = new(2026, 3, 14, 9, 30, 0, TimeSpan.Zero);

    public static ReportData Sweep(string name, params IEnumerable<ReportConfiguration> configurations) => new()
    {
        Sweep = name,
        ReadAt = Now,
        StartedAt = Now.AddHours(-2),
        SweepFile = $"examples/{name}.yaml",
        HemVersion = "0.1.0",
        ParametersSet = ["task", "algorithm", "N", "eta", "label"],
        Configurations = [.. configurations],
    };

    /// <summary>A logistic curve that reaches <paramref name="top"/>, half-way at <paramref name="half"/> trajectories.</summary>
    public static ReportConfiguration Configuration(
        IReadOnlyDictionary<string, string> parameters, int seeds, double half, double top, double spread = 0.03,
        int points = 40, int trajectoriesPerPoint = 600)
    {
        var id = string.Join(';', parameters.Select(pair => $"{pair.Key}={pair.Value}"));
        return new()
        {
            Id = Hash(id).ToString("x16"),
            Label = id,
            Parameters = new Dictionary<string, string>(parameters)
            {
                ["evaluationEpisodes"] = "200",
                ["batchSize"] = parameters.GetValueOrDefault("N", "0"),
            },
            Trials = [.. Enumerable.Range(0, seeds).Select(seed => Trial(id, seed, half, top, spread, points, trajectoriesPerPoint))],
        };
    }

    public static Dictionary<string, string> Parameters(string task, string algorithm, params (string Name, string Value)[] others)
    {
        var result = new Dictionary<string, string> { ["task"] = task, ["algorithm"] = algorithm };
        foreach (var (name, value) in others)
            result[name] = value;
        return result;
    }

    public static ReportTrial Trial(
        string configuration, int seed, double half, double top, double spread, int points, int trajectoriesPerPoint)
    {
        var random = new Random((int)(Hash($"{configuration}/{seed}") & 0x7fffffff));
        var shift = half * (1 + 2 * spread * (random.NextDouble() - 0.5) * 4);
        var ceiling = Math.Min(1, top + spread * (random.NextDouble() + random.NextDouble() - 1));
        var pace = 0.9 + 0.3 * random.NextDouble();
        return new()
        {
            Name = $"sample-{Hash($"{configuration}/{seed}"):x16}",
            Seed = seed,
            State = ReportTrialState.Complete,
            Attempts = 1,
            Points =
            [
                .. Enumerable.Range(0, points).Select(i =>
                {
                    var trajectories = (long)i * trajectoriesPerPoint;
                    var rate = ceiling / (1 + Math.Exp(-(trajectories - shift) / (0.15 * half + 1)));
                    var error = Math.Sqrt(Math.Max(0, rate * (1 - rate)) / 200);
                    var noisy = Math.Round(200 * Math.Clamp(rate + error * (random.NextDouble() * 3.4 - 1.7), 0, 1)) / 200;
                    return new ReportPoint(i, trajectories, trajectories * 25, i * 40,
                        i == 0 ? 0 : noisy, i == 0 ? double.NaN : 2.0 / (i + 1), i * 7.3 * pace);
                }),
            ],
        };
    }

    /// <summary>The first so many points of a trial, in a state.</summary>
    public static ReportTrial Cut(ReportTrial trial, int points, ReportTrialState state, string? reason = null) => trial with
    {
        Points = [.. trial.Points.Take(points)],
        State = state,
        Reason = reason,
        Failures = reason is null ? 0 : 3,
        Attempts = state == ReportTrialState.Waiting ? 0 : reason is null ? 1 : 3,
    };

    public static ReportData Quickstart() => Sweep("quickstart",
        Configuration(Parameters("flipbit-12", "hem", ("N", "5")), 3, 2600, 0.86, points: 16, trajectoriesPerPoint: 300),
        Configuration(Parameters("flipbit-12", "hem", ("N", "20")), 3, 1500, 0.99, 0.02, points: 16, trajectoriesPerPoint: 300));

    public static ReportData Figure10a() => Sweep("figure-10a", Ns(5).Select(n =>
        Configuration(Parameters("flipbit-50", "hem", ("N", n.N)), 5, n.Half, n.Top, n.Spread, points: 76)));

    public static ReportData TwoTasks() => Sweep("two-tasks", new[] { "flipbit-25", "flipbit-5" }.SelectMany(task =>
        new[] { "hem", "her", "hpg" }.Select((algorithm, i) =>
        Configuration(Parameters(task, algorithm), 5, 4000 + 3000 * i, 0.95 - 0.2 * i * (task == "flipbit-25" ? 1 : 0.05), 0.06))));

    public static ReportData Forty() => Sweep("grid-of-forty", new[] { "hem", "her", "hem-her", "hpg" }.SelectMany((algorithm, a) =>
        new[] { "5", "10", "20", "40", "80" }.SelectMany((n, i) => new[] { "0.1", "0.5" }.Select((eta, e) =>
            Configuration(Parameters("fourrooms", algorithm, ("N", n), ("eta", eta)),
                3, 3000 + 1500 * a + 1200 * (4 - i), 0.9 - 0.1 * a - 0.02 * e + 0.01 * i, 0.06)))));

    public static ReportData Partial()
    {
        var whole = Figure10a();
        return whole with
        {
            Sweep = "partial",
            Configurations = [.. whole.Configurations.Select((configuration, i) => configuration with
            {
                Trials = [.. configuration.Trials.Select((trial, seed) =>
                    i == 0 && seed == 1 ? Cut(trial, 30, ReportTrialState.Failed, "exit code 1: out of memory") :
                    i == 1 && seed < 1 ? trial with { Points = [.. trial.Points.Take(60)], StoppedEarly = true } :
                    i == 3 && seed == 1 ? trial with { Attempts = 2, Disruptions = 1 } :
                    i + seed < 4 ? trial :
                    i + seed < 6 ? Cut(trial, 20 + 5 * seed, ReportTrialState.Running) :
                    Cut(trial, 0, ReportTrialState.Waiting))],
            })],
        };
    }

    public static ReportData OneSeed() => Sweep("one-seed", Ns(3).Select(n =>
        Configuration(Parameters("flipbit-50", "hem", ("N", n.N)), 1, n.Half, n.Top)));

    public static ReportData Perfect() => Sweep("perfect", new[] { "hem", "her" }.Select(algorithm =>
        Perfect(Configuration(Parameters("fetch-reach", algorithm), 3, 900, 1, 0))));

    private static ReportConfiguration Perfect(ReportConfiguration configuration) => configuration with
    {
        Trials = [.. configuration.Trials.Select(trial => trial with
        {
            Points = [.. trial.Points.Select((point, i) => i < 8 ? point : point with { SuccessRate = 1 })],
        })],
    };

    private static IEnumerable<(string N, double Half, double Top, double Spread)> Ns(int count) => new[]
    {
        ("5", 26000.0, 0.72, 0.12), ("10", 22000, 0.85, 0.09), ("20", 17000, 0.93, 0.06),
        ("40", 13000, 0.96, 0.04), ("80", 11000, 0.975, 0.03),
    }.TakeLast(count);

    private static ulong Hash(string text) => text.Aggregate(14695981039346656037UL, (hash, c) => (hash ^ c) * 1099511628211UL);
}
