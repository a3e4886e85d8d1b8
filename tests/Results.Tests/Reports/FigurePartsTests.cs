using Hem.Core.Statistics;
using Hem.Results.Reports;

namespace Results.Tests.Reports;

public class FigurePartsTests
{
    [Theory]
    [InlineData(0, 1, 5, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(0, 45_000, 7, "0 10,000 20,000 30,000 40,000")]
    [InlineData(0.8, 1, 5, "0.80 0.85 0.90 0.95 1.00")]
    [InlineData(0, 3, 7, "0.0 0.5 1.0 1.5 2.0 2.5 3.0")]
    [InlineData(0, 0, 5, "0.0 0.2 0.4 0.6 0.8 1.0")]
    public void Ticks_are_round_numbers(double low, double high, int count, string labels) =>
        string.Join(' ', new Scale(low, high, 0, 100, count).Labels()).ShouldBe(labels);

    [Fact]
    public void A_thinned_line_keeps_its_extremes_and_its_ends()
    {
        var random = new Random(3);
        double[] x = [.. Enumerable.Range(0, 20_000).Select(i => (double)i)];
        double[] y = [.. x.Select(_ => random.NextDouble())];
        (y[7_777], y[12_345]) = (5, -5);
        var kept = Curve.Visible(x, y, 0, 20_000, 300);
        kept.Count.ShouldBeLessThanOrEqualTo(4 * 301);
        kept.ShouldBeInOrder();
        kept.ShouldContain(7_777);
        kept.ShouldContain(12_345);
        (kept[0], kept[^1]).ShouldBe((0, 19_999));
        Curve.Visible([0, 1, 2], [0, 1, 0], 0, 2, 300).ShouldBe([0, 1, 2]);
    }

    [Fact]
    public void A_band_is_the_t_interval_at_each_evaluation()
    {
        var configuration = TaskResults.Of(Samples.Quickstart()).Single().Configurations[0];
        var curve = Curve.Of(configuration, CurveAxis.Trajectories, Center.Mean, withBand: true);
        curve.X.Length.ShouldBe(16);
        for (var i = 0; i < curve.X.Length; i++)
        {
            var interval = StudentT.MeanInterval([.. configuration.Trials.Select(trial => trial.Points[i].SuccessRate)]);
            curve.Low[i].ShouldBe(Math.Max(0, interval.Low), 1e-12);
            curve.High[i].ShouldBe(Math.Min(1, interval.High), 1e-12);
        }
    }

    [Fact]
    public void Labels_that_would_overlap_are_pushed_apart_in_their_order()
    {
        var places = CurveFigure.Spread([10, 10, 11, 90, 200], 16, 4, 200);
        for (var i = 1; i < places.Length; i++)
            (places[i] - places[i - 1]).ShouldBeGreaterThanOrEqualTo(15.9);
        places.ShouldAllBe(place => place >= 3.9 && place <= 200.1);
    }

    [Fact]
    public void Shades_go_monotonically_from_light_to_dark_on_white_and_the_other_way_on_black()
    {
        double[] light = [.. Enumerable.Range(0, 8).Select(i => Luminance(Palette.Shade(i, 8).Light))];
        double[] dark = [.. Enumerable.Range(0, 8).Select(i => Luminance(Palette.Shade(i, 8).Dark))];
        light.ShouldBeInOrder(SortDirection.Descending);
        dark.ShouldBeInOrder(SortDirection.Ascending);

        static double Luminance(string colour) => Enumerable.Range(0, 3)
            .Sum(i => new[] { 0.2126, 0.7152, 0.0722 }[i] * Math.Pow(Convert.ToInt32(colour.Substring(1 + 2 * i, 2), 16) / 255.0, 2.2));
    }

    [Theory]
    [InlineData("flipbit-5", "flipbit-25", -1)]
    [InlineData("10", "9.5", 1)]
    [InlineData("a", "a", 0)]
    [InlineData("image-84", "image-084x", -1)]
    public void Values_are_ordered_as_people_order_them(string left, string right, int sign) =>
        Math.Sign(NaturalOrder.Instance.Compare(left, right)).ShouldBe(sign);

    [Theory]
    [InlineData(0.5, null, "0.50")]
    [InlineData(0.999, null, "0.999")]
    [InlineData(1.0, null, "1.00")]
    [InlineData(0.004, null, "0.004")]
    [InlineData(0.954, 0.05, "0.95 [0.90, 1.00]")]
    [InlineData(0.954, 0.004, "0.954 [0.950, 0.958]")]
    public void Scores_are_rounded_but_never_to_what_they_are_not(double value, double? half, string text) =>
        Words.Score(new(
            value, half is { } h ? new Interval(value - h, Math.Min(1, value + h)) : null, 3, Center.Mean, IntervalMethod.StudentT))
            .ShouldBe(text);

    [Fact]
    public void Differences_carry_their_sign()
    {
        Words.Difference(0.214, new Interval(0.10, 0.32)).ShouldBe("+0.21 [0.10, 0.32]");
        Words.Difference(-0.214, new Interval(-0.32, -0.10)).ShouldBe("−0.21 [−0.32, −0.10]");
        Words.Difference(0.001, new Interval(-0.2, 0.2)).ShouldBe("0.00 [−0.20, 0.20]");
    }
}
