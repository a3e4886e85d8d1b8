using System.Globalization;

namespace Hem.Results;

/// <summary>What only a cluster's engine does: sweeps are objects with a UID and a namespace, and an attempt has pods.</summary>
public sealed partial class ResultStore
{
    /// <summary>
    /// Records a cluster's sweep by its UID, with its spec as it is now. It becomes the current one of its namespace and name, and the one
    /// that was so before is deleted from then on: an API server has one object of a name at a time. The exception is an old view: a
    /// sweep that is not known yet but was created before the current one is recorded as deleted. A deleted sweep stays so.
    /// </summary>
    public Task<SweepRecord> UpsertSweepAsync(ClusterSweep sweep, CancellationToken cancellationToken = default)
    {
        var (now, created) = (Now, sweep.Created.ToUnixTimeMilliseconds());
        return WriteAsync(connection =>
        {
            var known = connection.Execute(
                "UPDATE sweeps SET spec = $2, updated = $3 WHERE uid = $1 AND spec <> $2", sweep.Uid, sweep.Spec, now) == 1
                || connection.Scalar("SELECT 1 FROM sweeps WHERE uid = $1", sweep.Uid) is not null;
            if (!known)
            {
                var isOld = connection.Scalar(
                    "SELECT 1 FROM sweeps WHERE namespace = $1 AND name = $2 AND deleted IS NULL AND created > $3",
                    sweep.Namespace, sweep.Name, created) is not null;
                if (!isOld)
                    connection.Execute("UPDATE sweeps SET deleted = $3 WHERE namespace = $1 AND name = $2 AND deleted IS NULL",
                        sweep.Namespace, sweep.Name, now);
                connection.Execute(
                    "INSERT INTO sweeps (uid, namespace, name, spec, created, updated, deleted) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    sweep.Uid, sweep.Namespace, sweep.Name, sweep.Spec, created, now, isOld ? now : null);
            }

            using var reader = connection.Query($"SELECT {SweepColumns} FROM sweeps WHERE uid = $1", sweep.Uid);
            reader.Read();
            return ReadSweep(reader);
        }, cancellationToken);
    }

    /// <summary>
    /// Records that a cluster's sweep was deleted. Its results stay until <see cref="DeleteSweepAsync"/>. False where that was recorded
    /// before, or there is no such sweep.
    /// </summary>
    public Task<bool> MarkSweepDeletedAsync(string sweepUid, CancellationToken cancellationToken = default)
    {
        var now = Now;
        return WriteAsync(
            c => c.Execute("UPDATE sweeps SET deleted = $2 WHERE uid = $1 AND deleted IS NULL", sweepUid, now) == 1, cancellationToken);
    }

    /// <summary>The sweep with this UID, deleted or not, or null.</summary>
    public SweepRecord? FindSweepByUid(string sweepUid) =>
        Read($"SELECT {SweepColumns} FROM sweeps WHERE uid = $1 AND name NOT LIKE '/%'", [sweepUid], ReadSweep).FirstOrDefault();

    /// <summary>The sweeps that a namespace has or had under this name, the newest first: the current one, where there is one.</summary>
    public IReadOnlyList<SweepRecord> ReadSweeps(string @namespace, string name) =>
        [.. Read(
            $"SELECT {SweepColumns} FROM sweeps WHERE namespace = $1 AND name = $2 ORDER BY deleted IS NOT NULL, created DESC, id DESC",
            [@namespace, name], ReadSweep)];

    /// <summary>The sweeps of a cluster that were deleted before that time: what retention is about.</summary>
    public IReadOnlyList<SweepRecord> ReadDeletedSweeps(DateTimeOffset before) =>
        [.. Read($"SELECT {SweepColumns} FROM sweeps WHERE deleted < $1 AND name NOT LIKE '/%' ORDER BY deleted",
            [before.ToUnixTimeMilliseconds()], ReadSweep)];

    /// <summary>
    /// Records a trial that the store does not know with what is known of it elsewhere: a store that was lost is made up for as far as that
    /// goes, once. A trial that is in the store already stays as it is.
    /// </summary>
    /// <param name="attempts">Its attempts, all ended.</param>
    /// <param name="finishedAt">When it was complete; null where it is not. Its learning curve is lost all the same.</param>
    public Task ImportTrialAsync(
        string sweepUid, NewTrial trial, IReadOnlyList<ImportedAttempt> attempts, DateTimeOffset? finishedAt, bool superseded,
        CancellationToken cancellationToken = default)
    {
        var now = Now;
        return WriteAsync(connection =>
        {
            if (AddTrials(connection, sweepUid, [trial], now) == 0) return false;
            var id = FindTrial(connection, sweepUid, trial.Name)!.Value;
            foreach (var attempt in attempts)
                connection.Execute(
                    """
                    INSERT INTO attempts (trial_id, number, uid, started, ended, outcome, reason, failed_permanently)
                    VALUES ($1, $2, $3, $4, $4, $5, $6, $7)
                    """,
                    id, attempt.Number, attempt.Id, now, (long)attempt.Outcome, attempt.Reason, attempt.Permanent ? 1 : 0);
            connection.Execute(
                """
                UPDATE trials SET last_attempt = $2, failures = $3, disruptions = $4, failed_permanently = $5, superseded_at = $6
                WHERE id = $1
                """,
                id, attempts.Count == 0 ? 0 : attempts.Max(attempt => attempt.Number),
                attempts.Count(attempt => attempt.Outcome == AttemptOutcome.Failed),
                attempts.Count(attempt => attempt.Outcome == AttemptOutcome.Disrupted),
                attempts.Any(attempt => attempt.Permanent) ? 1 : 0, superseded ? now : null);
            if (finishedAt is { } finished)
                connection.Execute(
                    "UPDATE trials SET finished_at = $2, finished_iteration = 0, stopped_early = 0, wall_seconds = 0 WHERE id = $1",
                    id, finished.ToUnixTimeMilliseconds());
            return true;
        }, cancellationToken);
    }

    /// <summary>
    /// Records that a trial is complete which this store, put back to an older state, saw unfinished last. What it has of the trial's curve
    /// is not all of it, and goes: half a curve would be ranked beside whole ones.
    /// </summary>
    /// <param name="attempts">How many it had, by what the cluster says.</param>
    public Task ImportFinishedAsync(
        string sweepUid, string trial, int attempts, DateTimeOffset finishedAt, CancellationToken cancellationToken = default)
    {
        var now = Now;
        return WriteAsync(connection =>
        {
            var id = FindTrial(connection, sweepUid, trial)!.Value;
            if (connection.Execute(
                """
                UPDATE trials SET finished_at = $2, finished_iteration = 0, stopped_early = 0, wall_seconds = 0,
                    last_attempt = CASE WHEN last_attempt < $3 THEN $3 ELSE last_attempt END
                WHERE id = $1 AND finished_at IS NULL
                """,
                id, finishedAt.ToUnixTimeMilliseconds(), attempts) == 0) return false;
            connection.Execute(
                "UPDATE attempts SET ended = $2, outcome = $3 WHERE trial_id = $1 AND ended IS NULL",
                id, now, (long)AttemptOutcome.Completed);
            connection.Execute("DELETE FROM points WHERE trial_id = $1", id);
            return true;
        }, cancellationToken);
    }

    /// <summary>
    /// Records that a pod is (one of) its attempt's, before it reports: an <see cref="Progress.AttemptIdentity"/> with the pod's UID as
    /// its AttemptId is known to the store from then on, with a sequence of its own. Repeating the call changes nothing.
    /// </summary>
    /// <returns>The attempt, ended or not; null where the store has no such attempt.</returns>
    /// <exception cref="StoreException"><see cref="StoreFault.Conflict"/>: the pod is another attempt's.</exception>
    public async Task<AttemptRecord?> BindPodAsync(NewPod pod, CancellationToken cancellationToken = default)
    {
        if (FindAttemptOfPod(pod.Uid) is { } bound) return Same(bound);
        var now = Now;
        await WriteAsync(connection => connection.Execute(
            """
            INSERT INTO pods (attempt_id, uid, name, seen)
            SELECT a.id, $4, $5, $6 FROM attempts a JOIN trials t ON t.id = a.trial_id JOIN sweeps s ON s.id = t.sweep_id
            WHERE s.uid = $1 AND t.name = $2 AND a.number = $3
            ON CONFLICT DO NOTHING
            """,
            pod.SweepUid, pod.Trial, pod.AttemptNumber, pod.Uid, pod.Name, now), cancellationToken).ConfigureAwait(false);
        return FindAttemptOfPod(pod.Uid) is { } attempt ? Same(attempt) : null;

        AttemptRecord Same(AttemptRecord attempt) =>
            (attempt.SweepUid, attempt.Trial, attempt.Number) == (pod.SweepUid, pod.Trial, pod.AttemptNumber)
                ? attempt
                : throw new StoreException(StoreFault.Conflict,
                    $"pod {pod.Name}: is attempt {attempt.Number} of {attempt.Trial}, not {pod.AttemptNumber} of {pod.Trial}.");
    }

    /// <summary>
    /// Records that a queue took a pod of an attempt away, and what time it had held: the attempt holds nothing from then on, until another
    /// pod's start is recorded. Repeating the call for a pod changes nothing.
    /// </summary>
    public Task AddHeldTimeAsync(HeldTimeRecord held, CancellationToken cancellationToken = default) => WriteAsync(connection =>
    {
        bool isNew = connection.Execute(
            """
            INSERT INTO held_times (attempt_id, pod, started, ended) SELECT id, $2, $3, $4 FROM attempts WHERE uid = $1
            ON CONFLICT DO NOTHING
            """,
            held.AttemptId, held.Pod, held.From.ToUnixTimeMilliseconds(), held.To.ToUnixTimeMilliseconds()) == 1;
        if (isNew) connection.Execute("UPDATE attempts SET process_started = NULL WHERE uid = $1", held.AttemptId);
        return isNew;
    }, cancellationToken);

    /// <summary>The times of a sweep's attempts with pods that a queue took away, in order.</summary>
    public IReadOnlyList<HeldTimeRecord> ReadHeldTimes(string sweepUid) =>
        [.. Read($"SELECT a.uid, h.pod, h.started, h.ended FROM {AttemptTables} JOIN held_times h ON h.attempt_id = a.id WHERE s.uid = $1 "
            + "ORDER BY h.started, h.pod", [sweepUid],
            row => new HeldTimeRecord(row.GetString(0), row.GetString(1), Time(row.GetInt64(2)), Time(row.GetInt64(3))))];

    /// <summary>The attempt that a pod was recorded for, ended or not, or null.</summary>
    public AttemptRecord? FindAttemptOfPod(string podUid) =>
        Read($"SELECT {AttemptColumns} FROM {AttemptTables} JOIN pods p ON p.attempt_id = a.id WHERE p.uid = $1", [podUid], ReadAttempt)
            .FirstOrDefault();

    /// <summary>
    /// What a report of the sweep would be made of, as a short text: equal texts mean equal reports. Far cheaper than reading the points.
    /// </summary>
    public string ReadReportVersion(string sweepUid) => Read(
        """
        SELECT s.updated, s.deleted, t.*, a.*, p.* FROM sweeps s,
        (SELECT count(*), count(finished_at), count(superseded_at), sum(failures), sum(disruptions), sum(failed_permanently),
            sum(last_attempt), sum(differing) FROM trials WHERE sweep_id = (SELECT id FROM sweeps WHERE uid = $1)) t,
        (SELECT count(*), count(ended) FROM attempts WHERE trial_id IN
            (SELECT id FROM trials WHERE sweep_id = (SELECT id FROM sweeps WHERE uid = $1))) a,
        (SELECT count(*), max(stored) FROM points WHERE trial_id IN
            (SELECT id FROM trials WHERE sweep_id = (SELECT id FROM sweeps WHERE uid = $1))) p
        WHERE s.uid = $1
        """,
        [sweepUid],
        row => string.Join('.', Enumerable.Range(0, row.FieldCount)
            .Select(column => row.IsDBNull(column) ? "-" : Convert.ToString(row.GetValue(column), CultureInfo.InvariantCulture))))
        .FirstOrDefault() ?? "";
}
