using System.Globalization;
using Hem.Cli.Engine;

namespace Hem.Cli.Terminal;

/// <summary>What happened in a run, as a person reads it: a word and the rest of the line.</summary>
internal static class Sentences
{
    public static (string Word, string Text) Of(RunEvent happened) => happened switch
    {
        SweepStarted e =>
            ("sweep", Text(
                $"{e.Sweep}: {Format.Count(e.Total, "trial")}, {e.Done} done, {e.Parallelism} at once; store {Format.ShortPath(e.Store)}")),
        AttemptStarted e => (e.Adopted ? "adopted" : "started", Text($"{e.Trial}{Attempt(e.Attempt)}, pid {e.Pid}")),
        TrialEvaluated e =>
            ("progress", Text($"{e.Trial}: success {Format.Success(e.SuccessRate)} at iteration {e.Iteration}/{e.Iterations}")
            + (e.StepsPerSecond is { } rate ? $", {Format.Rate(rate)} steps/s" : "")),
        TrialFinished e =>
            ("done", Text($"{e.Trial}: success {Format.Success(e.SuccessRate)} after {Format.Count((int)e.Iteration, "iteration")}")
            + (e.StoppedEarly ? " (stopped early)" : "") + $" in {Format.Duration(TimeSpan.FromSeconds(e.WallSeconds))}"),
        AttemptEnded e => (e.Kind, $"{e.Trial}{Attempt(e.Attempt)}: {Format.OneLine(e.Reason)}; {e.Next}"),
        RunNotice e => (e.Warning ? "warning" : "", e.Text),
        _ => ("", happened.ToString() ?? ""),
    };

    /// <summary>The log file where a reader will want it.</summary>
    public static string? LogFile(RunEvent happened) => happened is AttemptEnded { Kind: "failed" } e ? Format.ShortPath(e.LogFile) : null;

    private static string Attempt(int number) => number > 1 ? Text($" (attempt {number})") : "";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
