using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Hem.Cli.Terminal;

/// <summary>
/// The lines at the bottom of a terminal that are drawn again and again, with permanent lines pushed out above them. Each drawing is one
/// write, so nothing flickers. Knows how the terminal reflows lines when it gets narrower.
/// </summary>
internal sealed class LiveRegion : IDisposable
{
    private readonly TextWriter _out;
    private readonly StringWriter _buffer = new();
    private readonly IAnsiConsole _ansi;
    private readonly List<int> _drawn = [];
    private readonly Lock _gate = new();
    private string _last = "";
    private int _width;
    private bool _started;
    private bool _closed;

    /// <param name="output">The terminal.</param>
    /// <param name="color">Off where NO_COLOR is set.</param>
    public LiveRegion(TextWriter output, bool color)
    {
        _out = output;
        _ansi = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = color ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(_buffer),
        });
        _ansi.Profile.Width = short.MaxValue;
    }

    /// <summary>Draws lines in the place of the last ones.</summary>
    /// <param name="lines">What is drawn now.</param>
    /// <param name="above">Lines that stay for good, above.</param>
    /// <param name="width">Of the terminal.</param>
    public void Draw(IReadOnlyList<Line> lines, IReadOnlyList<Line> above, int width)
    {
        string below = string.Concat(lines.Select(line => Render(line) + "\e[K\n"));
        if (above.Count == 0 && width == _width && below == _last) return;
        _last = below;
        var text = new StringBuilder();
        text.Append("\e[?2026h");  // one frame, where the terminal knows that
        if (!_started) text.Append("\e[?25l");
        _started = true;
        int up = _drawn.Sum(cells => Math.Max(1, (cells + width - 1) / Math.Max(1, width)));
        if (up > 0) text.Append('\r').Append("\e[").Append(up).Append('A');
        // Lines that the terminal broke in two stay tied to each other until they are erased.
        if (width != _width) text.Append("\e[J");
        _width = width;
        foreach (Line line in above) text.Append(Render(line)).Append("\e[K\n");
        text.Append(below).Append("\e[J\e[?2026l");
        _drawn.Clear();
        _drawn.AddRange(lines.Select(line => line.Width));
        lock (_gate)
        {
            if (_closed) return;
            _out.Write(text);
            _out.Flush();
        }
    }

    /// <summary>Leaves what is drawn where it is and gives the cursor back.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_started && !_closed) _out.Write("\e[?25h");
            _out.Flush();
            _closed = true;
        }
    }

    private string Render(Line line)
    {
        _buffer.GetStringBuilder().Clear();
        _ansi.Write(new Raw(line.Segments));
        return _buffer.ToString();
    }

    private sealed class Raw(IReadOnlyList<Segment> segments) : Renderable
    {
        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => segments;
    }
}
