using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Hem.Results;

/// <summary>Rows that are inserted by few statements: a server is asked once for many, and there are few statements to prepare.</summary>
internal static class Rows
{
    // SQLite looks for a parameter of a name from the first one on, each time: no more than some dozens.
    private static readonly int[] Sizes = [8, 1];
    private static readonly ConcurrentDictionary<(string, int), string> Statements = [];

    /// <summary>All of <paramref name="rows"/> in order, in as many pieces as there will be statements.</summary>
    public static IEnumerable<ArraySegment<T>> InStatements<T>(T[] rows)
    {
        for (var at = 0; at < rows.Length;)
        {
            var size = Array.Find(Sizes, size => size <= rows.Length - at);
            yield return new ArraySegment<T>(rows, at, size);
            at += size;
        }
    }

    /// <summary>
    /// Inserts so many rows, but for those that are there already; tells how many were new. The parameters are the rows' values, one row
    /// after the other.
    /// </summary>
    /// <param name="into">Table and columns, `table (column, column)`.</param>
    public static string Insert(string into, int rows) => Statements.GetOrAdd((into, rows), static insert =>
    {
        var (into, rows) = insert;
        var columns = into.Count(c => c == ',') + 1;
        var text = new StringBuilder($"INSERT INTO {into} VALUES ");
        for (var row = 0; row < rows; row++)
        {
            text.Append(row == 0 ? "(" : ", (");
            for (var column = 1; column <= columns; column++)
                text.Append(CultureInfo.InvariantCulture, $"{(column == 1 ? "" : ", ")}${(row * columns) + column}");
            text.Append(')');
        }

        return text.Append(" ON CONFLICT DO NOTHING").ToString();
    });
}
