using System.Text;

namespace Hem.Cli.Engine;

/// <summary>The last words of a process: what most programs say when they fail.</summary>
internal static class LogTail
{
    private const int Bytes = 4096;

    /// <summary>The last line of the file that is not empty, or null.</summary>
    public static string? LastLine(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            stream.Seek(-Math.Min(Bytes, stream.Length), SeekOrigin.End);
            var buffer = new byte[Bytes];
            int length = stream.ReadAtLeast(buffer, Bytes, throwOnEndOfStream: false);
            string? line = Encoding.UTF8.GetString(buffer, 0, length)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .LastOrDefault();
            return line is null ? null : Clean(line);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // A log may hold anything, and its last line goes to a terminal.
    private static string Clean(string line) => string.Concat(line.Where(character => !char.IsControl(character)));
}
