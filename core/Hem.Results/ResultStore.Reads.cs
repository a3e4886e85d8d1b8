using System.Data.Common;

namespace Hem.Results;

public sealed partial class ResultStore
{
    private const string SweepColumns = "uid, name, spec, created, updated, namespace, deleted";

    private const string TrialColumns =
        "name, hash, seed, configuration, parameters, finished_at, finished_iteration, stopped_early, wall_seconds, superseded_at, "
        + "failures, disruptions, failed_permanently, last_attempt, differing";

    private const string AttemptColumns =
        "s.uid, t.name, a.number, a.uid, a.started, a.pid, a.process_started, a.ended, a.outcome, a.reason, "
        + "a.exit_code, a.acknowledged, a.failed_reason, a.failed_permanently, a.checkpoint_iteration";

    private const string AttemptTables = "attempts a JOIN trials t ON t.id = a.trial_id JOIN sweeps s ON s.id = t.sweep_id";

    private const string PointColumns =
        "t.name, p.iteration, p.trajectories, p.env_steps, p.updates, p.success_rate, p.loss, p.wall_seconds, p.attempt, p.stored, "
        + "p.goal_coverage";

    private const string TrialsOfSweep = "trials t WHERE t.sweep_id = (SELECT id FROM sweeps WHERE uid = $1)";

    /// <summary>The sweeps of the store by namespace and name, without those of a cluster that were deleted.</summary>
    public IReadOnlyList<SweepRecord> ReadSweeps() =>
        [.. Read(
            $"SELECT {SweepColumns} FROM sweeps WHERE name NOT LIKE '/%' AND deleted IS NULL ORDER BY namespace, name", [], ReadSweep)];

    /// <summary>The sweep of this name, or null: one machine's, or the one that a cluster's namespace has now.</summary>
    public SweepRecord? FindSweep(string name, string @namespace = "") =>
        Read($"SELECT {SweepColumns} FROM sweeps WHERE namespace = $2 AND name = $1 AND deleted IS NULL", [name, @namespace], ReadSweep)
            .FirstOrDefault();

    /// <summary>The trials of a sweep in the order in which they were added, superseded ones too. Streams.</summary>
    public IEnumerable<TrialRecord> ReadTrials(string sweepUid) =>
        Read($"SELECT {TrialColumns} FROM {TrialsOfSweep} ORDER BY t.id", [sweepUid], ReadTrial);

    /// <summary>One trial, or null.</summary>
    public TrialRecord? FindTrial(string sweepUid, string trial) =>
        Read($"SELECT {TrialColumns} FROM {TrialsOfSweep} AND t.name = $2", [sweepUid, trial], ReadTrial).FirstOrDefault();

    /// <summary>The attempts of a sweep, by trial and number. Streams.</summary>
    public IEnumerable<AttemptRecord> ReadAttempts(string sweepUid) =>
        Read($"SELECT {AttemptColumns} FROM {AttemptTables} WHERE s.uid = $1 ORDER BY a.trial_id, a.number", [sweepUid], ReadAttempt);

    /// <summary>The attempts of one trial, by number.</summary>
    public IReadOnlyList<AttemptRecord> ReadAttempts(string sweepUid, string trial) =>
        [.. Read($"SELECT {AttemptColumns} FROM {AttemptTables} WHERE s.uid = $1 AND t.name = $2 ORDER BY a.number",
            [sweepUid, trial], ReadAttempt)];

    /// <summary>The attempts of all sweeps that were never recorded as ended: what may still be running when a store is opened.</summary>
    public IReadOnlyList<AttemptRecord> ReadLiveAttempts() =>
        [.. Read($"SELECT {AttemptColumns} FROM {AttemptTables} WHERE a.ended IS NULL ORDER BY a.id", [], ReadAttempt)];

    /// <summary>The learning curves of a sweep, by trial (in the order of <see cref="ReadTrials"/>) and iteration. Streams.</summary>
    public IEnumerable<PointRecord> ReadPoints(string sweepUid) =>
        Read($"SELECT {PointColumns} FROM sweeps s JOIN trials t ON t.sweep_id = s.id JOIN points p ON p.trial_id = t.id "
            + "WHERE s.uid = $1 ORDER BY t.id, p.iteration", [sweepUid], ReadPoint);

    /// <summary>The learning curve of one trial, by iteration.</summary>
    public IReadOnlyList<PointRecord> ReadPoints(string sweepUid, string trial) =>
        [.. Read($"SELECT {PointColumns} FROM sweeps s JOIN trials t ON t.sweep_id = s.id JOIN points p ON p.trial_id = t.id "
            + "WHERE s.uid = $1 AND t.name = $2 ORDER BY p.iteration", [sweepUid, trial], ReadPoint)];

    /// <summary>The latest point of every trial that has one. Streams.</summary>
    public IEnumerable<PointRecord> ReadLatestPoints(string sweepUid) =>
        Read($"SELECT {PointColumns} FROM sweeps s JOIN trials t ON t.sweep_id = s.id JOIN points p ON p.trial_id = t.id "
            + "AND p.iteration = (SELECT max(iteration) FROM points WHERE trial_id = t.id) WHERE s.uid = $1 ORDER BY t.id",
            [sweepUid], ReadPoint);

    /// <summary>How long complete trials took, by configuration, over all sweeps: what the expected time of a plan is made of.</summary>
    public IReadOnlyList<DurationRecord> ReadDurations() =>
        [.. Read(
            """
            SELECT configuration, min(parameters), count(*), avg(wall_seconds), max(wall_seconds), avg(finished_iteration)
            FROM trials WHERE finished_at IS NOT NULL GROUP BY configuration
            """,
            [],
            r => new DurationRecord(r.GetString(0), r.GetString(1), r.GetInt32(2), r.GetDouble(3), r.GetDouble(4), r.GetDouble(5)))];

    private IEnumerable<T> Read<T>(string sql, object[] arguments, Func<DbDataReader, T> row)
    {
        var (connection, reader) = Query(sql, arguments);
        try
        {
            while (Next(reader)) yield return row(reader);
        }
        finally
        {
            Close(reader);
            ReturnReader(connection);
        }
    }

    private (StoreConnection Connection, DbDataReader Reader) Query(string sql, object[] arguments)
    {
        while (true)
        {
            var (connection, isNew) = RentReader();
            try
            {
                return (connection, connection.Query(sql, arguments));
            }
            catch (Exception e)
            {
                var isLost = !connection.IsOpen;
                ReturnReader(connection);
                // The server went away since this one was last used, and may be there again.
                if (isLost && !isNew) continue;
                if (e is DbException failed) throw _database.Translate(failed);
                throw;
            }
        }
    }

    private bool Next(DbDataReader reader)
    {
        try
        {
            return reader.Read();
        }
        catch (DbException e)
        {
            throw _database.Translate(e);
        }
    }

    private static void Close(DbDataReader reader)
    {
        try
        {
            reader.Dispose();
        }
        catch (DbException)
        {
            // It has failed before, and that was told.
        }
    }

    private static SweepRecord ReadSweep(DbDataReader r) =>
        new(r.GetString(0), r.GetString(1), r.GetString(2), Time(r.GetInt64(3)), Time(r.GetInt64(4)))
        {
            Namespace = r.GetString(5),
            Deleted = Number(r, 6) is { } deleted ? Time(deleted) : null,
        };

    private static TrialRecord ReadTrial(DbDataReader r) => new()
    {
        Name = r.GetString(0),
        Hash = r.GetString(1),
        Seed = r.GetInt64(2),
        ConfigurationId = r.GetString(3),
        Parameters = r.GetString(4),
        Finished = r.IsDBNull(5) ? null : new FinishedRecord(Time(r.GetInt64(5)), r.GetInt64(6), r.GetInt64(7) != 0, r.GetDouble(8)),
        Superseded = !r.IsDBNull(9),
        Failures = r.GetInt32(10),
        Disruptions = r.GetInt32(11),
        FailedPermanently = r.GetInt64(12) != 0,
        LastAttempt = r.GetInt32(13),
        DifferingRepeats = r.GetInt32(14),
    };

    private static AttemptRecord ReadAttempt(DbDataReader r) => new()
    {
        SweepUid = r.GetString(0),
        Trial = r.GetString(1),
        Number = r.GetInt32(2),
        Id = r.GetString(3),
        Started = Time(r.GetInt64(4)),
        ProcessId = Number(r, 5) is { } pid ? (int)pid : null,
        ProcessStarted = Number(r, 6),
        Ended = Number(r, 7) is { } ended ? Time(ended) : null,
        Outcome = Number(r, 8) is { } outcome ? (AttemptOutcome)outcome : null,
        Reason = Text(r, 9),
        ExitCode = Number(r, 10) is { } code ? (int)code : null,
        AcknowledgedUpTo = (ulong)r.GetInt64(11),
        FailedReason = Text(r, 12),
        FailedPermanently = r.GetInt64(13) != 0,
        CheckpointIteration = Number(r, 14),
    };

    private static PointRecord ReadPoint(DbDataReader r) => new(
        r.GetString(0), r.GetInt64(1), r.GetInt64(2), r.GetInt64(3), r.GetInt64(4), r.GetDouble(5),
        r.IsDBNull(6) ? double.NaN : r.GetDouble(6), r.GetDouble(7), r.GetInt32(8), Time(r.GetInt64(9)),
        r.IsDBNull(10) ? null : r.GetDouble(10));

    private static long? Number(DbDataReader r, int column) => r.IsDBNull(column) ? null : r.GetInt64(column);

    private static string? Text(DbDataReader r, int column) => r.IsDBNull(column) ? null : r.GetString(column);
}
