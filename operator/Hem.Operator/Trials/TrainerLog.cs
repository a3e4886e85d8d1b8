using System.Text.Json;

namespace Hem.Operator.Trials;

/// <summary>The last lines of a trainer's log, in which the kubelet lets it say why it ended.</summary>
internal static class TrainerLog
{
    /// <summary>
    /// The same lines, those of HEM_LOG_FORMAT=json as their messages. The first may have lost its beginning: what is left of an object is
    /// dropped where others are whole.
    /// </summary>
    public static string Messages(string lines)
    {
        string[] all = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string?[] messages = [.. all.Select(Message)];
        if (messages.All(message => message is null)) return lines;
        bool torn = messages[0] is null && all[0].EndsWith('}');
        return string.Join('\n', all.Select((line, i) => messages[i] ?? line).Skip(torn ? 1 : 0));
    }

    private static string? Message(string line)
    {
        if (!line.StartsWith('{')) return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.TryGetProperty("Message", out JsonElement message) ? message.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
