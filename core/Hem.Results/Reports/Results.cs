using System.Globalization;
using Hem.Core.Statistics;
using Hem.Core.Sweeps;

namespace Hem.Results.Reports;

/// <summary>One configuration of a task with what its finished trials scored.</summary>
internal sealed record ConfigurationResult(
    ReportConfiguration Source, string Label, IReadOnlyList<ReportTrial> Trials, IReadOnlyList<SeedScore> Scores)
{
    public int Count(ReportTrialState state) => Trials.Count(trial => trial.State == state);

    public bool Partial => Scores.Count < Trials.Count;
}

/// <summary>
/// All that is said of one task. Tasks are never averaged over: a sweep with several has several of these.
/// </summary>
internal sealed class TaskResults
{
    /// <summary>The task's name; empty when the parameters name none.</summary>
    public string Task { get; }

    /// <summary>Configurations that the sweep still asks for, by the values of the parameters that vary.</summary>
    public IReadOnlyList<ConfigurationResult> Configurations { get; }

    /// <summary>Rows refer to <see cref="Configurations"/> by index.</summary>
    public Ranking Ranking { get; }

    /// <summary>Comparisons with the best configuration that have an interval.</summary>
    public int Comparisons { get; }

    /// <summary>Parameters that differ between the task's configurations.</summary>
    public IReadOnlyList<string> Varying { get; }

    /// <summary>One parameter varies and is a number: configurations have an order that colours and rows follow.</summary>
    public bool Ordered { get; }

    /// <summary>
    /// The parameter that colours stand for where configurations are too many for a colour each: the first that varies with few values.
    /// </summary>
    public string? ColourBy { get; }

    private readonly Dictionary<string, int> colours = [];

    private readonly IReadOnlyList<string> named;

    private TaskResults(string task, IReadOnlyList<ReportConfiguration> sources, IReadOnlyCollection<string>? candidates)
    {
        Task = task;
        Varying = VaryingParameters(sources, candidates);
        named = Named(sources, Varying);
        Ordered = sources.Count > 1 && Varying.Count == 1 && sources.All(source => Number(source, Varying[0]) is not null);
        Configurations =
        [
            .. sources.OrderBy(source => source, Comparer<ReportConfiguration>.Create(Compare)).Select(source =>
            {
                var trials = source.Trials.Where(trial => !trial.Superseded).OrderBy(trial => trial.Seed).ToArray();
                var scores = trials.Where(IsScored).Select(trial => Score(source, trial));
                return new ConfigurationResult(source, Label(source), trials, [.. scores]);
            }),
        ];
        Ranking = Ranking.Of([.. Configurations.Select(configuration => configuration.Scores)]);
        if (!Ordered && Configurations.Count > Palette.Most(Ordered))
        {
            ColourBy = Varying.FirstOrDefault(name => Values(name).Count is > 1 and <= Palette.Distinguishable);
            foreach (var value in ColourBy is null ? [] : Values(ColourBy))
                colours.Add(value, colours.Count);
        }
        Comparisons = Ranking.Rows.Count(row => row.AgainstBest?.Interval is not null);
    }

    /// <summary>Too many to share one frame.</summary>
    public bool Many => Configurations.Count > Palette.Most(Ordered);

    /// <summary>The colour of a configuration, the same in every figure of the task.</summary>
    public Paint Paint(int index) => Ordered ? Palette.Shade(index, Configurations.Count)
        : !Many ? Palette.Colour(index)
        : ColourBy is null ? Palette.Accent
        : Palette.Colour(colours[Configurations[index].Source.Parameters.GetValueOrDefault(ColourBy, "")]);

    private List<string> Values(string name) =>
    [
        .. Configurations.Select(configuration => configuration.Source.Parameters.GetValueOrDefault(name, ""))
            .Distinct().Order(NaturalOrder.Instance),
    ];

    public static IReadOnlyList<TaskResults> Of(ReportData data) =>
    [
        .. data.Configurations.Where(configuration => !configuration.Superseded)
            .GroupBy(configuration => configuration.Parameters.GetValueOrDefault("task", ""))
            .OrderBy(group => group.Key, NaturalOrder.Instance)
            .Select(group => new TaskResults(group.Key, [.. group], data.ParametersSet)),
    ];

    /// <summary>Parameters with more than one value, the ones that people name first in front.</summary>
    public static IReadOnlyList<string> VaryingParameters(
        IReadOnlyList<ReportConfiguration> configurations, IReadOnlyCollection<string>? candidates)
    {
        var values = new Dictionary<string, (string? Value, int Seen, bool Varies)>(StringComparer.Ordinal);
        foreach (var configuration in configurations)
        {
            foreach (var (name, value) in configuration.Parameters)
            {
                var known = values.TryGetValue(name, out var entry);
                values[name] = known ? (entry.Value, entry.Seen + 1, entry.Varies || entry.Value != value) : (value, 1, false);
            }
        }
        return
        [
            .. ConfigurationLabels.InOrder(
                values.Where(pair => pair.Value.Varies || pair.Value.Seen < configurations.Count).Select(pair => pair.Key)
                    .Where(name => candidates is null || candidates.Contains(name))),
        ];
    }

    public static bool IsScored(ReportTrial trial) => trial.State == ReportTrialState.Complete && trial.Points.Count > 0;

    public static SeedScore Score(ReportConfiguration configuration, ReportTrial trial)
    {
        var untrainedFirst = trial.Points.Count > 0 && trial.Points[0].Iteration == 0;
        double[] rates = [.. trial.Points.Select(point => point.SuccessRate)];
        var episodes = Number(configuration, "evaluationEpisodes") is { } number ? (long)number : 0;
        return new(trial.Seed, FinalScore.Of(rates, trial.StoppedEarly, untrainedFirst),
            episodes * FinalScore.Evaluations(rates.Length, trial.StoppedEarly, untrainedFirst));
    }

    // How long was trained and how often looked stands below the ranking; labels name it only where nothing else tells them apart.
    private static IReadOnlyList<string> Named(IReadOnlyList<ReportConfiguration> sources, IReadOnlyList<string> varying)
    {
        string[] shorter = [.. varying.Where(name => name is not ("iterations" or "evaluateEvery"))];
        var labels = sources.Select(source => ConfigurationLabels.Of(shorter, source.Parameters.GetValueOrDefault));
        return labels.Distinct().Count() == sources.Count ? shorter : varying;
    }

    // A parameter that another one makes meaningless is absent, and left out of the label.
    private string Label(ReportConfiguration source)
    {
        var label = ConfigurationLabels.Of(named, source.Parameters.GetValueOrDefault);
        return label.Length > 0 ? label
            : source.Parameters.GetValueOrDefault("algorithm") ?? (source.Label.Length > 0 ? source.Label : source.Id);
    }

    private int Compare(ReportConfiguration? left, ReportConfiguration? right)
    {
        foreach (var name in Varying)
        {
            var order = NaturalOrder.Instance.Compare(left!.Parameters.GetValueOrDefault(name), right!.Parameters.GetValueOrDefault(name));
            if (order != 0)
                return order;
        }
        return string.CompareOrdinal(left!.Id, right!.Id);
    }

    internal static double? Number(ReportConfiguration configuration, string name) =>
        configuration.Parameters.TryGetValue(name, out var text)
        && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null;
}

/// <summary>Numbers by value, and text so that flipbit-5 comes before flipbit-25.</summary>
internal sealed class NaturalOrder : IComparer<string?>
{
    public static readonly NaturalOrder Instance = new();

    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
            return (x is null ? 0 : 1) - (y is null ? 0 : 1);
        if (double.TryParse(x, CultureInfo.InvariantCulture, out var a) && double.TryParse(y, CultureInfo.InvariantCulture, out var b))
            return a.CompareTo(b);
        for (int i = 0, j = 0; ;)
        {
            if (i == x.Length || j == y.Length)
                return (x.Length - i) - (y.Length - j);
            if (char.IsAsciiDigit(x[i]) && char.IsAsciiDigit(y[j]))
            {
                // A longer run of digits (without leading zeros) is the greater number.
                var left = Digits(x, ref i);
                var right = Digits(y, ref j);
                var order = left.Length != right.Length ? left.Length - right.Length : left.SequenceCompareTo(right);
                if (order != 0)
                    return order;
            }
            else if (x[i] != y[j])
            {
                return x[i] - y[j];
            }
            else
            {
                i++;
                j++;
            }
        }
    }

    private static ReadOnlySpan<char> Digits(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return text.AsSpan(start, at - start).TrimStart('0');
    }
}
