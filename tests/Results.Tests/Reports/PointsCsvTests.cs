using System.Globalization;
using Hem.Results.Reports;

namespace Results.Tests.Reports;

public class PointsCsvTests
{
    [Fact]
    public void Every_point_is_a_row_whose_numbers_read_back_to_the_same_bits()
    {
        var configuration = Samples.Configuration(Samples.Parameters("flipbit-12", "hem", ("N", "5")), 1, 2000, 0.9, points: 3);
        var point = new ReportPoint(3, 1800, 45_000, 120, 1.0 / 3, 0.1 + 0.2, 1e-7, 1234.5);
        configuration = configuration with
        {
            Trials = [configuration.Trials[0] with { Points = [.. configuration.Trials[0].Points, point] }],
        };
        var other = configuration with { Id = "other", Parameters = Samples.Parameters("flipbit-12", "hem", ("N", "20")) };
        var rows = Rows(Samples.Sweep("s", configuration, other));
        rows.Length.ShouldBe(9);
        string.Join(',', rows[0]).ShouldBe(
            "sweep,configuration,trial,seed,state,superseded,task,algorithm,N,"
            + "iteration,trajectories,env_steps,updates,success_rate,loss,goal_coverage,wall_seconds");
        rows[4].Take(9).ShouldBe(["s", configuration.Id, configuration.Trials[0].Name, "0", "complete", "false", "flipbit-12", "hem", "5"]);
        double.Parse(rows[4][13], CultureInfo.InvariantCulture).ShouldBe(1.0 / 3);
        double.Parse(rows[4][14], CultureInfo.InvariantCulture).ShouldBe(0.1 + 0.2);
        double.Parse(rows[4][16], CultureInfo.InvariantCulture).ShouldBe(1e-7);
        rows[4][15].ShouldBe("1234.5");
        rows[1][14].ShouldBe("");   // no loss before training
        rows[1][15].ShouldBe("");   // nor episodes
    }

    [Fact]
    public void A_loss_that_is_not_a_number_is_an_empty_field_and_one_that_overflowed_says_so()
    {
        var configuration = Samples.Configuration(Samples.Parameters("flipbit-12", "hem"), 1, 2000, 0.9, points: 5);
        double[] losses = [double.NaN, 0.5, double.NaN, double.PositiveInfinity, double.NegativeInfinity];
        var trial = configuration.Trials[0];
        trial = trial with { Points = [.. trial.Points.Select((point, i) => point with { Loss = losses[i] })] };
        var data = Samples.Sweep("s", configuration with { Trials = [trial] });
        var rows = Rows(data);
        rows.ShouldAllBe(row => row.Length == rows[0].Length);
        var column = Array.IndexOf(rows[0], "loss");
        rows.Skip(1).Select(row => row[column]).ShouldBe(["", "0.5", "", "inf", "-inf"]);
        Report.Of(data).Html().ShouldNotContain("NaN", Case.Sensitive);
        Report.Of(data).RankingJson.ShouldNotContain("NaN", Case.Sensitive);
    }

    [Fact]
    public void Text_with_commas_quotes_and_line_ends_is_quoted()
    {
        const string awkward = "a \"b\", c\r\nd";
        var rows = Rows(Samples.Sweep("s", new[] { awkward, "plain" }.Select(label =>
            Samples.Configuration(Samples.Parameters("t", "hem", ("label", label)), 1, 10, 1, points: 1))));
        rows[0][8].ShouldBe("label");
        rows[1][8].ShouldBe(awkward);
        rows.ShouldAllBe(row => row.Length == rows[0].Length);
    }

    // A reader of RFC 4180 written from the RFC.
    private static string[][] Rows(ReportData data)
    {
        var writer = new StringWriter();
        Report.Of(data).WritePoints(writer);
        var text = writer.ToString();
        text.ShouldEndWith("\r\n");
        var rows = new List<string[]>();
        var row = new List<string>();
        for (var i = 0; i < text.Length;)
        {
            var field = "";
            if (text[i] == '"')
            {
                for (i++; text[i] != '"' || text[i + 1] == '"'; i++)
                {
                    field += text[i];
                    i += text[i] == '"' ? 1 : 0;
                }
                i++;
            }
            else
            {
                var end = text.IndexOfAny([',', '\r'], i);
                field = text[i..end];
                i = end;
            }
            row.Add(field);
            if (text[i++] == ',')
                continue;
            text[i++].ShouldBe('\n');
            rows.Add([.. row]);
            row.Clear();
        }
        return [.. rows];
    }
}
