using System.Globalization;
using System.Net;
using System.Text;

namespace Hem.TestCluster;

/// <summary>What goes wrong with a request.</summary>
public sealed record Fault
{
    internal static readonly Fault None = new();

    internal Func<CancellationToken, Task>? Before { get; init; }
    internal Func<CancellationToken, Task>? After { get; init; }

    /// <summary>The answer that a test makes in the server's place.</summary>
    public Func<HttpRequestMessage, HttpResponseMessage>? Answer { get; init; }
    internal bool IsDropped { get; init; }
    internal bool IsAnswerDropped { get; init; }
    internal bool IsRepeated { get; init; }
    internal long CutAt { get; init; } = long.MaxValue;
    internal bool EndsAtCut { get; init; }
    internal Func<string, string>? Line { get; init; }
    internal Func<CancellationToken, Task>? BeforeBody { get; init; }

    /// <summary>It never reaches the server.</summary>
    public static Fault Drop() => new() { IsDropped = true };

    /// <summary>The server does it, and nobody hears of it.</summary>
    public static Fault DropAnswer() => new() { IsAnswerDropped = true };

    /// <summary>It is sent twice; the second answer is the client's.</summary>
    public static Fault Repeat() => new() { IsRepeated = true };

    /// <summary>It is sent only when <paramref name="until"/> is done.</summary>
    public static Fault DelayUntil(Task until) => new() { Before = _ => until };

    /// <summary>The server does it, and its answer comes only when <paramref name="until"/> is done.</summary>
    public static Fault DelayAnswerUntil(Task until) => new() { After = _ => until };

    /// <summary>The head of the answer comes, and its body when <paramref name="until"/> is done.</summary>
    public static Fault DelayBodyUntil(Task until) => new() { BeforeBody = _ => until };

    /// <summary>It never reaches the server, which seems to answer so; with a Retry-After of so many seconds, if given.</summary>
    public static Fault Status(HttpStatusCode code, int? retryAfter = null, string reason = "") => new()
    {
        Answer = request =>
        {
            var answer = new HttpResponseMessage(code)
            {
                RequestMessage = request,
                Content = new StringContent(
                    $$"""{"kind":"Status","status":"Failure","message":"made by a test","reason":"{{reason}}","code":{{(int)code}}}""",
                    Encoding.UTF8, "application/json"),
            };
            if (retryAfter is { } seconds)
                answer.Headers.TryAddWithoutValidation("Retry-After", seconds.ToString(CultureInfo.InvariantCulture));
            return answer;
        },
    };

    /// <summary>It never reaches the server, which seems to answer 200 and this.</summary>
    public static Fault Body(string json) => new()
    {
        Answer = request => new(HttpStatusCode.OK)
        {
            RequestMessage = request,
            Content = new StringContent(json, Encoding.UTF8, "application/json"),
        },
    };

    /// <summary>The body breaks off after so many bytes; where <paramref name="silently"/>, it seems to be whole.</summary>
    public static Fault CutBody(long bytes, bool silently = false) => new() { CutAt = bytes, EndsAtCut = silently };

    /// <summary>Every line of the body comes twice: all events of a watch.</summary>
    public static Fault RepeatLines() => new() { Line = line => line + line };

    /// <summary>
    /// Every line of the body (an event of a watch, a whole list) is another one: for what this server's version does not know.
    /// </summary>
    public static Fault Rewrite(Func<string, string> line) => new() { Line = line };
}
