using System.Text;
using static Hem.Results.Reports.Svg;

namespace Hem.Results.Reports;

/// <summary>The table of trials: all of them, or those that want attention first.</summary>
internal static class TrialTable
{
    public static void Write(StringBuilder html, ReportData data, IReadOnlyList<TaskResults> tasks)
    {
        var several = tasks.Count > 1;
        var all = tasks.SelectMany(task => task.Configurations.SelectMany(configuration =>
            configuration.Trials.Select(trial => (Task: task, Configuration: configuration, Trial: trial)))).ToList();
        var shown = all.Count <= ReportHtml.MostTrialRows ? all
            : [.. all.OrderBy(row => row.Trial.State switch
                {
                    ReportTrialState.Failed => 0,
                    ReportTrialState.Running => 1,
                    ReportTrialState.Complete => 2,
                    _ => 3,
                })
                .Take(ReportHtml.MostTrialRows)];
        var open = shown.Count <= 12 || all.Any(row => row.Trial.State == ReportTrialState.Failed);
        html.Append($"<details{(open ? " open=\"open\"" : "")}><summary>Trials</summary>\n<div class=\"wide\"><table>\n<thead><tr>"
            + (several ? "<th>Task</th>" : "") + "<th>Configuration</th><th class=\"n\">Seed</th><th>State</th>"
            + "<th class=\"n\">Final score</th>"
            + "<th class=\"n\">Iteration</th><th class=\"n\">Trajectories</th><th class=\"n\">Time</th><th class=\"n\">Attempts</th>"
            + "</tr></thead>\n<tbody>\n");
        foreach (var (task, configuration, trial) in shown)
            WriteRow(html, several ? task.Task : null, configuration, trial);
        html.Append("</tbody>\n</table></div>\n");
        if (shown.Count < all.Count)
        {
            html.Append($"<p class=\"note\">{Words.Number(shown.Count)} of {Words.Number(all.Count)} trials, "
                + "failed and running ones first. "
                + "All evaluation points are in points.csv, all final scores in ranking.json.</p>\n");
        }
        html.Append("</details>\n");
    }

    private static void WriteRow(StringBuilder html, string? task, ConfigurationResult configuration, ReportTrial trial)
    {
        ReportPoint? last = trial.Points.Count > 0 ? trial.Points[^1] : null;
        var score = TaskResults.IsScored(trial) ? Words.Rate(TaskResults.Score(configuration.Source, trial).Value) : "–";
        var attempts = trial.Attempts.ToString();
        string[] mishaps = [.. new[] { (trial.Failures, "failed"), (trial.Disruptions, "disrupted") }
            .Where(part => part.Item1 > 0).Select(part => $"{part.Item1} {part.Item2}")];
        if (mishaps.Length > 0)
            attempts += $" ({string.Join(", ", mishaps)})";
        html.Append($"<tr title=\"{Escape(trial.Name)}\">" + (task is null ? "" : $"<td>{Escape(task)}</td>")
            + $"{ReportHtml.LabelCell(configuration)}<td class=\"n\">{trial.Seed}</td>"
            + $"<td class=\"state{(trial.State == ReportTrialState.Failed ? " bad" : "")}\">{Words.State(trial)}"
            + $"{(string.IsNullOrEmpty(trial.Reason) ? "" : $": {Escape(trial.Reason)}")}</td>"
            + $"<td class=\"n\">{score}</td><td class=\"n\">{(last is null ? "–" : Words.Number(last.Value.Iteration))}</td>"
            + $"<td class=\"n\">{(last is null ? "–" : Words.Number(last.Value.Trajectories))}</td>"
            + $"<td class=\"n\">{(last is null ? "–" : Words.Duration(last.Value.WallSeconds))}</td>"
            + $"<td class=\"n\">{attempts}</td></tr>\n");
    }
}
