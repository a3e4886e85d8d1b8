using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Hem.Core.Statistics;
using Hem.Results.Reports;

namespace Results.Tests.Reports;

public sealed partial class ReportTests : IDisposable
{
    private static readonly XNamespace Xml = "http://www.w3.org/2000/svg";

    private readonly string folder = Directory.CreateTempSubdirectory("hem-report-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static TheoryData<string> All => [.. Sweeps().Keys];

    private static Dictionary<string, Func<ReportData>> Sweeps() => new()
    {
        ["quickstart"] = Samples.Quickstart,
        ["figure-10a"] = Samples.Figure10a,
        ["two tasks"] = Samples.TwoTasks,
        ["forty configurations"] = Samples.Forty,
        ["partial"] = Samples.Partial,
        ["one seed"] = Samples.OneSeed,
        ["perfect"] = Samples.Perfect,
        ["twenty seeds"] = () => Samples.Sweep("twenty", new[] { "5", "20" }.Select(n =>
            Samples.Configuration(Samples.Parameters("flipbit-12", "hem", ("N", n)), 20, 2000, n == "5" ? 0.8 : 0.95, points: 12))),
        ["nothing yet"] = () => Samples.Sweep("nothing", Samples.Quickstart().Configurations.Select(configuration =>
            configuration with { Trials = [.. configuration.Trials.Select(trial => Samples.Cut(trial, 0, ReportTrialState.Waiting))] })),
        ["no configuration"] = () => Samples.Sweep("empty"),
        ["all failed"] = () => Samples.Sweep("failed", Samples.Quickstart().Configurations.Select(configuration =>
            configuration with
            {
                Trials = [.. configuration.Trials.Select(trial => Samples.Cut(trial, 1, ReportTrialState.Failed, "exit code 3"))],
            })),
        ["hostile text"] = () => Samples.Sweep("hostile", new[] { "<script>alert('&')</script>", "a\"b,\r\nc\u0001\ud800", "ok" }
            .Select(label => Samples.Configuration(Samples.Parameters("flipbit-12", "hem", ("label", label)), 3, 2000, 0.9, points: 8))),
        ["not a number"] = () => Samples.Sweep("nan", Samples.Quickstart().Configurations.Select(configuration => configuration with
        {
            Trials = [.. configuration.Trials.Select(trial => trial with
            {
                Points = [.. trial.Points.Select((p, i) => i == 3 ? p with { SuccessRate = double.NaN } : p)],
            })],
        })),
    };

    [Theory]
    [MemberData(nameof(All))]
    public void Every_file_is_well_formed_and_complete(string name)
    {
        var data = Sweeps()[name]();
        var report = Report.Of(data);
        var page = report.Write(folder);
        page.ShouldBe(Path.Combine(folder, "report.html"));
        Directory.GetFiles(folder, "*.new").ShouldBeEmpty();

        var svgs = Directory.GetFiles(folder, "*.svg");
        var tasks = data.Configurations.Select(configuration => configuration.Parameters["task"]).Distinct().Count();
        svgs.Length.ShouldBe(4 * tasks);
        foreach (var file in svgs)
            CheckFigure(XDocument.Load(file).Root!);

        var text = File.ReadAllText(page);
        text.ShouldNotContain("NaN", Case.Sensitive);
        text.ShouldNotContain("Infinity", Case.Sensitive);
        var html = XDocument.Parse(text["<!DOCTYPE html>".Length..]).Root!;
        var figures = html.Descendants(Xml + "svg").ToArray();
        figures.Length.ShouldBe(svgs.Length);
        html.Descendants().Where(element => element.Name.LocalName is "script" or "link" or "img" or "iframe").ShouldBeEmpty();
        html.Descendants().Attributes("src").ShouldBeEmpty();
        foreach (var link in html.Descendants("a").Attributes("href"))
            File.Exists(Path.Combine(folder, link.Value)).ShouldBeTrue(link.Value);
        var ids = html.Descendants().Attributes("id").Select(id => id.Value).ToArray();
        ids.Distinct().Count().ShouldBe(ids.Length);

        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "ranking.json")));
        json.RootElement.GetProperty("tasks").GetArrayLength().ShouldBe(tasks);
        foreach (var headline in report.Headlines)
            headline.ShouldEndWith(".");
    }

    private static void CheckFigure(XElement svg)
    {
        svg.Name.ShouldBe(Xml + "svg");
        svg.Element(Xml + "title")!.Value.ShouldNotBeEmpty();
        var box = svg.Attribute("viewBox")!.Value.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        foreach (var data in svg.Descendants(Xml + "path").Attributes("d"))
        {
            PathData().IsMatch(data.Value).ShouldBeTrue(data.Value);
            var numbers = Number().Matches(data.Value).Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture)).ToArray();
            numbers.ShouldAllBe(number => number >= -0.5 && number <= Math.Max(box[2], box[3]) + 0.5);
        }
        var text = svg.Descendants(Xml + "text")
            .Select(element => string.Concat(element.Nodes().OfType<XText>().Select(node => node.Value))).ToArray();
        text.ShouldContain(line => line.Contains("success rate"));
    }

    [Fact]
    public void The_page_states_the_very_numbers_of_the_statistics()
    {
        var data = Samples.Figure10a();
        var best = data.Configurations.Single(configuration => configuration.Parameters["N"] == "80");
        var last = data.Configurations.Single(configuration => configuration.Parameters["N"] == "5");
        SeedScore[] scores = Final(best), others = Final(last);
        var mean = scores.Average(score => score.Value);
        var half = 2.7764451 * Math.Sqrt(scores.Sum(score => Math.Pow(score.Value - mean, 2)) / 4 / 5);
        var differences = scores.Zip(others, (a, b) => a.Value - b.Value).ToArray();
        var difference = differences.Average();
        var around = 2.7764451 * Math.Sqrt(differences.Sum(d => Math.Pow(d - difference, 2)) / 4 / 5);

        var report = Report.Of(data);
        var html = report.Html();
        var score = Invariant($"{mean:0.00} [{mean - half:0.00}, {Math.Min(1, mean + half):0.00}]");
        report.Headlines.Single().ShouldStartWith($"N=80 scores highest: {score}");
        html.ShouldContain($">{score}<");
        var against = Invariant($"N=80 over N=5: +{difference:0.00} [{difference - around:0.00}, {difference + around:0.00}]");
        html.ShouldContain(against);
        report.RankingText.ShouldContain(against);

        using var json = JsonDocument.Parse(report.RankingJson);
        var row = json.RootElement.GetProperty("tasks")[0].GetProperty("ranking")[0];
        row.GetProperty("score").GetDouble().ShouldBe(mean, 1e-12);
        row.GetProperty("interval")[0].GetDouble().ShouldBe(mean - half, 1e-7);
        row.GetProperty("intervalMethod").GetString().ShouldBe("studentT");
        row.GetProperty("label").GetString().ShouldBe("N=80");
        json.RootElement.GetProperty("partial").GetBoolean().ShouldBeFalse();

        static SeedScore[] Final(ReportConfiguration configuration) =>
        [
            .. configuration.Trials.Select(trial =>
                new SeedScore(trial.Seed, trial.Points.TakeLast(5).Average(point => point.SuccessRate))),
        ];
    }

    [Fact]
    public void Each_figure_names_every_configuration_and_its_axes()
    {
        var report = Report.Of(Samples.Figure10a());
        foreach (var figure in report.Figures())
        {
            foreach (var n in new[] { "N=5", "N=10", "N=20", "N=40", "N=80" })
                figure.Svg.ShouldContain($">{n}<");
        }
        report.Figures().Select(figure => figure.File)
            .ShouldBe(["curves-trajectories.svg", "curves-iterations.svg", "curves-time.svg", "final.svg"]);
        report.Figures()[0].Svg.ShouldContain("trajectories collected");
        report.Figures()[2].Svg.ShouldContain("time spent training and evaluating (min)");
    }

    [Fact]
    public void Tasks_are_never_averaged_over()
    {
        var report = Report.Of(Samples.TwoTasks());
        report.Headlines.Count.ShouldBe(2);
        report.Headlines[0].ShouldStartWith("flipbit-5: ");      // before flipbit-25
        report.Figures().Select(figure => figure.File).ShouldContain("final-flipbit-25.svg");
        report.RankingText.ShouldContain("flipbit-25");
        report.Html().ShouldContain("<h2>flipbit-25</h2>");
    }

    [Theory]
    [InlineData(40, 5, 40, 20, "at equal iterations (40); trajectories differ: 200 to 800")]
    [InlineData(40, 5, 10, 20, "at equal trajectories (200); iterations differ: 10 to 40")]
    [InlineData(40, 5, 20, 20, "at the end of each one's own training: iterations differ, 20 to 40, and trajectories too, 200 to 400")]
    [InlineData(40, 5, 40, 5, null)]
    public void The_ranking_says_where_the_amount_of_training_differs(
        int iterations, int per, int otherIterations, int otherPer, string? note)
    {
        var configurations = new[] { ("5", iterations, per), ("20", otherIterations, otherPer) }.Select(row => Samples.Configuration(
            Samples.Parameters("flipbit-12", "hem", ("N", row.Item1)), 3, 100, 0.9,
            points: row.Item2 + 1, trajectoriesPerPoint: row.Item3));
        var report = Report.Of(Samples.Sweep("lengths", configurations));
        if (note is null)
        {
            report.RankingText.ShouldNotContain("compared");
            report.Html().ShouldNotContain("Compared at");
            return;
        }
        report.RankingText.ShouldEndWith($"  compared {note}\n");
        report.Html().Replace("&#39;", "'").ShouldContain($"Compared {note}.");
        using var json = JsonDocument.Parse(report.RankingJson);
        json.RootElement.GetProperty("tasks")[0].GetProperty("ranking").EnumerateArray()
            .Select(row => row.GetProperty("trajectories").GetInt64())
            .Order().ShouldBe(new long[] { iterations * per, otherIterations * otherPer }.Order());
    }

    [Fact]
    public void A_partial_sweep_says_so_and_counts_finished_trials_alone()
    {
        var report = Report.Of(Samples.Partial());
        report.Headlines.Single().ShouldStartWith("so far (10 of 25 trials finished)");
        var html = report.Html();
        html.ShouldContain("<b>Partial.</b> 10 of 25 trials have finished; 8 running, 6 waiting, 1 failed.");
        html.ShouldContain("exit code 1: out of memory");
        html.ShouldContain("2 of 5");
        html.ShouldContain("no finished seed");
        html.ShouldContain("seed 2, not finished");
        Report.Of(Samples.Figure10a()).Html().ShouldNotContain("Partial.");
    }

    [Fact]
    public void A_seed_alone_gets_no_interval_and_equal_seeds_get_the_evaluation_error()
    {
        Report.Of(Samples.OneSeed()).Headlines.Single().ShouldContain("one seed each is too few");
        Report.Of(Samples.OneSeed()).Html().ShouldNotContain("+0");
        var perfect = Report.Of(Samples.Perfect());
        perfect.Headlines.Single().ShouldBe("no difference shown between hem and her: 0.000 [−0.001, 0.001]; "
            + "hem scores 1.000 [0.999, 1.000].");
        perfect.Html().ShouldContain("widened to that error alone");
    }

    [Fact]
    public void What_was_superseded_is_in_the_points_and_nowhere_else()
    {
        var data = Samples.Figure10a();
        data = data with
        {
            Configurations = [.. data.Configurations.Select((configuration, i) => i switch
            {
                4 => configuration with { Superseded = true },
                3 => configuration with { Trials = [.. configuration.Trials.Select(trial => trial with { Superseded = trial.Seed == 0 })] },
                _ => configuration,
            })],
        };
        var report = Report.Of(data);
        report.Html().ShouldNotContain("N=80");
        report.Html().ShouldContain("6 trials of earlier versions");
        report.RankingText.ShouldStartWith("  1. N=40");
        report.RankingText.ShouldContain("4 seeds");
        var points = new StringWriter();
        report.WritePoints(points);
        points.ToString().Split("\r\n").Count(line => line.Contains(",true,")).ShouldBe(6 * 76);
    }

    [Fact]
    public void A_trial_that_stopped_early_keeps_its_last_value()
    {
        var configuration = Samples.Configuration(Samples.Parameters("flipbit-12", "hem"), 2, 2000, 0.9, points: 20);
        var early = configuration.Trials[0] with { Points = [.. configuration.Trials[0].Points.Take(6)], StoppedEarly = true };
        var data = Samples.Sweep("early", configuration with { Trials = [early, configuration.Trials[1]] });
        var task = TaskResults.Of(data).Single();
        task.Configurations[0].Scores[0].Value.ShouldBe(early.Points[5].SuccessRate);
        var curve = Curve.Of(task.Configurations[0], CurveAxis.Iterations, Center.Mean, withBand: true);
        curve.X[^1].ShouldBe(19);
        curve.Y[^1].ShouldBe((early.Points[5].SuccessRate + configuration.Trials[1].Points[19].SuccessRate) / 2, 1e-12);
        Report.Of(data).Html().ShouldContain("seed 0 stopped early");
    }

    [Fact]
    public void The_ranking_as_JSON_has_the_values_of_parameters_as_they_are()
    {
        using var json = JsonDocument.Parse(Report.Of(Samples.Figure10a()).RankingJson);
        var row = json.RootElement.GetProperty("tasks")[0].GetProperty("ranking")[0];
        var n = row.GetProperty("parameters").GetProperty("N");
        n.ValueKind.ShouldBe(JsonValueKind.Number);
        row.GetProperty("label").GetString().ShouldStartWith($"N={n.GetInt32()}");
    }

    [Theory]
    [InlineData("hem", "hpg", "hem", "hpg")]
    [InlineData("hem", "hem", "iterations=80", "iterations=8000")]
    public void Labels_say_how_long_was_trained_only_where_nothing_else_differs(string one, string other, string label, string otherLabel)
    {
        var data = Samples.Sweep("lengths", Configuration(one, "80"), Configuration(other, "8000")) with
        {
            ParametersSet = ["algorithm", "iterations"],
        };

        TaskResults.Of(data).Single().Configurations.Select(configuration => configuration.Label)
            .ShouldBe([label, otherLabel]);

        static ReportConfiguration Configuration(string algorithm, string iterations) =>
            Samples.Configuration(Samples.Parameters("flipbit-25", algorithm, ("iterations", iterations)), 3, 5000, 0.9);
    }

    [Fact]
    public void Labels_name_what_the_sweep_varies_and_not_what_depends_on_it()
    {
        // batchSize follows N in the samples, and the sweep does not set it.
        TaskResults.Of(Samples.Figure10a()).Single().Configurations.Select(configuration => configuration.Label)
            .ShouldBe(["N=5", "N=10", "N=20", "N=40", "N=80"]);
        var unknown = Samples.Figure10a() with { ParametersSet = null };
        TaskResults.Of(unknown).Single().Configurations[0].Label.ShouldBe("N=5, batchSize=5");
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    [GeneratedRegex(@"^M(-?\d+(\.\d+)? -?\d+(\.\d+)?L?)+Z?$")]
    private static partial Regex PathData();

    [GeneratedRegex(@"-?\d+(\.\d+)?")]
    private static partial Regex Number();
}
