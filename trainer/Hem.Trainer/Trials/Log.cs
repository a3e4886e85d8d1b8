using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hem.Trainer.Trials;

/// <summary>
/// The attempt's log, an event a line with the time in UTC: for people, or where HEM_LOG_FORMAT is json, as the operator's own lines are,
/// with the sweep, the trial and the attempt in each.
/// </summary>
internal sealed class Log(TextWriter writer, TimeProvider time, bool json = false)
{
    private (string Name, string Value)[] about = [];

    /// <summary>From now on the lines are about this attempt.</summary>
    public void About(string sweep, string trial, string attempt) =>
        about = [("Sweep", sweep), ("Trial", trial), ("Attempt", attempt)];

    public void Line(string message) => Write("Information", message);

    /// <summary>Something is not as it should be; training goes on.</summary>
    public void Warning(string message) => Write("Warning", message);

    /// <summary>What ends the attempt.</summary>
    public void Error(string message) => Write("Error", message);

    private void Write(string level, string message)
    {
        string stamp = time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        string line = json ? Json(stamp, level, message) : $"{stamp} {message}";
        try
        {
            lock (writer)
                writer.WriteLine(line);
        }
        catch (IOException)
        {
            // A full disk or a closed pipe is no reason to lose the training as well.
        }
    }

    private string Json(string stamp, string level, string message)
    {
        using var text = new MemoryStream();
        using (var fields = new Utf8JsonWriter(text))
        {
            fields.WriteStartObject();
            fields.WriteString("Timestamp", stamp);
            fields.WriteString("LogLevel", level);
            fields.WriteString("Category", TrainerProgram.Program);
            fields.WriteString("Message", message);
            fields.WriteStartObject("State");
            foreach ((string name, string value) in about)
                fields.WriteString(name, value);
            fields.WriteEndObject();
            fields.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.ToArray());
    }
}
