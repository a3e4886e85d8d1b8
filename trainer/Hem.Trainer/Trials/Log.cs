using System.Globalization;

namespace Hem.Trainer.Trials;

/// <summary>Plain lines for people, each with the time in UTC: the attempt's log.</summary>
internal sealed class Log(TextWriter writer, TimeProvider time)
{
    public void Line(string message)
    {
        string stamp = time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        try
        {
            lock (writer)
                writer.WriteLine($"{stamp} {message}");
        }
        catch (IOException)
        {
            // A full disk or a closed pipe is no reason to lose the training as well.
        }
    }
}
