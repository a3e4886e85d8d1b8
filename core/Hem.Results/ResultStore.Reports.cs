using Hem.Progress;
using Microsoft.Extensions.Logging;

namespace Hem.Results;

public sealed partial class ResultStore
{
    /// <inheritdoc/>
    public ValueTask<ulong> AcknowledgedUpToAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default)
    {
        // Of the attempt's process, or of the pod that it is.
        var found = Read(
            "SELECT acknowledged FROM attempts WHERE uid = $1 UNION ALL SELECT acknowledged FROM pods WHERE uid = $1",
            [attempt.AttemptId], r => (ulong?)r.GetInt64(0)).FirstOrDefault();
        return found is { } sequence ? new(sequence) : throw UnknownAttempt(attempt);
    }

    /// <inheritdoc/>
    public async Task StoreAsync(
        AttemptIdentity attempt, IReadOnlyList<TrainerMessage> reports, CancellationToken cancellationToken = default)
    {
        var now = Now;
        var differing = await WriteAsync(connection => Apply(connection, attempt, reports, now), cancellationToken).ConfigureAwait(false);
        if (differing is null) return;
        foreach (var point in differing)
            _options.Logger.LogWarning(
                "Trial {Trial}: attempt {Attempt} repeated iteration {Iteration} with other values "
                + "(success rate {SuccessRate}, loss {Loss}); the stored point stays.",
                attempt.Trial, attempt.AttemptNumber, point.Iteration, point.SuccessRate, point.Loss);
    }

    private static List<Evaluated>? Apply(
        StoreConnection connection, AttemptIdentity attempt, IReadOnlyList<TrainerMessage> reports, long now)
    {
        var (id, trial, pod, acknowledged) = FindReporter(connection, attempt);
        var before = acknowledged;
        var points = new List<Evaluated>();
        foreach (var report in reports)
        {
            if (report.Sequence <= acknowledged) continue;
            if (report.Sequence != acknowledged + 1)
                throw new StoreException(StoreFault.Conflict,
                    $"trial {attempt.Trial}: report {report.Sequence} of attempt {attempt.AttemptNumber} came "
                    + $"where {acknowledged + 1} was expected.");
            acknowledged = report.Sequence;
            switch (report.ReportCase)
            {
                case TrainerMessage.ReportOneofCase.Evaluated:
                    points.Add(report.Evaluated);
                    break;
                case TrainerMessage.ReportOneofCase.Checkpointed:
                    connection.Execute(
                        "UPDATE attempts SET checkpoint_iteration = $2 WHERE id = $1", id, checked((long)report.Checkpointed.Iteration));
                    break;
                case TrainerMessage.ReportOneofCase.Finished:
                    var finished = report.Finished;
                    connection.Execute(
                        """
                        UPDATE trials SET finished_at = $2, finished_iteration = $3, stopped_early = $4, wall_seconds = $5
                        WHERE id = $1 AND finished_at IS NULL
                        """,
                        trial, now, checked((long)finished.Iteration), finished.StoppedEarly ? 1L : 0L, finished.WallSeconds);
                    break;
                case TrainerMessage.ReportOneofCase.Failed:
                    connection.Execute(
                        "UPDATE attempts SET failed_reason = $2, failed_permanently = $3 WHERE id = $1",
                        id, report.Failed.Reason, report.Failed.Permanent ? 1L : 0L);
                    break;
                default:
                    throw new StoreException(StoreFault.Conflict,
                        $"trial {attempt.Trial}: report {report.Sequence} holds nothing to store.");
            }
        }

        var differing = AddPoints(connection, trial, attempt.AttemptNumber, [.. points], now);
        if (differing is not null)
            connection.Execute("UPDATE trials SET differing = differing + $2 WHERE id = $1", trial, (long)differing.Count);
        if (acknowledged > before)
            connection.Execute(
                pod is null ? "UPDATE attempts SET acknowledged = $2 WHERE id = $1" : "UPDATE pods SET acknowledged = $2 WHERE id = $1",
                pod ?? id, checked((long)acknowledged));
        return differing;
    }

    private static (long Id, long Trial, long? Pod, ulong Acknowledged) FindReporter(StoreConnection connection, AttemptIdentity attempt)
    {
        using var reader = connection.Query(
            """
            SELECT id, trial_id, NULL, acknowledged FROM attempts WHERE uid = $1 UNION ALL
            SELECT a.id, a.trial_id, p.id, p.acknowledged FROM pods p JOIN attempts a ON a.id = p.attempt_id WHERE p.uid = $1
            """,
            attempt.AttemptId);
        if (!reader.Read()) throw UnknownAttempt(attempt);
        return (reader.GetInt64(0), reader.GetInt64(1), Number(reader, 2), (ulong)reader.GetInt64(3));
    }

    // The first stored point of an iteration stays; the repeats that differ from it are returned.
    private static List<Evaluated>? AddPoints(StoreConnection connection, long trial, int attempt, Evaluated[] points, long now)
    {
        List<Evaluated>? differing = null;
        foreach (var some in Rows.InStatements(points))
        {
            var isNew = connection.Execute(
                Rows.Insert(
                    "points (trial_id, iteration, trajectories, env_steps, updates, success_rate, loss, goal_coverage, wall_seconds, "
                        + "attempt, stored)",
                    some.Count),
                [.. some.SelectMany(point => (object?[])[trial, .. ValuesOf(point), point.WallSeconds, attempt, now])]);
            if (isNew == some.Count) continue;
            foreach (var point in some)
                if (!IsStored(connection, trial, point)) (differing ??= []).Add(point);
        }

        return differing;
    }

    // The time it took is no part of the comparison: a resumed attempt takes its own time over the same point. An older program knows
    // nothing of the goals covered: a point that does not say it contradicts none that does.
    private static bool IsStored(StoreConnection connection, long trial, Evaluated point) => connection.Scalar(
        """
        SELECT 1 FROM points WHERE trial_id = $1 AND iteration = $2 AND trajectories = $3 AND env_steps = $4 AND updates = $5
        AND success_rate = $6 AND loss IS NOT DISTINCT FROM $7
        AND (goal_coverage IS NULL OR goal_coverage IS NOT DISTINCT FROM coalesce($8, goal_coverage))
        """,
        [trial, .. ValuesOf(point)]) is not null;

    private static object?[] ValuesOf(Evaluated point) =>
    [
        checked((long)point.Iteration), checked((long)point.Trajectories), checked((long)point.EnvSteps), checked((long)point.Updates),
        point.SuccessRate, double.IsNaN(point.Loss) ? null : point.Loss, point.HasGoalCoverage ? point.GoalCoverage : null,
    ];

    private static StoreException UnknownAttempt(AttemptIdentity attempt) =>
        new(StoreFault.Conflict, $"trial {attempt.Trial}: attempt {attempt.AttemptNumber} ({attempt.AttemptId}) is not in the store.");
}
