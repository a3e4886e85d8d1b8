using Microsoft.Extensions.Logging;

namespace Hem.Kubernetes;

/// <summary>
/// Logs what the server warns of beside an answer that is a success (Warning headers of code 299, since Kubernetes 1.19): an API version
/// that will go, a field that it does not know. Each text once, and of endless texts not all.
/// </summary>
internal sealed class ServerWarnings(ILogger logger)
{
    private const int MostTexts = 100;
    private const int WarnCode = 299;
    private readonly HashSet<string> _told = [];

    public void Tell(string request, HttpResponseMessage response)
    {
        if (!response.Headers.Contains("Warning")) return;
        foreach (var warning in response.Headers.Warning.Where(warning => warning.Code == WarnCode))
        {
            var text = Unquoted(warning.Text);
            bool isNew;
            lock (_told) isNew = _told.Count < MostTexts && _told.Add(text);
            if (isNew) Log.ServerWarns(logger, request, text);
        }
    }

    /// <summary>The text is a quoted string of HTTP: a backslash stands before quotes and backslashes.</summary>
    private static string Unquoted(string text)
    {
        if (text is not ['"', .. var inner, '"']) return text;
        var plain = new System.Text.StringBuilder(inner.Length);
        for (var i = 0; i < inner.Length; i++)
        {
            if (inner[i] == '\\' && i + 1 < inner.Length) i++;
            plain.Append(inner[i]);
        }
        return plain.ToString();
    }
}
