using System.Text;
using Hem.Core.Statistics;
using static Hem.Results.Reports.Svg;

namespace Hem.Results.Reports;

/// <summary>One page that needs nothing but itself: no scripts, no external fonts, styles or images.</summary>
internal static class ReportHtml
{
    /// <summary>Rows of the ranking per task.</summary>
    public const int MostRankingRows = 100;

    /// <summary>Rows of the table of trials.</summary>
    public const int MostTrialRows = 200;

    /// <summary>Tasks with a section of their own.</summary>
    public const int MostTasks = 24;

    public static string Render(
        ReportData data, IReadOnlyList<TaskResults> tasks, IReadOnlyList<string> headlines, IReadOnlyList<ReportFigure> figures)
    {
        var counts = TrialCounts.Of(data, tasks);
        var html = new StringBuilder();
        html.Append(
            $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="generator" content="Hem {Escape(data.HemVersion)}"/>
            <title>{Escape(data.Sweep)}: Hem report</title>
            <style>
            {ReportStyle.Css}
            </style>
            </head>
            <body>
            <main>
            <header>
            <p class="over">Sweep <b>{Escape(data.Sweep)}</b></p>

            """);
        WriteAnswers(html, tasks, headlines, counts);
        html.Append("</header>\n");
        for (var i = 0; i < Math.Min(tasks.Count, MostTasks); i++)
            WriteTask(html, tasks[i], i, tasks.Count > 1, [.. figures.Where(figure => figure.Task == i)]);
        if (tasks.Count > MostTasks)
        {
            html.Append($"<p class=\"note\">{MostTasks} of {tasks.Count} tasks have a section here; "
                + "the rankings of all are in ranking.json.</p>\n");
        }

        html.Append("<h2>Details</h2>\n");
        TrialTable.Write(html, data, tasks);
        WriteMethod(html, tasks);
        WriteProvenance(html, data, counts, figures);
        html.Append("</main>\n</body>\n</html>\n");
        return html.ToString();
    }

    private static void WriteAnswers(
        StringBuilder html, IReadOnlyList<TaskResults> tasks, IReadOnlyList<string> headlines, TrialCounts counts)
    {
        if (headlines.Count == 1)
        {
            html.Append($"<h1{(headlines[0].Length > 110 ? " class=\"many\"" : "")}>{Escape(Capitalised(headlines[0]))}</h1>\n");
        }
        else
        {
            html.Append("<h1 class=\"many\">"
                + (tasks.Count == 0 ? "The sweep has no trials." : $"{tasks.Count} tasks, each with an answer of its own:")
                + "</h1>\n<ul class=\"answers\">\n");
            foreach (var headline in headlines.Take(MostTasks))
                html.Append($"<li>{Escape(headline)}</li>\n");
            html.Append("</ul>\n");
        }
        var configurations = tasks.Sum(task => task.Configurations.Count);
        var seeds = tasks.SelectMany(task => task.Configurations).Select(configuration => configuration.Trials.Count)
            .Distinct().Order().ToArray();
        html.Append($"<p class=\"facts\">Final success rate [95% interval over seeds]. {Count(configurations, "configuration")}, "
            + (seeds.Length == 0 ? "no seeds" : seeds.Length == 1 ? Count(seeds[0], "seed") + " each" : $"{seeds[0]} to {seeds[^1]} seeds")
            + $", {Count(counts.Total, "trial")}.</p>\n");
        if (counts.Complete < counts.Total)
        {
            string[] parts = [.. new[] { (counts.Running, "running"), (counts.Waiting, "waiting"), (counts.Failed, "failed") }
                .Where(part => part.Item1 > 0).Select(part => $"{Words.Number(part.Item1)} {part.Item2}")];
            html.Append($"<p class=\"partial\"><b>Partial.</b> "
                + $"{Words.Number(counts.Complete)} of {Words.Number(counts.Total)} trials have finished; "
                + $"{string.Join(", ", parts)}. "
                + $"Scores, intervals and ranking are about the finished ones alone."
                + (counts.Failed > 0
                    ? " If trials fail for a reason that also makes them score low, "
                        + "the others flatter their configuration." : "") + "</p>\n");
        }
    }

    private static void WriteTask(StringBuilder html, TaskResults task, int number, bool named, IReadOnlyList<ReportFigure> figures)
    {
        html.Append("<section>\n");
        if (named)
            html.Append($"<h2>{Escape(task.Task.Length > 0 ? task.Task : "no task")}</h2>\n");
        var curves = figures.Where(figure => figure.Axis is not null).ToArray();
        html.Append("<h3>Learning curves</h3>\n<div class=\"axes\"><span>against</span>\n");
        for (var i = 0; i < curves.Length; i++)
        {
            html.Append($"<input type=\"radio\" name=\"axis{number}\" id=\"axis{number}-{i}\" "
                + $"class=\"a{i}\"{(i == 0 ? " checked=\"checked\"" : "")}/>"
                + $"<label for=\"axis{number}-{i}\">{Escape(curves[i].Axis!)}</label>\n");
        }
        html.Append("<figure>\n");
        for (var i = 0; i < curves.Length; i++)
            html.Append($"<div class=\"curve c{i}\">\n{curves[i].Svg}</div>\n");
        html.Append($"<figcaption>{Escape(CurveFigure.Caption(task))}</figcaption>\n</figure>\n</div>\n");

        html.Append($"<h3>Final performance</h3>\n<figure>\n{figures.First(figure => figure.Axis is null).Svg}"
            + $"<figcaption>{Escape(FinalFigure.Caption(task))}</figcaption>\n</figure>\n");
        WriteRanking(html, task);
        html.Append("</section>\n");
    }

    private static void WriteRanking(StringBuilder html, TaskResults task)
    {
        html.Append("<h3>Ranking</h3>\n<div class=\"wide\"><table class=\"ranking\">\n"
            + "<thead><tr><th class=\"n\"></th><th>Configuration</th><th>"
            + (task.Ranking.Center == Center.Mean ? "Mean" : "Interquartile mean") + " [95% interval]</th>"
            + "<th class=\"n\">Seeds</th><th>Against the best, over common seeds</th></tr></thead>\n<tbody>\n");
        foreach (var row in task.Ranking.Rows.Take(MostRankingRows))
        {
            var configuration = task.Configurations[row.Index];
            var quiet = row.Verdict is Verdict.Worse or Verdict.Best or Verdict.BetterOverCommonSeeds ? "" : " class=\"q\"";
            html.Append($"<tr><td class=\"n\">{row.Rank?.ToString() ?? "–"}</td>{LabelCell(configuration)}"
                + $"<td class=\"w\">{Escape(Words.Score(row.Estimate))}</td>"
                + $"<td class=\"n\">{row.Estimate.Count}{(configuration.Partial ? $" of {configuration.Trials.Count}" : "")}</td>"
                + $"<td{quiet}>{Escape(Words.Verdict(task, row))}</td></tr>\n");
        }
        html.Append("</tbody>\n</table></div>\n");
        if (TrainingLength.Note(task) is { } length)
        {
            html.Append($"<p class=\"note\"><b>Compared {Escape(length)}.</b> "
                + "The learning curves against trajectories show the configurations "
                + "at equal amounts of data.</p>\n");
        }
        var notes = new List<string>();
        if (task.Ranking.Rows.Count > MostRankingRows)
            notes.Add($"The first {MostRankingRows} of {Words.Number(task.Ranking.Rows.Count)} configurations; all are in ranking.json.");
        if (task.Ranking.Rows.Any(row => row.Verdict == Verdict.NoDifferenceShown))
            notes.Add("“No difference shown” is not “equal”: the paired 95% interval holds 0, so these seeds do not tell which is better.");
        if (task.Ranking.Rows.Any(row => row.Verdict == Verdict.NoDifferenceShownAmongMany))
        {
            notes.Add("“Allowing for … comparisons”: the interval alone excludes 0, but "
                + "with so many comparisons some would do so by chance (Holm’s procedure at 5%).");
        }
        if (task.Ranking.Rows.Any(row => row.Verdict == Verdict.TooFewSeeds))
            notes.Add("“Too few seeds”: fewer than two finished seeds in common with the best.");
        if (notes.Count > 0)
            html.Append($"<p class=\"note\">{Escape(string.Join(' ', notes))}</p>\n");
    }

    private static void WriteMethod(StringBuilder html, IReadOnlyList<TaskResults> tasks)
    {
        var trimmed = tasks.Any(task => task.Ranking.Center == Center.InterquartileMean);
        html.Append(
            $"""
            <details><summary>How the numbers are made</summary>
            <p>A trial’s final score is the mean success rate of its last {FinalScore.Points} evaluations
            """ + $"""
             (of all where there are fewer, without the one before training); a trial that stopped early
            keeps the value of its last one.
            Only finished trials are scored. Tasks are never averaged over.</p>
            <p>Below {Estimate.BootstrapFrom} seeds a configuration’s score is the mean over seeds with Student’s t interval,
            """ + $"""
             clipped to 0 and 1; from {Estimate.BootstrapFrom} seeds on
            (in every configuration of the task) the interquartile mean
            """ + $"""
             with a percentile bootstrap over seeds{(trimmed ? "" : ", which does not apply here")}.
            """ + $"""
             An interval is never narrower than the evaluation
            error alone (Wilson’s interval over all evaluation episodes behind the score).</p>
            <p>With few seeds the t interval holds what it promises when scores spread evenly, not when a few seeds fail altogether:
            """ + $"""
             with one seed in ten failing and three seeds,
            it misses the mean more often than not. The dots tell.</p>
            <p>Configurations are compared with the best one over the seeds that both have.
            """ + $"""
             A difference is claimed when the paired 95% interval excludes 0 and Holm’s procedure over all
            comparisons of the task at 5% agrees. That the best was chosen by the same data is not corrected for.</p>
            </details>

            """);
    }

    private static void WriteProvenance(StringBuilder html, ReportData data, TrialCounts counts, IReadOnlyList<ReportFigure> figures)
    {
        html.Append("<details open=\"open\"><summary>Files and provenance</summary>\n<dl>\n");
        Entry("Data", $"<a href=\"{Report.PointsFile}\">{Report.PointsFile}</a>, every evaluation point; "
            + $"<a href=\"{Report.RankingFile}\">{Report.RankingFile}</a>, scores and comparisons unrounded");
        var links = figures.Take(3 * 4).Select(figure => $"<a href=\"{Escape(figure.File)}\">{Escape(figure.File)}</a>");
        Entry("Figures", string.Join(", ", links) + (figures.Count > 12 ? ", …" : ""));
        if (data.SweepFile is { } file)
            Entry("Sweep file", Escape(file));
        if (data.StartedAt is { } started)
            Entry("Sweep started", Words.Time(started));
        Entry("Data read", Words.Time(data.ReadAt));
        Entry("Written by", $"Hem {Escape(data.HemVersion)}");
        if (counts.Superseded > 0)
        {
            Entry("Superseded", $"{Count(counts.Superseded, "trial")} of earlier versions of the sweep: "
                + $"in {Report.PointsFile}, in no figure or ranking");
        }
        html.Append("</dl>\n</details>\n");

        void Entry(string term, string description) => html.Append($"<dt>{term}</dt><dd>{description}</dd>\n");
    }

    internal static string LabelCell(ConfigurationResult configuration) =>
        $"<td class=\"{(configuration.Label.Length <= 34 ? "w" : "wrap")}\">{Escape(configuration.Label)}</td>";

    internal static string Count(long count, string noun) => $"{Words.Number(count)} {noun}{(count == 1 ? "" : "s")}";

    private static string Capitalised(string text) =>
        text.StartsWith("so far", StringComparison.Ordinal) || text.StartsWith("no ", StringComparison.Ordinal)
        || text.StartsWith("all ", StringComparison.Ordinal) || text.StartsWith("the", StringComparison.Ordinal)
            ? char.ToUpperInvariant(text[0]) + text[1..] : text;
}
