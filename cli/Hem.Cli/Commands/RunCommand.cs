using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Hem.Cli.Engine;
using Hem.Cli.Terminal;
using Hem.Core.Planning;
using Hem.Core.Sweeps;
using Hem.Results;
using Hem.Results.Reports;

namespace Hem.Cli.Commands;

/// <summary>`hem run`: runs what is missing of a sweep, and ends with the answer.</summary>
internal static class RunCommand
{
    public static string Closing { get; } = $"""
        A trial is a process of hem-trainer, or of spec.trainer.command. What is complete
        is never run again: change the file, and only the difference runs. Ctrl-C lets the
        trainers save and leaves; the same command goes on where it stopped, after a crash
        or a power cut too.

        Exit codes:
        {ExitCodes.Help}

        Examples:
          hem run examples/quickstart.yaml
          hem run sweep.yaml --store /data/results --parallelism 4
          hem run sweep.yaml --retry-failed     what failed for good has another chance
          hem run sweep.yaml --json | jq 'select(.event == "done")'

        """;

    public static Command Build()
    {
        Argument<string> file = CommonOptions.File();
        Option<string?> store = CommonOptions.Store();
        Option<int?> parallelism = CommonOptions.Parallelism();
        Option<bool> json = CommonOptions.Json("What happens as JSON, one object a line");
        Option<bool> plain = new("--plain") { Description = "A plain log, line by line, also in a terminal" };
        Option<bool> retry = new("--retry-failed") { Description = "Forget what failed for good, and try it again" };
        var command = new Command("run", "Run a sweep on this machine, to its report") { file, store, parallelism, json, plain, retry };
        command.SetAction((parsed, _) => RunAsync(
            parsed.GetRequiredValue(file), parsed.Layout(store), parsed.GetValue(parallelism), parsed.GetValue(json),
            parsed.GetValue(plain), parsed.GetValue(retry),
            Resume(parsed.GetRequiredValue(file), parsed.GetValue(store), parsed.GetValue(parallelism))));
        return command;
    }

    /// <summary>The command that goes on; null where that is no matter of a command alone: the sweep came from standard input.</summary>
    internal static string? Resume(string path, string? store, int? parallelism) => path == "-"
        ? null
        : $"hem run {Format.ShellWord(path)}" + (store is null ? "" : $" --store {Format.ShellWord(store)}")
            + (parallelism is null ? "" : $" --parallelism {parallelism}");

    private static async Task<int> RunAsync(
        string path, StoreLayout layout, int? parallelism, bool json, bool plain, bool retryFailed, string? resume)
    {
        TimeProvider time = TimeProvider.System;
        SweepFile file = SweepFile.Read(path);
        (HemSweep sweep, SweepExpansion expansion) = file.Require();
        int slots = parallelism ?? sweep.Spec.Parallelism ?? Environment.ProcessorCount;
        using ResultStore store = ResultStore.Open(layout.Root);
        using IRunDisplay display = Display(json, plain, time);
        var request = new RunRequest(file, sweep, expansion, layout, slots, resume) { RetryFailed = retryFailed };
        await using var run = new SweepRun(request, store, display, time);
        using var signals = new Signals(run, display);

        SweepStatus status = await run.RunAsync();
        display.Finish();
        display.Dispose();
        signals.Dispose();
        int exitCode = ExitCode(status, run.WasInterrupted);
        (Report? ranking, string? report) = status.Counts.Finished > 0 ? WriteReport(store, run, layout, path, time) : default;
        if (json) TellJson((JsonDisplay)display, status, exitCode, report, ranking, run.Elapsed);
        else Tell(status, exitCode, report, ranking, run, request);
        return exitCode;
    }

    private static IRunDisplay Display(bool json, bool plain, TimeProvider time)
    {
        if (json) return new JsonDisplay(Console.Out, time);
        string? terminal = Environment.GetEnvironmentVariable("TERM");
        if (plain || Console.IsOutputRedirected || terminal is null or "" or "dumb") return new LogDisplay(Console.Out, time);
        bool color = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new LiveDisplay(
            Console.Out, Glyphs.Detect(Environment.GetEnvironmentVariable), color, () => (Console.WindowWidth, Console.WindowHeight));
    }

    private static (Report Ranking, string Path) WriteReport(
        ResultStore store, SweepRun run, StoreLayout layout, string path, TimeProvider time)
    {
        SweepRecord sweep = store.ReadSweeps().First(known => known.Uid == run.SweepUid);
        Report report = Report.Of(ReportData.FromStore(store, sweep, time.GetUtcNow(), path));
        return (report, report.Write(layout.ReportDirectory(sweep.Name)));
    }

    private static int ExitCode(SweepStatus status, bool interrupted) => status.State switch
    {
        SweepState.Complete => ExitCodes.Complete,
        SweepState.CompleteWithFailures => ExitCodes.SomeFailed,
        SweepState.Suspended when interrupted => ExitCodes.Interrupted,
        _ => ExitCodes.Unfinished,
    };

    private static void Tell(SweepStatus status, int exitCode, string? report, Report? ranking, SweepRun run, RunRequest request)
    {
        TrialCounts counts = status.Counts;
        string name = request.Sweep.Metadata.Name;
        TextWriter output = Console.Out;
        output.WriteLine();
        if (exitCode is ExitCodes.Complete or ExitCodes.SomeFailed && ranking is not null)
            output.WriteLine(ranking.RankingText.TrimEnd() + "\n");
        output.WriteLine(status.State switch
        {
            SweepState.Complete when run.StartedAny =>
                $"{name} is complete: {Format.Count(counts.Finished, "trial")} in {Format.Duration(run.Elapsed)}.",
            SweepState.Complete =>
                $"{name} was complete already: {Format.Count(counts.Finished, "trial")}, nothing to run.",
            SweepState.CompleteWithFailures =>
                $"{name} is done: {counts.Finished} of {Format.Count(counts.Total, "trial")} complete, "
                + $"{counts.Failed + counts.Conflicted} failed for good:",
            SweepState.Suspended when !run.WasInterrupted =>
                $"{name} is suspended by its spec: {counts.Finished} of {Format.Count(counts.Total, "trial")} complete. "
                + "Set spec.suspend to false and run it again.",
            SweepState.Suspended =>
                $"Saved and stopped: {counts.Finished} of {Format.Count(counts.Total, "trial")} complete. "
                + (request.Resume is { } resume ? $"To go on: {resume}" : "To go on, run it again with the same sweep on standard input."),
            SweepState.BudgetExhausted =>
                $"{status[ConditionType.Progressing].Message}: {counts.Finished} of {Format.Count(counts.Total, "trial")} complete. "
                + "Raise spec.budget and run it again to go on.",
            _ => status[ConditionType.Progressing].Message,
        });
        if (status.State == SweepState.CompleteWithFailures)
        {
            foreach (FailedTrial failure in run.View().Failures)
            {
                output.WriteLine($"  {failure.Label} seed {failure.Seed}: {Format.OneLine(failure.Reason)}");
                output.WriteLine($"    log: {Format.ShortPath(failure.LogFile)}");
            }

            output.WriteLine(
                request.Resume is { } again ? $"To try them again: {again} --retry-failed" : "To try them again, add --retry-failed.");
        }

        if (report is not null) output.WriteLine($"Report: {Format.ShortPath(report)}");
    }

    private static void TellJson(
        JsonDisplay display, SweepStatus status, int exitCode, string? report, Report? ranking, TimeSpan elapsed) =>
        display.Write("end", new JsonObject
        {
            ["state"] = status.State.ToString(),
            ["exitCode"] = exitCode,
            ["trials"] = status.Counts.Total,
            ["done"] = status.Counts.Finished,
            ["failed"] = status.Counts.Failed + status.Counts.Conflicted,
            ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
            ["report"] = report,
            ["ranking"] = ranking is null ? null : JsonNode.Parse(ranking.RankingJson),
        });

    /// <summary>Ctrl-C, and the signals that mean the same: once lets the trainers save, twice leaves at once.</summary>
    private sealed class Signals : IDisposable
    {
        private readonly List<PosixSignalRegistration> _registrations = [];
        private readonly SweepRun _run;
        private readonly IRunDisplay _display;
        private int _count;

        public Signals(SweepRun run, IRunDisplay display)
        {
            (_run, _display) = (run, display);
            foreach (PosixSignal signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT })
            {
                // Under nohup a hangup is to be ignored; .NET would undo that.
                if (signal == PosixSignal.SIGHUP && IsIgnored(1)) continue;
                _registrations.Add(PosixSignalRegistration.Create(signal, Handle));
            }
        }

        public void Dispose()
        {
            foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
            _registrations.Clear();
        }

        private void Handle(PosixSignalContext context)
        {
            context.Cancel = true;
            // A terminal that goes away sends a hangup, and maybe more than one: nobody is there to mean "at once" by it.
            bool counts = context.Signal is PosixSignal.SIGINT or PosixSignal.SIGTERM;
            if (!counts || Interlocked.Increment(ref _count) == 1)
            {
                _run.Interrupt();
                return;
            }

            _run.TerminateAll();
            _display.Dispose();
            Console.Error.WriteLine(
                "hem: left at once. The trainers were asked to save and leave, and go on to do so; the same command goes on from there.");
            Environment.Exit(ExitCodes.Interrupted);
        }

        private static bool IsIgnored(int signal)
        {
            string? line = File.ReadLines("/proc/self/status").FirstOrDefault(text => text.StartsWith("SigIgn:", StringComparison.Ordinal));
            return line is not null && (Convert.ToUInt64(line["SigIgn:".Length..].Trim(), 16) >> (signal - 1) & 1) != 0;
        }
    }
}
