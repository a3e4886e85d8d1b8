using System.Globalization;
using Hem.Core.Statistics;

namespace Hem.Results.Reports;

/// <summary>Numbers and sentences as a reader meets them.</summary>
internal static class Words
{
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    /// <summary>"0.98 [0.95, 1.00]"; without an interval the value alone; three decimals where two would hide what there is.</summary>
    public static string Score(Estimate estimate) => double.IsNaN(estimate.Value) ? "none"
        : estimate.Interval is { } interval
            ? $"{Rate(estimate.Value, Decimals(estimate.Value, interval))} {Range(interval, Decimals(estimate.Value, interval))}"
        : Rate(estimate.Value, Decimals(estimate.Value, null));

    /// <summary>A rate with two decimals, or three where two would make it a 1 or 0 that it is not.</summary>
    public static string Rate(double value) => double.IsNaN(value) ? "none" : Rate(value, Decimals(value, null));

    /// <summary>"+0.21 [0.10, 0.32]"</summary>
    public static string Difference(double difference, Interval? interval)
    {
        var decimals = interval is { } range && range.High - range.Low < 0.02 ? 3 : 2;
        var value = Rate(difference, decimals);
        var sign = difference > 0 && value.Any(c => c is >= '1' and <= '9') ? "+" : "";
        return interval is { } shown ? $"{sign}{value} {Range(shown, decimals)}" : $"{sign}{value}";
    }

    /// <summary>What the ranking says of a row, against the best configuration.</summary>
    public static string Verdict(TaskResults task, RankedConfiguration row)
    {
        var best = task.Ranking.Rows[0];
        return row.Verdict switch
        {
            Core.Statistics.Verdict.Best => row.Estimate.Count == 1 ? "highest, on a single seed" : "highest score",
            Core.Statistics.Verdict.Worse =>
                $"{task.Configurations[best.Index].Label} over {task.Configurations[row.Index].Label}: {Difference(row)}",
            Core.Statistics.Verdict.BetterOverCommonSeeds => $"{task.Configurations[row.Index].Label} over "
                + $"{task.Configurations[best.Index].Label} on the {Number(row.AgainstBest!.CommonSeeds)} seeds of both: {Difference(row)}",
            Core.Statistics.Verdict.NoDifferenceShown => $"no difference shown: {Difference(row)}",
            Core.Statistics.Verdict.NoDifferenceShownAmongMany =>
                $"no difference shown, allowing for {ReportHtml.Count(task.Comparisons, "comparison")}: {Difference(row)}",
            Core.Statistics.Verdict.NoInterval => $"no interval (seeds are equal): {Difference(row)}",
            _ => row.Estimate.Count == 0 ? "no finished seed" : "too few seeds",
        };
    }

    private static string Difference(RankedConfiguration row) => Difference(row.AgainstBest!.Difference, row.AgainstBest.Interval);

    /// <summary>The answer in one sentence.</summary>
    public static string Headline(TaskResults task, bool nameTask)
    {
        var trials = task.Configurations.Sum(configuration => configuration.Trials.Count);
        var done = task.Configurations.Sum(configuration => configuration.Scores.Count);
        var failed = task.Configurations.Sum(configuration => configuration.Count(ReportTrialState.Failed));
        var prefix = nameTask && task.Task.Length > 0 ? $"{task.Task}: " : "";
        if (done == 0)
        {
            return prefix + (trials == 0 ? "there are no trials."
                : failed == trials ? $"{(trials == 1 ? "the only trial" : $"all {Number(trials)} trials")} "
                    + "failed; there is nothing to compare."
                : $"no trial has finished yet{(failed > 0 ? $" and {Number(failed)} failed" : "")}; nothing can be compared.");
        }
        if (done < trials)
        {
            prefix += done + failed == trials
                ? $"{Number(failed)} of {Number(trials)} trials failed. Of the rest, "
                : $"so far ({Number(done)} of {Number(trials)} trials finished), ";
        }
        return prefix + Answer(task) + ".";
    }

    private static string Answer(TaskResults task)
    {
        var rows = task.Ranking.Rows;
        var best = rows[0];
        var name = task.Configurations[best.Index].Label;
        var score = Score(best.Estimate);
        if (rows.Count == 1)
        {
            return best.Estimate.Count == 1
                ? $"{name} scores {score} on one seed: no interval can be given"
                : $"{name} scores {score} over {best.Estimate.Count} seeds";
        }
        if (best.Estimate.Count == 1)
            return $"{name} scores highest, {score}, but one seed each is too few for an interval or a comparison";

        var worse = Named(task, Core.Statistics.Verdict.Worse);
        var alike = Named(task, Core.Statistics.Verdict.NoDifferenceShown, Core.Statistics.Verdict.NoDifferenceShownAmongMany);
        var unknown = Named(task, Core.Statistics.Verdict.TooFewSeeds, Core.Statistics.Verdict.NoInterval);
        var open = unknown.Count > 0 ? $"; too few seeds to compare with {List(unknown)}" : "";
        var reversed = Named(task, Core.Statistics.Verdict.BetterOverCommonSeeds);
        if (reversed.Count > 0)
        {
            return $"{name} scores highest, {score}, but over the seeds of both "
                + $"{List(reversed)} {(reversed.Count == 1 ? "does" : "do")} better";
        }
        if (alike.Count == 0 && worse.Count == 0)
            return $"{name} scores highest, {score}{open}";
        if (alike.Count == 0)
        {
            var second = rows.First(row => row.Verdict == Core.Statistics.Verdict.Worse);
            return $"{name} is best: {score}, ahead of {task.Configurations[second.Index].Label} "
                + $"by {Difference(second).TrimStart('+')}{open}";
        }
        if (worse.Count == 0 && alike.Count == 1 && unknown.Count == 0)
            return $"no difference shown between {name} and {alike[0]}: {Difference(rows[1])}; {name} scores {score}";
        // Some would be called worse if each were the only comparison.
        var among = rows.Count(row => row.Verdict == Core.Statistics.Verdict.NoDifferenceShownAmongMany);
        if (among > 0 && alike.Count > 1)
        {
            open = $" ({(among == 1 ? "one" : Number(among))} of them only because {Number(task.Comparisons)} "
                + "comparisons are allowed for)" + open;
        }
        if (worse.Count == 0)
            return $"{name} scores highest, {score}, but no difference is shown from {List(alike)}{open}";
        return $"{name} scores highest: {score}; better than {List(worse)}, not shown to differ from {List(alike)}{open}";
    }

    private static List<string> Named(TaskResults task, params Core.Statistics.Verdict[] verdicts) =>
        [.. task.Ranking.Rows.Skip(1).Where(row => verdicts.Contains(row.Verdict)).Select(row => task.Configurations[row.Index].Label)];

    // Labels of several parameters hold commas themselves.
    private static string List(List<string> names) => names.Count switch
    {
        1 => names[0],
        _ when names.Any(name => name.Contains(',')) => $"{Number(names.Count)} others",
        2 => $"{names[0]} and {names[1]}",
        3 => $"{names[0]}, {names[1]} and {names[2]}",
        _ => $"{Number(names.Count)} others",
    };

    /// <summary>12,345</summary>
    public static string Number(long value) => value.ToString("N0", Culture);

    /// <summary>Seconds as people say them: "48 s", "12.3 min", "5.2 h".</summary>
    public static string Duration(double seconds) => !double.IsFinite(seconds) ? ""
        : seconds < 100 ? $"{seconds.ToString("0", Culture)} s"
        : seconds < 6000 ? $"{(seconds / 60).ToString("0.0", Culture)} min"
        : $"{(seconds / 3600).ToString("0.0", Culture)} h";

    public static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", Culture);

    public static string State(ReportTrial trial) => trial.State switch
    {
        ReportTrialState.Complete => trial.StoppedEarly ? "finished, stopped early" : "finished",
        ReportTrialState.Running => "running",
        ReportTrialState.Failed => "failed",
        _ => "waiting",
    };

    private static int Decimals(double value, Interval? interval) =>
        interval is { } range && range.High - range.Low < 0.02 ? 3
        : (value is > 0.995 and < 1) || (value is > 0 and < 0.005) ? 3 : 2;

    private static string Range(Interval interval, int decimals) => $"[{Rate(interval.Low, decimals)}, {Rate(interval.High, decimals)}]";

    private static string Rate(double value, int decimals)
    {
        var text = Math.Abs(value).ToString(decimals == 3 ? "0.000" : "0.00", Culture);
        return value < 0 && text.Any(c => c is >= '1' and <= '9') ? "\u2212" + text : text;
    }
}
