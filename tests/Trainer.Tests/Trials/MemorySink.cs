using Hem.Progress;

namespace Trainer.Tests.Trials;

/// <summary>Keeps reports as the result store does: (trial, iteration) once, the first one wins and a repeat must agree.</summary>
internal sealed class MemorySink : IReportSink
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, ulong> stored = [];
    private readonly SortedDictionary<ulong, Evaluated> curve = [];
    private readonly List<(AttemptIdentity Attempt, TrainerMessage Report)> reports = [];
    private readonly List<string> differences = [];

    /// <summary>Points of the curve by iteration.</summary>
    public IReadOnlyList<Evaluated> Curve
    {
        get
        {
            lock (gate)
                return [.. curve.Values];
        }
    }

    /// <summary>Everything stored, in order.</summary>
    public IReadOnlyList<(AttemptIdentity Attempt, TrainerMessage Report)> Reports
    {
        get
        {
            lock (gate)
                return [.. reports];
        }
    }

    /// <summary>Repeats of a point that did not agree with the first.</summary>
    public IReadOnlyList<string> Differences
    {
        get
        {
            lock (gate)
                return [.. differences];
        }
    }

    public bool Has(TrainerMessage.ReportOneofCase kind) => Reports.Any(entry => entry.Report.ReportCase == kind);

    public ValueTask<ulong> AcknowledgedUpToAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default)
    {
        lock (gate)
            return new(stored.GetValueOrDefault(attempt.AttemptId));
    }

    public Task StoreAsync(AttemptIdentity attempt, IReadOnlyList<TrainerMessage> messages, CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            foreach (TrainerMessage report in messages)
            {
                if (report.Sequence <= stored.GetValueOrDefault(attempt.AttemptId))
                    continue;
                stored[attempt.AttemptId] = report.Sequence;
                reports.Add((attempt, report));
                if (report.Evaluated is { } point && !curve.TryAdd(point.Iteration, point) && !Same(curve[point.Iteration], point))
                    differences.Add($"{curve[point.Iteration]} then {point}");
            }
        }

        return Task.CompletedTask;
    }

    private static bool Same(Evaluated first, Evaluated second) => first.Equals(new Evaluated(second) { WallSeconds = first.WallSeconds });
}
