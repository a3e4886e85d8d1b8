using System.Text;

namespace Hem.Results.Reports;

/// <summary>A figure of a report: <paramref name="Axis"/> is what curves are drawn against, null for final performance.</summary>
internal sealed record ReportFigure(int Task, string File, string? Axis, string Svg);

/// <summary>A sweep's report: what the data say, and its files.</summary>
public sealed class Report
{
    internal const string PointsFile = "points.csv";
    internal const string RankingFile = "ranking.json";
    internal const string PageFile = "report.html";

    private readonly IReadOnlyList<TaskResults> tasks;

    private Report(ReportData data)
    {
        Data = data;
        tasks = TaskResults.Of(data);
        Headlines = [.. tasks.Select(task => Words.Headline(task, nameTask: tasks.Count > 1))];
    }

    /// <summary>Works out scores and rankings.</summary>
    public static Report Of(ReportData data) => new(data);

    /// <summary>What the report is about.</summary>
    public ReportData Data { get; }

    /// <summary>The answer in one sentence per task, e.g. "N=80 is best: 0.98 [0.95, 1.00], ahead of N=40 by 0.21 [0.10, 0.32]".</summary>
    public IReadOnlyList<string> Headlines { get; }

    /// <summary>The rankings as plain text for a terminal, a block per task, at most 20 rows each.</summary>
    public string RankingText
    {
        get
        {
            const int most = 20;
            var text = new StringBuilder();
            foreach (var task in tasks)
            {
                if (text.Length > 0)
                    text.Append('\n');
                if (tasks.Count > 1)
                    text.Append(task.Task).Append('\n');
                var rows = task.Ranking.Rows.Take(most).Select(row => (
                    Rank: row.Rank is { } rank ? $"{rank}." : "-", task.Configurations[row.Index].Label, Score: Words.Score(row.Estimate),
                    Seeds: Seeds(task.Configurations[row.Index]), Verdict: Words.Verdict(task, row))).ToArray();
                foreach (var row in rows)
                {
                    text.Append(row.Rank.PadLeft(rows.Max(other => other.Rank.Length) + 2)).Append(' ')
                        .Append(row.Label.PadRight(rows.Max(other => other.Label.Length))).Append("  ")
                        .Append(row.Score.PadRight(rows.Max(other => other.Score.Length))).Append("  ")
                        .Append(row.Seeds.PadRight(rows.Max(other => other.Seeds.Length))).Append("  ").Append(row.Verdict).Append('\n');
                }
                if (task.Ranking.Rows.Count > most)
                    text.Append($"  and {Words.Number(task.Ranking.Rows.Count - most)} more\n");
                if (TrainingLength.Note(task) is { } length)
                    text.Append($"  compared {length}\n");
            }
            return text.ToString();

            static string Seeds(ConfigurationResult configuration) => configuration.Partial
                ? $"{configuration.Scores.Count} of {ReportHtml.Count(configuration.Trials.Count, "seed")}"
                : ReportHtml.Count(configuration.Scores.Count, "seed");
        }
    }

    /// <summary>The rankings as JSON, as in <c>ranking.json</c>; <see cref="Reports.RankingJson"/> documents the fields.</summary>
    public string RankingJson => Reports.RankingJson.Render(Data, tasks, Headlines);

    /// <summary>All evaluation points as RFC 4180 CSV, as in <c>points.csv</c>.</summary>
    public void WritePoints(TextWriter writer) => PointsCsv.Write(Data, writer);

    /// <summary>The page.</summary>
    public string Html() => ReportHtml.Render(Data, tasks, Headlines, Figures());

    /// <summary>
    /// Writes report.html, one SVG per figure, points.csv and ranking.json into a folder that is created where needed. Each file is
    /// replaced whole, so that a reader never sees half of one. Returns the path of report.html.
    /// </summary>
    public string Write(string folder)
    {
        Directory.CreateDirectory(folder);
        var figures = Figures();
        foreach (var figure in figures)
            Replace(folder, figure.File, writer => writer.Write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + figure.Svg));
        Replace(folder, PointsFile, WritePoints);
        Replace(folder, RankingFile, writer => writer.Write(RankingJson));
        return Replace(folder, PageFile, writer => writer.Write(ReportHtml.Render(Data, tasks, Headlines, figures)));
    }

    internal IReadOnlyList<ReportFigure> Figures()
    {
        var figures = new List<ReportFigure>();
        for (var i = 0; i < Math.Min(tasks.Count, ReportHtml.MostTasks); i++)
        {
            var suffix = tasks.Count > 1 ? "-" + CurveFigure.Slug(tasks[i].Task.Length > 0 ? tasks[i].Task : "none") : "";
            foreach (var axis in new[] { CurveAxis.Trajectories, CurveAxis.Iterations, CurveAxis.Time(tasks[i]) })
                figures.Add(new(i, $"curves{suffix}-{axis.Id}.svg", axis.Name, CurveFigure.Draw(tasks[i], axis).ToString()));
            figures.Add(new(i, $"final{suffix}.svg", null, FinalFigure.Draw(tasks[i]).ToString()));
        }
        return figures;
    }

    private static string Replace(string folder, string file, Action<TextWriter> write)
    {
        var path = Path.Combine(folder, file);
        var temporary = path + ".new";
        using (var writer = new StreamWriter(temporary, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)))
            write(writer);
        File.Move(temporary, path, overwrite: true);
        return path;
    }
}
