using System.Text;

namespace Hem.Cli.Terminal;

/// <summary>A table of plain text, in columns as wide as their widest cell.</summary>
internal sealed class TextTable(params (string Header, bool Right)[] columns)
{
    private readonly List<string[]> _rows = [[.. columns.Select(column => column.Header)]];

    public void Add(params string[] cells) => _rows.Add(cells);

    public override string ToString()
    {
        int[] widths = [.. columns.Select((_, i) => _rows.Max(row => row[i].Length))];
        var text = new StringBuilder();
        foreach (string[] row in _rows)
        {
            IEnumerable<string> cells = row.Select((cell, i) => columns[i].Right ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]));
            text.AppendLine(string.Join("  ", cells).TrimEnd());
        }

        return text.ToString();
    }
}
