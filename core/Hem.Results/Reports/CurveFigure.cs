using System.Text;
using Hem.Core.Statistics;

namespace Hem.Results.Reports;

/// <summary>Learning curves of one task: in one frame while they can be told apart, else one panel per configuration.</summary>
internal static class CurveFigure
{
    public const double Width = 760;

    /// <summary>Panels at most; the page says what is left out.</summary>
    public const int MostPanels = 24;

    private const double BoldSize = 11.5 * 1.1;   // bold letters are wider
    private const int MostGhosts = 60;          // grey lines behind every panel
    private const int MostSeedLines = 12;       // per configuration
    private const int MostThinLines = 16;       // in one frame

    public static Svg Draw(TaskResults task, CurveAxis axis)
    {
        var inOneFrame = !task.Many;
        var title = $"Learning curves{(task.Task.Length > 0 ? $" on {task.Task}" : "")} against {axis.Name}";
        return inOneFrame ? OneFrame(task, axis, title) : Panels(task, axis, title);
    }

    /// <summary>What the lines and bands are, for the caption.</summary>
    public static string Caption(TaskResults task)
    {
        var counts = task.Configurations.Select(configuration => configuration.Scores.Count)
            .Where(count => count > 0).Distinct().Order().ToArray();
        var seeds = counts.Length switch
        {
            0 => "No trial has finished: lines show the mean of what there is, as far as all seeds have come, without a band. ",
            1 when counts[0] == 1 => "One finished seed per configuration: no band can be given. ",
            _ => $"Line: {(task.Ranking.Center == Center.Mean ? "mean" : "interquartile mean")} over finished seeds "
                + $"({(counts.Length == 1 ? $"{counts[0]}" : $"{counts[0]} to {counts[^1]}")} per configuration). "
                + $"Band{(counts[0] < Curve.BandFrom ? $" (from {Curve.BandFrom} seeds on)" : "")}: "
                + $"pointwise 95% interval ({(task.Ranking.Center == Center.Mean ? "Student t, clipped to 0 and 1" : "bootstrap")}). ",
        };
        var thin = ShowsSeeds(task) && task.Configurations.Any(configuration => configuration.Trials.Count > 1)
            ? "Thin lines: single seeds" : "";
        if (task.Configurations.Any(configuration => configuration.Trials.Any(trial =>
                trial.State != ReportTrialState.Complete && trial.Points.Count > 0)))
            thin = thin.Length > 0 ? thin + ", dashed where the trial is not finished (left out of line and band)"
                : "Thin dashed lines: trials that are not finished (left out of line and band)";
        var stopped = task.Configurations.Any(configuration => configuration.Trials.Any(trial => trial.StoppedEarly))
            ? " Rings: trials that stopped early; their last value is carried on." : "";
        var panels = task.Many ? " Grey: the other configurations." + (task.ColourBy is { } parameter ? $" Colour: {parameter}." : "") : "";
        var omitted = task.Configurations.Count > MostPanels
            ? $" Panels are the {MostPanels} highest scores of {Words.Number(task.Configurations.Count)} configurations"
                + (task.Configurations.Count > MostGhosts
                    ? $"; grey lines are {MostGhosts} of them, evenly spread over the ranking." : ".") : "";
        return seeds + thin + (thin.Length > 0 ? "." : "") + stopped + panels + omitted;
    }

    // Panels have room for every seed; one frame only for few.
    private static bool ShowsSeeds(TaskResults task) => task.Many
        || task.Configurations.Sum(configuration => Math.Min(configuration.Trials.Count, MostSeedLines)) <= MostThinLines;

    private static Svg OneFrame(TaskResults task, CurveAxis axis, string title)
    {
        var curves = task.Configurations
            .Select(configuration => Curve.Of(configuration, axis, task.Ranking.Center, withBand: true)).ToArray();
        var labels = task.Configurations.Select(Label).ToArray();
        var labelWidth = Math.Clamp(labels.Max(label => Svg.TextWidth(label, 12.5)), 30, 230);
        const double height = 400, left = 54, top = 14, bottom = height - 50;
        var right = Width - labelWidth - 44;
        var svg = new Svg(Width, height, title, Words.Headline(task, nameTask: true));
        var x = XScale(curves, left, right, 7);
        var y = new Scale(0, 1, bottom, top, 5);
        Frame(svg, x, y, left, right, top, bottom, axis.Title, "success rate", labelX: true, labelY: true);

        var paints = curves.Select((_, i) => task.Paint(i)).ToArray();
        for (var i = 0; i < curves.Length; i++)
            Band(svg, curves[i], x, y, paints[i], curves.Length > 4 ? 0.10 : 0.15);
        var thin = ShowsSeeds(task);
        for (var i = 0; i < curves.Length; i++)
            SeedLines(svg, curves[i], x, y, paints[i], allLines: thin);
        for (var i = 0; i < curves.Length; i++)
            CentreLine(svg, curves[i], x, y, paints[i], 2.2, Palette.Dash(i, task.Ordered));

        // Labels beside the ends of their lines, pushed apart where ends are close, in the order of the ends (ties: of the configurations).
        var ends = curves.Select((curve, i) => (Index: i, X: End(curve).X, Y: End(curve).Y)).Where(end => !double.IsNaN(end.Y))
            .OrderBy(end => y.At(end.Y)).ThenByDescending(end => task.Ordered ? end.Index : -end.Index).ToArray();
        var places = Spread([.. ends.Select(end => y.At(end.Y))], 16, top + 4, bottom - 2);
        for (var k = 0; k < ends.Length; k++)
        {
            var (index, endX, endY) = ends[k];
            svg.Line(x.At(endX) + 2, y.At(endY), right + 10, places[k], Paint.Ghost, 0.8);
            svg.Line(right + 10, places[k], right + 30, places[k], paints[index],
                curves[index].Provisional ? 1.2 : 2.2, Dash(curves[index], Palette.Dash(index, task.Ordered)));
            svg.Text(right + 36, places[k] + 4.3, Svg.Fit(labels[index], 12.5, labelWidth + 4), Paint.Ink, 12.5, hint: labels[index]);
        }
        return svg;
    }

    private static Svg Panels(TaskResults task, CurveAxis axis, string title)
    {
        var all = task.Configurations.Count;
        var byRank = task.Ranking.Rows.Select(row => row.Index).ToArray();
        // All of them in their own order where they fit; else the best, best first.
        int[] shown = all <= MostPanels ? [.. Enumerable.Range(0, all)] : byRank[..MostPanels];
        int[] ghosts = all <= MostGhosts ? byRank
            : [.. Enumerable.Range(0, MostGhosts).Select(i => byRank[i * (all - 1) / (MostGhosts - 1)])];
        var curves = shown.Union(ghosts).ToDictionary(i => i,
            i => Curve.Of(task.Configurations[i], axis, task.Ranking.Center, withBand: shown.Contains(i)));

        const double left = 52, gap = 16, panelHeight = 92, headHeight = 36, top = 0;
        var longest = shown.Max(index => Svg.TextWidth(Label(task.Configurations[index]), BoldSize));
        var columns = longest + 32 <= PanelWidth(4) ? 4 : longest + 32 <= PanelWidth(3) ? 3 : 2;
        var panelWidth = PanelWidth(columns);
        double PanelWidth(int count) => (Width - left - 12 - (count - 1) * gap) / count;
        var rows = (shown.Length + columns - 1) / columns;
        var height = top + rows * (panelHeight + headHeight) + 48;
        var svg = new Svg(Width, height, title, Words.Headline(task, nameTask: true));
        var x = XScale(curves.Values, 0, panelWidth, 2);
        var y = new Scale(0, 1, panelHeight, 0, 2);

        var id = $"ghosts-{axis.Id}-{Slug(task.Task)}";
        svg.Group(id, () =>
        {
            foreach (var index in ghosts)
                svg.Path(LineData(curves[index].X, curves[index].Y, x, y, buckets: 60), Paint.Ghost, 0.8, opacity: 0.7);
        });
        for (var place = 0; place < shown.Length; place++)
        {
            var (index, column, row) = (shown[place], place % columns, place / columns);
            var originX = left + column * (panelWidth + gap);
            var originY = top + headHeight + row * (panelHeight + headHeight);
            var (px, py) = (x.Moved(originX), y.Moved(originY));
            var paint = task.Paint(index);
            var label = Label(task.Configurations[index]);
            Frame(svg, px, py, originX, originX + panelWidth, originY, originY + panelHeight, "", "",
                labelX: place + columns >= shown.Length, labelY: column == 0);
            svg.Use(id, originX, originY);
            Band(svg, curves[index], px, py, paint, 0.18);
            SeedLines(svg, curves[index], px, py, paint, allLines: true);
            CentreLine(svg, curves[index], px, py, paint, 2, null);
            var score = Scored(task, index);
            var scoreWidth = Svg.TextWidth(score, 11) + 6;
            svg.Text(originX, originY - 7, Svg.Fit(label, BoldSize, panelWidth - scoreWidth), Paint.Ink, 11.5, bold: true, hint: label);
            svg.Text(originX + panelWidth, originY - 7, score, Paint.Muted, 11, "end");
        }
        svg.Text(left + (Width - left) / 2, height - 6, axis.Title, Paint.Muted, 12, "middle");
        svg.Text(13, (height - 48 + headHeight) / 2, "success rate", Paint.Muted, 12, "middle", rotate: -90);
        return svg;
    }

    private static string Scored(TaskResults task, int index)
    {
        var estimate = task.Ranking.Rows.First(row => row.Index == index).Estimate;
        return double.IsNaN(estimate.Value) ? "" : Words.Rate(estimate.Value);
    }

    internal static string Label(ConfigurationResult configuration) =>
        configuration.Partial ? $"{configuration.Label} ({configuration.Scores.Count} of {configuration.Trials.Count} seeds)"
            : configuration.Label;

    internal static string Slug(string text) =>
        string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));

    private static Scale XScale(IEnumerable<Curve> curves, double from, double to, int ticks) =>
        new(0, curves.SelectMany(curve => curve.Seeds.Select(seed => seed.X[^1])).DefaultIfEmpty(1).Max(), from, to, ticks);

    private static void Frame(
        Svg svg, Scale x, Scale y, double left, double right, double top, double bottom,
        string xTitle, string yTitle, bool labelX, bool labelY)
    {
        foreach (var (tick, label) in y.Ticks.Zip(y.Labels()))
        {
            svg.Line(left, y.At(tick), right, y.At(tick), Paint.Grid);
            if (labelY)
                svg.Text(left - 7, y.At(tick) + 4, label, Paint.Muted, 11.5, "end");
        }
        svg.Line(left, bottom, right, bottom, Paint.Axis);
        foreach (var (tick, label) in x.Ticks.Zip(x.Labels()))
        {
            svg.Line(x.At(tick), bottom, x.At(tick), bottom + 4, Paint.Axis);
            if (labelX)
                svg.Text(x.At(tick), bottom + 17, label, Paint.Muted, 11.5, "middle");
        }
        if (xTitle.Length > 0)
            svg.Text((left + right) / 2, bottom + 38, xTitle, Paint.Muted, 12.5, "middle");
        if (yTitle.Length > 0)
            svg.Text(14, (top + bottom) / 2, yTitle, Paint.Muted, 12.5, "middle", rotate: -90);
    }

    private static void Band(Svg svg, Curve curve, Scale x, Scale y, Paint paint, double opacity)
    {
        if (curve.Low.Length < 2)
            return;
        var upper = Points(curve.X, curve.High, x, y);
        var lower = Points(curve.X, curve.Low, x, y);
        lower.Reverse();
        svg.Area("M" + string.Join("L", upper.Concat(lower)) + "Z", paint, opacity);
    }

    private static void SeedLines(Svg svg, Curve curve, Scale x, Scale y, Paint paint, bool allLines)
    {
        // A lone seed is the centre line itself.
        var seeds = curve.Seeds.Count == 1 && !curve.Seeds[0].Unfinished ? [] : curve.Seeds;
        foreach (var seed in seeds.Where(seed => allLines || seed.Unfinished || curve.Low.Length == 0)
            .OrderBy(seed => seed.Unfinished ? 0 : 1).Take(MostSeedLines))
        {
            svg.Path(LineData(seed.X, seed.Y, x, y), paint, 0.9, seed.Unfinished ? "3 2.5" : null,
                seed.Unfinished ? 0.75 : 0.45, $"seed {seed.Seed}{(seed.Unfinished ? ", not finished" : "")}");
        }
        foreach (var seed in curve.Seeds.Where(seed => seed.Stopped).Take(MostSeedLines))
            svg.Circle(x.At(seed.X[^1]), y.At(seed.Y[^1]), 3, paint, filled: false, hint: $"seed {seed.Seed} stopped early");
    }

    private static void CentreLine(Svg svg, Curve curve, Scale x, Scale y, Paint paint, double thickness, string? dash)
    {
        if (curve.X.Length == 1)
            svg.Circle(x.At(curve.X[0]), y.At(curve.Y[0]), 2.5, paint, filled: true);
        else
            svg.Path(LineData(curve.X, curve.Y, x, y), paint, curve.Provisional ? 1.2 : thickness, Dash(curve, dash));
    }

    private static string? Dash(Curve curve, string? dash) => curve.Provisional ? "3 2.5" : dash;

    private static (double X, double Y) End(Curve curve) => curve.X.Length > 0 ? (curve.X[^1], curve.Y[^1])
        : curve.Seeds.Count > 0 ? (curve.Seeds[0].X[^1], curve.Seeds[0].Y[^1]) : (double.NaN, double.NaN);

    private static List<string> Points(double[] xs, double[] ys, Scale x, Scale y, int buckets = 700) =>
        [.. Curve.Visible(xs, ys, x.Low, x.High, buckets).Select(i => $"{Svg.At(x.At(xs[i]))} {Svg.At(y.At(ys[i]))}")];

    private static string LineData(double[] xs, double[] ys, Scale x, Scale y, int buckets = 700)
    {
        if (xs.Length < 2)
            return "";
        var data = new StringBuilder("M");
        data.AppendJoin("L", Points(xs, ys, x, y, buckets));
        return data.ToString();
    }

    /// <summary>Positions near the wanted ones (ascending), at least a distance apart, within bounds where there is room.</summary>
    internal static double[] Spread(double[] wanted, double distance, double low, double high)
    {
        var places = (double[])wanted.Clone();
        for (var round = 0; round < 200; round++)
        {
            var moved = false;
            for (var i = 1; i < places.Length; i++)
            {
                var overlap = distance - (places[i] - places[i - 1]);
                if (overlap <= 0.01)
                    continue;
                places[i - 1] -= overlap / 2;
                places[i] += overlap / 2;
                moved = true;
            }
            if (places.Length > 0 && places[^1] > high)
                (places[^1], moved) = (high, true);
            if (places.Length > 0 && places[0] < low)
                (places[0], moved) = (low, true);
            if (!moved)
                break;
        }
        return places;
    }
}
