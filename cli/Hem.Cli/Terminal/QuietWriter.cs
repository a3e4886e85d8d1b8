using System.Text;

namespace Hem.Cli.Terminal;

/// <summary>
/// A standard stream that may go away while we run: its terminal is closed, its disk is full. The first write that fails is told, and
/// whatever comes after it is dropped: a run must not end because nobody can read about it any more.
/// </summary>
internal sealed class QuietWriter(TextWriter inner, Action<IOException> failed) : TextWriter
{
    /// <summary>Why nothing is written any more; null while all is well.</summary>
    public IOException? Fault { get; private set; }

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Try(() => inner.Write(value));

    public override void Write(string? value) => Try(() => inner.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => inner.Write(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    // A frame of the screen is one write.
    public override void Write(StringBuilder? value) => Write(value?.ToString());

    public override void WriteLine(string? value) => Try(() => inner.WriteLine(value));

    public override void Flush() => Try(inner.Flush);

    private void Try(Action write)
    {
        if (Fault is not null) return;
        try
        {
            write();
        }
        catch (IOException e)
        {
            Fault = e;
            failed(e);
        }
    }
}
