using System.Globalization;
using Spectre.Console;

namespace Hem.Cli.Terminal;

/// <summary>Lays a run out in lines for a terminal of a given size. Pure: the same view and size give the same lines.</summary>
internal sealed class RunScreen(Glyphs glyphs)
{
    private static readonly Style Bold = new(decoration: Decoration.Bold);
    private static readonly Style Dim = new(decoration: Decoration.Dim);
    private static readonly Style Good = new(Color.Green);
    private static readonly Style Bad = new(Color.Red);
    private static readonly Style Accent = new(Color.Blue);

    private const int MinimumWidth = 20;

    /// <returns>At most <paramref name="height"/> - 1 lines of at most <paramref name="width"/> - 1 cells.</returns>
    public IReadOnlyList<Line> Layout(RunView view, int width, int height)
    {
        width = Math.Max(MinimumWidth, width) - 1;
        int room = Math.Max(2, height - 1);

        List<Line> head = [Head(view, width), Bar(view, width)];
        List<Line> hint = view.Hint.Length > 0 && room >= 6 ? [new Line(), new Line().Add(view.Hint, Dim)] : [];
        room -= head.Count + hint.Count;

        List<Line> failures = Failures(view, Math.Clamp(room / 3, 0, 8));
        room -= failures.Count;
        List<Line> running = Running(view, width, room);
        room -= running.Count;
        List<Line> configurations = Configurations(view, width, room);

        IEnumerable<Line> lines = [.. head, .. running, .. configurations, .. failures, .. hint];
        return [.. lines.Select(line => line.Crop(width, glyphs.Ellipsis))];
    }

    private Line Head(RunView view, int width)
    {
        Line line = new Line().Add(view.Sweep, Bold).Add("  ");
        bool brief = width < 60;
        line.Add(Text($"{view.Done}/{view.Total}{(brief ? "" : " trials")} done"), view.Done == view.Total ? Good : Style.Plain);
        if (view.Running.Count > 0) line.Add(glyphs.Separator, Dim).Add(Text($"{view.Running.Count} running"));
        if (view.Waiting > 0) line.Add(glyphs.Separator, Dim).Add(Text($"{view.Waiting} waiting"));
        if (view.Failed > 0) line.Add(glyphs.Separator, Dim).Add(Text($"{view.Failed} failed"), Bad);
        return line;
    }

    private Line Bar(RunView view, int width)
    {
        string times = $"{Format.Duration(view.Elapsed)} elapsed";
        if (view.Left is { } left) times += $"{glyphs.Separator}about {Format.Duration(left)} left";
        string percent = Text($" {(int)(100 * Math.Clamp(view.Progress, 0, 1)),3}%  ");
        int bar = Math.Min(60, width - percent.Length - times.Length);
        var line = new Line();
        if (bar >= 8)
        {
            int done = (int)Math.Round(bar * Math.Clamp(view.Progress, 0, 1));
            line.Add(new string(glyphs.BarDone, done), view.Failed > 0 ? Accent : Good).Add(new string(glyphs.BarRest, bar - done), Dim);
        }

        return line.Add(bar >= 8 ? percent : percent.TrimStart()).Add(times);
    }

    private List<Line> Running(RunView view, int width, int room)
    {
        if (view.Running.Count == 0 || room < 3) return [];
        const int SeedWidth = 7, SuccessWidth = 9, SpeedWidth = 9, LeftWidth = 10, WideCurve = 20, Curve = 8;
        int iterationWidth = Math.Max(11, 2 + view.Running.Max(trial => Iterations(trial).Length));
        int wanted = view.Running.Max(trial => trial.Label.Length);
        // What a label leaves goes to the columns in the order of their use.
        int free = width - Math.Max(5, wanted) - SuccessWidth - iterationWidth;
        bool seed = Take(SeedWidth) || width >= 40;
        bool left = Take(LeftWidth);
        bool speed = Take(SpeedWidth);
        int curve = Take(WideCurve + 2) ? WideCurve : Take(Curve + 2) ? Curve : 0;
        int label = Math.Clamp(wanted, 5, Math.Max(5, width - SuccessWidth - iterationWidth - (seed ? SeedWidth : 0)));

        Line header = new Line().Cell("TRIAL", label, Dim);
        if (seed) header.Cell("SEED", SeedWidth, Dim, right: true);
        header.Cell("SUCCESS", SuccessWidth, Dim, right: true);
        if (curve > 0) header.Cell("", curve + 2);
        header.Cell("ITERATION", iterationWidth, Dim, right: true);
        if (speed) header.Cell("STEPS/S", SpeedWidth, Dim, right: true);
        if (left) header.Cell("LEFT", LeftWidth, Dim, right: true);

        List<Line> lines = [new Line(), header];
        int shown = view.Running.Count <= room - 2 ? view.Running.Count : room - 3;
        foreach (RunningTrial trial in view.Running.Take(shown))
        {
            Line line = new Line().Cell(trial.Label, label, ellipsis: glyphs.Ellipsis);
            if (seed) line.Cell(Text($"{trial.Seed}"), SeedWidth, right: true, ellipsis: glyphs.Ellipsis);
            line.Cell(Format.Success(trial.SuccessRate), SuccessWidth, Bold, right: true);
            if (curve > 0) line.Add("  ").Cell(Sparkline(trial.Curve, curve), curve, Accent);
            line.Cell(Iterations(trial), iterationWidth, right: true);
            if (speed) line.Cell(trial.StepsPerSecond is { } rate ? Format.Rate(rate) : "-", SpeedWidth, right: true);
            string last = trial.State != "training" ? trial.State : trial.Left is { } time ? Format.Duration(time) : "-";
            if (left) line.Cell(last, LeftWidth, trial.State == "training" ? null : Dim, right: true);
            if (trial.Attempt > 1 && line.Width + 13 < width) line.Add(Text($"  attempt {trial.Attempt}"), Dim);
            lines.Add(line);
        }

        if (shown < view.Running.Count) lines.Add(new Line().Add(Text($"and {view.Running.Count - shown} more running"), Dim));
        return lines;

        bool Take(int cells)
        {
            if (free < cells) return false;
            free -= cells;
            return true;
        }
    }

    private List<Line> Configurations(RunView view, int width, int room)
    {
        if (view.Configurations.Count < 2 || view.Done == 0 || room < 4) return [];
        List<ConfigurationRow> rows = [.. view.Configurations.Where(row => row.Done > 0)];
        const int DoneWidth = 12, SuccessWidth = 10;
        int label = Math.Clamp(view.Configurations.Max(row => row.Label.Length), 13, Math.Max(13, width - DoneWidth - SuccessWidth));
        List<Line> lines =
        [
            new Line(),
            new Line()
                .Cell("CONFIGURATION", label, Dim)
                .Cell("SEEDS DONE", DoneWidth, Dim, right: true)
                .Cell("SUCCESS", SuccessWidth, Dim, right: true),
        ];
        int shown = rows.Count <= room - 2 ? rows.Count : room - 3;
        foreach (ConfigurationRow row in rows.Take(shown))
        {
            lines.Add(new Line()
                .Cell(row.Label, label, ellipsis: glyphs.Ellipsis)
                .Cell(Text($"{row.Done}/{row.Seeds}"), DoneWidth, right: true)
                .Cell(Format.Success(row.Success), SuccessWidth, Bold, right: true));
        }

        if (shown < rows.Count) lines.Add(new Line().Add(Text($"and {rows.Count - shown} more with finished seeds"), Dim));
        return lines;
    }

    private List<Line> Failures(RunView view, int room)
    {
        if (view.Failures.Count == 0 || room < 2) return [];
        List<Line> lines = [new Line()];
        int shown = Math.Min(view.Failures.Count, (room - 1) / 2);
        if (shown == 0) return [new Line(), new Line().Add(Text($"{view.Failures.Count} failed"), Bad)];
        foreach (FailedTrial failure in view.Failures.TakeLast(shown))
        {
            lines.Add(new Line().Add("failed  ", Bad).Add(Text($"{failure.Label} seed {failure.Seed}: {Format.OneLine(failure.Reason)}")));
            lines.Add(new Line().Add("        log: ", Dim).Add(Format.ShortPath(failure.LogFile)));
        }

        return lines;
    }

    /// <summary>The curve's last <paramref name="width"/> points, or all of them thinned out to that many.</summary>
    private string Sparkline(IReadOnlyList<double> curve, int width)
    {
        if (curve.Count == 0) return "";
        int count = Math.Min(width, curve.Count);
        Span<char> text = stackalloc char[count];
        for (int i = 0; i < count; i++)
        {
            double value = curve[count == 1 ? 0 : (int)((long)i * (curve.Count - 1) / (count - 1))];
            text[i] = glyphs.Levels[Math.Clamp((int)(value * glyphs.Levels.Length), 0, glyphs.Levels.Length - 1)];
        }

        return new string(text);
    }

    private static string Iterations(RunningTrial trial) => Text($"{trial.Iteration}/{trial.Iterations}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
