using Hem.Core.Statistics;

namespace Hem.Results.Reports;

/// <summary>Final success per configuration of one task: every seed a dot, the centre a bar, the interval a line.</summary>
internal static class FinalFigure
{
    /// <summary>Rows at most; the page says what is left out.</summary>
    public const int MostRows = 60;

    private const int MostDots = 200;   // per row

    public static Svg Draw(TaskResults task)
    {
        var all = task.Configurations.Count;
        // One numeric parameter gives the rows their order; else the ranking does.
        int[] order = task.Ordered && all <= MostRows ? [.. Enumerable.Range(0, all)]
            : [.. task.Ranking.Rows.Select(row => row.Index).Take(MostRows)];
        var rank = task.Ranking.Rows.ToDictionary(row => row.Index);
        var labels = order.Select(index => task.Configurations[index].Label).ToArray();
        var scores = order.Select(index => Score(task.Configurations[index], rank[index].Estimate)).ToArray();

        const double width = CurveFigure.Width, top = 8;
        var rowHeight = order.Length > 30 ? 20 : order.Length > 8 ? 26 : 34.0;
        var left = 22 + Math.Clamp(labels.Max(label => Svg.TextWidth(label, 12.5)), 30, 230);
        var right = width - 28 - scores.Max(score => Svg.TextWidth(score, 12));
        var bottom = top + order.Length * rowHeight + 4;
        var svg = new Svg(width, bottom + 46, $"Final success rate{(task.Task.Length > 0 ? $" on {task.Task}" : "")}",
            Words.Headline(task, nameTask: true));

        var low = Lowest(order.SelectMany(index => task.Configurations[index].Scores.Select(score => score.Value)
            .Append(rank[index].Estimate.Interval?.Low ?? 1)));
        var x = new Scale(low, 1, left, right, 5);
        foreach (var (tick, label) in x.Ticks.Zip(x.Labels()))
        {
            svg.Line(x.At(tick), top, x.At(tick), bottom, Paint.Grid);
            svg.Text(x.At(tick), bottom + 17, label, Paint.Muted, 11.5, "middle");
        }
        svg.Line(left, bottom, right, bottom, Paint.Axis);
        svg.Text((left + right) / 2, bottom + 38, $"final success rate{(low > 0 ? $" (axis starts at {Words.Rate(low)})" : "")}",
            Paint.Muted, 12.5, "middle");

        for (var place = 0; place < order.Length; place++)
        {
            var index = order[place];
            var configuration = task.Configurations[index];
            var estimate = rank[index].Estimate;
            var y = top + (place + 0.5) * rowHeight;
            var paint = task.Paint(index);
            svg.Text(left - 10, y + 4.3, Svg.Fit(labels[place], 12.5, left - 12), Paint.Ink, 12.5, "end", hint: configuration.Label);
            if (estimate.Interval is { } interval)
            {
                // At least a hair's breadth, so that a very narrow interval is seen to be one.
                var (from, to) = (x.At(interval.Low), x.At(interval.High));
                svg.Line(Math.Min(from, to - 1.5), y, to, y, paint, 2.2);
            }
            foreach (var (score, offset) in Stack(configuration.Scores.Take(MostDots), x, rowHeight))
            {
                svg.Circle(x.At(score.Value), y + offset, rowHeight > 22 ? 4 : 3, paint, filled: true, opacity: 0.55,
                    hint: $"seed {score.Seed}: {Words.Rate(score.Value)}");
            }
            if (estimate.Count > 1)
                svg.Line(x.At(estimate.Value), y - rowHeight * 0.3, x.At(estimate.Value), y + rowHeight * 0.3, Paint.Ink, 2);
            svg.Text(width - 6, y + 4.3, scores[place], estimate.Count == 0 ? Paint.Muted : Paint.Ink, 12, "end");
        }
        return svg;
    }

    public static string Caption(TaskResults task)
    {
        var mean = task.Ranking.Center == Center.Mean;
        var text = $"Dots: single finished seeds, each the mean of its last {FinalScore.Points} evaluations "
            + $"(the last value where it stopped early). "
            + $"Upright bar: {(mean ? "mean" : "interquartile mean")}; line and brackets: its 95% interval "
            + $"({(mean ? "Student t over seeds, clipped to 0 and 1" : "bootstrap over seeds")}).";
        if (task.Ranking.Rows.Any(row => row.Estimate.Method == IntervalMethod.EvaluationError))
        {
            text += " Where seeds agree more closely than their number of evaluation episodes can tell them apart, "
                + "the interval is widened to that error alone; "
                + "it then says nothing of how seeds differ.";
        }
        if (task.ColourBy is { } parameter)
            text += $" Colour: {parameter}.";
        return task.Configurations.Count > MostRows
            ? text + $" The {MostRows} highest of {Words.Number(task.Configurations.Count)} "
                + "configurations are drawn; all are in ranking.json." : text;
    }

    private static string Score(ConfigurationResult configuration, Estimate estimate)
    {
        var text = estimate.Count == 0 ? "no finished seed" : Words.Score(estimate);
        return configuration.Partial && estimate.Count > 0 ? $"{text}, {estimate.Count} of {configuration.Trials.Count}" : text;
    }

    // The axis starts at 0 unless all that is drawn lies in the upper half; then a round value below it, and the axis says so.
    private static double Lowest(IEnumerable<double> drawn)
    {
        var least = drawn.DefaultIfEmpty(0).Min();
        return least < 0.5 ? 0 : Math.Min(0.8, Math.Floor((least - 0.001) * 10) / 10);
    }

    // Dots that would hide each other are stacked above and below the line.
    private static IEnumerable<(SeedScore Score, double Offset)> Stack(IEnumerable<SeedScore> scores, Scale x, double rowHeight)
    {
        var placed = new List<(double X, double Offset)>();
        var most = rowHeight / 2 - 4;
        foreach (var score in scores.OrderBy(score => score.Value))
        {
            var at = x.At(score.Value);
            var offset = 0.0;
            for (var step = 1; step < 20 && placed.Any(dot => Math.Abs(dot.X - at) < 6 && Math.Abs(dot.Offset - offset) < 5); step++)
                offset = Math.Clamp((step + 1) / 2 * 5.5 * (step % 2 == 0 ? 1 : -1), -most, most);
            placed.Add((at, offset));
            yield return (score, offset);
        }
    }
}
