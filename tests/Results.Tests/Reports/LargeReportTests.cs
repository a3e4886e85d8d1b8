using System.Diagnostics;
using Hem.Results.Reports;

namespace Results.Tests.Reports;

public sealed class LargeReportTests(ITestOutputHelper output) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hem-report-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(20_000, 5, 10)]
    [InlineData(500, 20, 10)]
    [InlineData(3, 3, 20_000)]
    public void A_hundred_thousand_trials_or_points_come_to_a_page_of_bounded_size(int configurations, int seeds, int points)
    {
        var data = Samples.Sweep("large", Enumerable.Range(0, configurations).Select(i =>
            Samples.Configuration(
                Samples.Parameters("flipbit-12", "hem", ("eta", $"0.{i:00000}")),
                seeds, 2000 + i, 0.5 + 0.4 * i / configurations, 0.1, points)));
        var clock = Stopwatch.StartNew();
        var page = Report.Of(data).Write(folder);
        output.WriteLine($"{configurations} x {seeds} x {points}: {clock.Elapsed.TotalSeconds:F1} s, "
            + $"page {new FileInfo(page).Length >> 10} KiB, "
            + $"all {Directory.GetFiles(folder).Sum(file => new FileInfo(file).Length) >> 20} MiB");
        new FileInfo(page).Length.ShouldBeLessThan(4 << 20);
        if (configurations > ReportHtml.MostRankingRows)
        {
            var html = File.ReadAllText(page);
            html.ShouldContain($"The first 100 of {configurations:N0} configurations; all are in ranking.json.");
            html.ShouldContain($"200 of {configurations * seeds:N0} trials");
            html.ShouldContain($"Panels are the 24 highest scores of {configurations:N0} configurations");
        }
    }
}
