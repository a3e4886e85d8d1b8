using Hem.Cli.Engine;
using Spectre.Console;

namespace Hem.Cli.Terminal;

/// <summary>A run in a terminal: what happened scrolls up, what is stands below.</summary>
internal sealed class LiveDisplay(TextWriter output, Glyphs glyphs, bool color, Func<(int Width, int Height)> size) : IRunDisplay
{
    private static readonly Style Dim = new(decoration: Decoration.Dim);

    private readonly LiveRegion _region = new(output, color);
    private readonly RunScreen _screen = new(glyphs);
    private readonly List<Line> _above = [];

    public TimeSpan? RefreshEvery => TimeSpan.FromMilliseconds(250);

    public void Show(RunEvent happened)
    {
        if (happened is AttemptStarted { Adopted: false } or TrialEvaluated) return;
        (string word, string text) = Sentences.Of(happened);
        var line = new Line();
        if (word.Length > 0) line.Add($"{word,-9} ", StyleOf(word));
        _above.Add(line.Add(text));
        if (Sentences.LogFile(happened) is { } log) _above.Add(new Line().Add("          log: ", Dim).Add(log));
    }

    public void Refresh(Func<RunView> view)
    {
        (int width, int height) = size();
        _region.Draw(_screen.Layout(view(), width, height), _above, width);
        _above.Clear();
    }

    public void Finish()
    {
        _region.Draw([], _above, size().Width);
        _above.Clear();
    }

    public void Dispose() => _region.Dispose();

    private static Style StyleOf(string word) => word switch
    {
        "done" => new Style(Color.Green),
        "failed" => new Style(Color.Red),
        "warning" or "disrupted" => new Style(Color.Yellow),
        _ => Dim,
    };
}
