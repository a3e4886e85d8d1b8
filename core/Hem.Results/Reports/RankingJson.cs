using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hem.Core.Statistics;
using Hem.Core.Sweeps;

namespace Hem.Results.Reports;

/// <summary>
/// The ranking for scripts.
/// </summary>
/// <remarks>
/// <para><c>sweep</c>, <c>readAt</c> (ISO 8601), <c>hemVersion</c>, <c>partial</c> (some trial that the sweep asks for is not finished),
/// <c>trials</c> {<c>total</c>, <c>complete</c>, <c>running</c>, <c>waiting</c>, <c>failed</c>, <c>superseded</c>: not in total}, and
/// <c>tasks</c>: one entry per task, never averaged over, with <c>task</c>, <c>headline</c>, <c>score</c> (<c>mean</c> or
/// <c>interquartileMean</c>), and <c>ranking</c>, best first.</para>
/// <para>A row: <c>rank</c> (equal scores share it; null with too few seeds to be ranked), <c>configuration</c> (its id), <c>label</c>,
/// <c>parameters</c> (those that vary within the sweep), <c>seeds</c> (finished), <c>seedsPlanned</c>,
/// <c>iterations</c> and <c>trajectories</c> (of its longest finished trial), <c>score</c>, <c>interval</c>
/// ([low, high] at 95%, or null), <c>intervalMethod</c> (<c>studentT</c>, <c>bootstrap</c>, <c>evaluationError</c>, <c>none</c>),
/// <c>mean</c>, <c>median</c>, <c>interquartileMean</c>, <c>standardDeviation</c>, <c>scores</c> [{<c>seed</c>, <c>score</c>}], and
/// <c>againstBest</c>, null for the first: <c>verdict</c> (<c>worse</c>, <c>betterOverCommonSeeds</c>, <c>noDifferenceShown</c>,
/// <c>noDifferenceShownAmongMany</c>, <c>tooFewSeeds</c>, <c>noInterval</c>), <c>text</c>, <c>commonSeeds</c>, <c>difference</c>
/// (best minus this one), <c>interval</c>, <c>pValue</c>
/// (of this comparison alone; the verdict is Holm's over all), <c>probabilityOfImprovement</c> (of a run of the best scoring
/// higher than a run of this one). Numbers are not rounded; what is not there is null.</para>
/// </remarks>
internal static class RankingJson
{
    public static string Render(ReportData data, IReadOnlyList<TaskResults> tasks, IReadOnlyList<string> headlines)
    {
        using var stream = new MemoryStream();
        // Labels and headlines are for people: no \u escapes beyond what JSON asks for.
        using (var json = new Utf8JsonWriter(stream, new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("sweep", data.Sweep);
            json.WriteString("readAt", data.ReadAt);
            json.WriteString("hemVersion", data.HemVersion);
            WriteTrials(json, data, tasks);
            json.WriteStartArray("tasks");
            var varying = TaskResults.VaryingParameters(data.Configurations, data.ParametersSet);
            for (var i = 0; i < tasks.Count; i++)
                WriteTask(json, tasks[i], headlines[i], varying);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void WriteTrials(Utf8JsonWriter json, ReportData data, IReadOnlyList<TaskResults> tasks)
    {
        var counts = TrialCounts.Of(data, tasks);
        json.WriteBoolean("partial", counts.Complete < counts.Total);
        json.WriteStartObject("trials");
        json.WriteNumber("total", counts.Total);
        json.WriteNumber("complete", counts.Complete);
        json.WriteNumber("running", counts.Running);
        json.WriteNumber("waiting", counts.Waiting);
        json.WriteNumber("failed", counts.Failed);
        json.WriteNumber("superseded", counts.Superseded);
        json.WriteEndObject();
    }

    private static void WriteTask(Utf8JsonWriter json, TaskResults task, string headline, IReadOnlyList<string> varying)
    {
        json.WriteStartObject();
        json.WriteString("task", task.Task);
        json.WriteString("headline", headline);
        json.WriteString("score", task.Ranking.Center == Center.Mean ? "mean" : "interquartileMean");
        json.WriteStartArray("ranking");
        foreach (var row in task.Ranking.Rows)
            WriteRow(json, task, row, varying);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRow(Utf8JsonWriter json, TaskResults task, RankedConfiguration row, IReadOnlyList<string> varying)
    {
        var configuration = task.Configurations[row.Index];
        var values = configuration.Scores.Select(score => score.Value).ToArray();
        json.WriteStartObject();
        if (row.Rank is { } rank)
            json.WriteNumber("rank", rank);
        else
            json.WriteNull("rank");
        json.WriteString("configuration", configuration.Source.Id);
        json.WriteString("label", configuration.Label);
        json.WriteStartObject("parameters");
        foreach (var name in varying.Where(configuration.Source.Parameters.ContainsKey))
            Parameter(json, name, configuration.Source.Parameters[name]);
        json.WriteEndObject();
        json.WriteNumber("seeds", row.Estimate.Count);
        json.WriteNumber("seedsPlanned", configuration.Trials.Count);
        if (TrainingLength.Of(configuration) is { } length)
        {
            json.WriteNumber("iterations", length.Iterations);
            json.WriteNumber("trajectories", length.Trajectories);
        }
        else
        {
            json.WriteNull("iterations");
            json.WriteNull("trajectories");
        }
        Number(json, "score", row.Estimate.Value);
        Range(json, row.Estimate.Interval);
        json.WriteString("intervalMethod", Camel(row.Estimate.Method));
        Number(json, "mean", Summary.Mean(values));
        Number(json, "median", Summary.Median(values));
        Number(json, "interquartileMean", Summary.InterquartileMean(values));
        Number(json, "standardDeviation", Math.Sqrt(Summary.Variance(values)));
        json.WriteStartArray("scores");
        foreach (var score in configuration.Scores)
        {
            json.WriteStartObject();
            json.WriteNumber("seed", score.Seed);
            Number(json, "score", score.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (row.AgainstBest is { } comparison)
        {
            json.WriteStartObject("againstBest");
            json.WriteString("verdict", Camel(row.Verdict));
            json.WriteString("text", Words.Verdict(task, row));
            json.WriteNumber("commonSeeds", comparison.CommonSeeds);
            Number(json, "difference", comparison.Difference);
            Range(json, comparison.Interval);
            Number(json, "pValue", comparison.PValue);
            Number(json, "probabilityOfImprovement", comparison.ProbabilityOfImprovement);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("againstBest");
        }
        json.WriteEndObject();
    }

    // Text in the data, but JSON's own number, boolean or object for who reads it, wherever the parameter has no text for values.
    private static void Parameter(Utf8JsonWriter json, string name, string text)
    {
        json.WritePropertyName(name);
        var isText = ParameterTable.Find(name) is not { Kind: not (ParameterKind.Choice or ParameterKind.Task) };
        if (!isText && IsJson(text))
            json.WriteRawValue(text);
        else
            json.WriteStringValue(text);
    }

    private static bool IsJson(string text)
    {
        try
        {
            JsonDocument.Parse(text).Dispose();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }

    private static void Range(Utf8JsonWriter json, Interval? interval)
    {
        if (interval is not { } range)
        {
            json.WriteNull("interval");
            return;
        }
        json.WriteStartArray("interval");
        json.WriteNumberValue(range.Low);
        json.WriteNumberValue(range.High);
        json.WriteEndArray();
    }

    private static string Camel<T>(T value) where T : struct, Enum
    {
        var name = value.ToString();
        return char.ToLowerInvariant(name[0]) + name[1..];
    }
}

/// <summary>Trials by state; superseded ones are counted apart.</summary>
internal sealed record TrialCounts(int Total, int Complete, int Running, int Waiting, int Failed, int Superseded)
{
    public static TrialCounts Of(ReportData data, IReadOnlyList<TaskResults> tasks)
    {
        var trials = tasks.SelectMany(task => task.Configurations).SelectMany(configuration => configuration.Trials).ToArray();
        int Count(ReportTrialState state) => trials.Count(trial => trial.State == state);
        return new(trials.Length, Count(ReportTrialState.Complete), Count(ReportTrialState.Running), Count(ReportTrialState.Waiting),
            Count(ReportTrialState.Failed), data.Configurations.Sum(configuration => configuration.Trials.Count) - trials.Length);
    }
}
