using System.Text.Json;
using System.Text.Json.Nodes;
using Hem.Cli.Engine;

namespace Hem.Cli.Terminal;

/// <summary>A run as JSON, one object a line: `event`, `time` and what the event holds.</summary>
internal sealed class JsonDisplay(TextWriter output, TimeProvider time) : IRunDisplay
{
    public TimeSpan? RefreshEvery => null;

    public void Show(RunEvent happened)
    {
        (string name, JsonObject fields) = happened switch
        {
            SweepStarted e => ("sweep", new JsonObject
            {
                ["sweep"] = e.Sweep,
                ["trials"] = e.Total,
                ["done"] = e.Done,
                ["parallelism"] = e.Parallelism,
                ["store"] = e.Store,
            }),
            AttemptStarted e =>
                ("started", Trial(e.Trial, e.Attempt, new() { ["pid"] = e.Pid, ["adopted"] = e.Adopted, ["log"] = e.LogFile })),
            TrialEvaluated e => ("progress", Trial(e.Trial, e.Attempt, new()
            {
                ["iteration"] = e.Iteration,
                ["iterations"] = e.Iterations,
                ["successRate"] = e.SuccessRate,
                ["stepsPerSecond"] = e.StepsPerSecond,
            })),
            TrialFinished e => ("done", Trial(e.Trial, null, new()
            {
                ["iteration"] = e.Iteration,
                ["successRate"] = e.SuccessRate,
                ["stoppedEarly"] = e.StoppedEarly,
                ["wallSeconds"] = e.WallSeconds,
            })),
            AttemptEnded e => (e.Kind, Trial(e.Trial, e.Attempt, new()
            {
                ["reason"] = e.Reason,
                ["log"] = e.LogFile,
                ["next"] = e.Next,
                ["final"] = e.Final,
            })),
            RunNotice e => (e.Warning ? "warning" : "notice", new JsonObject { ["text"] = e.Text }),
            _ => ("other", new JsonObject { ["text"] = happened.ToString() }),
        };
        Write(name, fields);
    }

    /// <summary>Any other event of a run, such as its end.</summary>
    public void Write(string name, JsonObject fields)
    {
        var line = new JsonObject { ["event"] = name, ["time"] = time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ") };
        foreach ((string key, JsonNode? value) in fields.ToArray())
        {
            fields.Remove(key);
            line[key] = value;
        }

        output.WriteLine(line.ToJsonString(JsonText.Compact));
        output.Flush();
    }

    public void Refresh(Func<RunView> view)
    {
    }

    public void Finish()
    {
    }

    public void Dispose()
    {
    }

    private static JsonObject Trial(TrialLabel trial, int? attempt, JsonObject more)
    {
        var fields = new JsonObject { ["trial"] = trial.Name, ["configuration"] = trial.Configuration, ["seed"] = trial.Seed };
        if (attempt is { } number) fields["attempt"] = number;
        foreach ((string key, JsonNode? value) in more.ToArray())
        {
            more.Remove(key);
            fields[key] = value;
        }

        return fields;
    }
}

/// <summary>How we write JSON.</summary>
internal static class JsonText
{
    public static readonly JsonSerializerOptions Compact =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static readonly JsonSerializerOptions Indented = new(Compact) { WriteIndented = true };
}
