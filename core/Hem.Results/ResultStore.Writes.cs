namespace Hem.Results;

public sealed partial class ResultStore
{
    /// <summary>Trials handled in one transaction, so that reports of running trials never wait long behind a large sweep.</summary>
    private const int TrialsAtOnce = 1000;

    /// <summary>
    /// The sweep of this name with <paramref name="spec"/> as its text: a new one with a new identity where there is none, else the one
    /// there is. A sweep that was deleted meanwhile is a new one.
    /// </summary>
    public Task<SweepRecord> UpsertSweepAsync(string name, string spec, CancellationToken cancellationToken = default)
    {
        var (now, uid) = (Now, Guid.NewGuid().ToString());
        return WriteAsync(connection =>
        {
            connection.Execute(
                """
                INSERT INTO sweeps (uid, name, spec, created, updated) VALUES ($1, $2, $3, $4, $4)
                ON CONFLICT (namespace, name) WHERE deleted IS NULL
                DO UPDATE SET spec = excluded.spec, updated = excluded.updated WHERE sweeps.spec <> excluded.spec
                """,
                uid, name, spec, now);
            using var reader = connection.Query(
                $"SELECT {SweepColumns} FROM sweeps WHERE namespace = '' AND name = $1 AND deleted IS NULL", name);
            reader.Read();
            return ReadSweep(reader);
        }, cancellationToken);
    }

    /// <summary>Deletes a sweep with its trials, attempts and points. Deleting one that is not there is no error.</summary>
    /// <remarks>From the first moment on nobody sees it any more; a deletion cut short is finished when the store is next opened.</remarks>
    public async Task DeleteSweepAsync(string sweepUid, CancellationToken cancellationToken = default)
    {
        await WriteAsync(c => c.Execute("UPDATE sweeps SET name = '/' || uid WHERE uid = $1", sweepUid), cancellationToken)
            .ConfigureAwait(false);
        while (await WriteAsync(DeleteSome, cancellationToken).ConfigureAwait(false))
        {
        }
    }

    private void FinishDeletions()
    {
        while (_writer!.RunAsync(DeleteSome).GetAwaiter().GetResult())
        {
        }
    }

    // A name with a slash is that of no sweep: those are on their way out. True while something is left to delete.
    private static bool DeleteSome(StoreConnection connection)
    {
        if (connection.Scalar("SELECT id FROM sweeps WHERE name >= '/' AND name < '0' LIMIT 1") is not long sweep) return false;
        var trials = new List<long>();
        using (var reader = connection.Query("SELECT id FROM trials WHERE sweep_id = $1 LIMIT 100", sweep))
            while (reader.Read()) trials.Add(reader.GetInt64(0));
        foreach (var trial in trials)
        {
            connection.Execute("DELETE FROM points WHERE trial_id = $1", trial);
            connection.Execute("DELETE FROM pods WHERE attempt_id IN (SELECT id FROM attempts WHERE trial_id = $1)", trial);
            connection.Execute("DELETE FROM held_times WHERE attempt_id IN (SELECT id FROM attempts WHERE trial_id = $1)", trial);
            connection.Execute("DELETE FROM attempts WHERE trial_id = $1", trial);
            connection.Execute("DELETE FROM trials WHERE id = $1", trial);
        }

        if (trials.Count == 0) connection.Execute("DELETE FROM sweeps WHERE id = $1", sweep);
        return true;
    }

    /// <summary>Adds the trials that are not there yet; those that are stay as they are. Returns how many were new.</summary>
    /// <exception cref="StoreException">
    /// <see cref="StoreFault.Conflict"/>: no such sweep, or a trial of that name has another hash.
    /// </exception>
    public async Task<int> AddTrialsAsync(string sweepUid, IEnumerable<NewTrial> trials, CancellationToken cancellationToken = default)
    {
        var (now, added) = (Now, 0);
        foreach (var some in trials.Chunk(TrialsAtOnce))
            added += await WriteAsync(connection => AddTrials(connection, sweepUid, some, now), cancellationToken).ConfigureAwait(false);
        return added;
    }

    private static int AddTrials(StoreConnection connection, string sweepUid, NewTrial[] trials, long now)
    {
        var sweep = connection.Scalar("SELECT id FROM sweeps WHERE uid = $1", sweepUid) as long?
            ?? throw new StoreException(StoreFault.Conflict, $"sweep {sweepUid}: is not in the store.");
        var added = 0;
        foreach (var some in Rows.InStatements(trials))
        {
            var isNew = connection.Execute(
                Rows.Insert("trials (sweep_id, name, hash, seed, configuration, parameters, created)", some.Count),
                [.. some.SelectMany(trial => (object?[])
                    [sweep, trial.Name, trial.Hash, trial.Seed, trial.ConfigurationId, trial.Parameters, now])]);
            added += isNew;
            if (isNew == some.Count) continue;
            foreach (var trial in some)
                if (connection.Scalar("SELECT hash FROM trials WHERE sweep_id = $1 AND name = $2", sweep, trial.Name) is string hash
                    && hash != trial.Hash)
                    throw new StoreException(
                        StoreFault.Conflict, $"trial {trial.Name}: is in the store with hash {hash}, not {trial.Hash}.");
        }

        return added;
    }

    /// <summary>Marks trials as taken out of the sweep by an edit, or (<paramref name="superseded"/> false) as part of it again.</summary>
    public async Task MarkSupersededAsync(
        string sweepUid, IEnumerable<string> trials, bool superseded = true, CancellationToken cancellationToken = default)
    {
        long? at = superseded ? Now : null;
        foreach (var some in trials.Chunk(TrialsAtOnce))
            await WriteAsync(connection =>
            {
                foreach (var trial in some)
                    connection.Execute(
                        "UPDATE trials SET superseded_at = $3 WHERE sweep_id = (SELECT id FROM sweeps WHERE uid = $1) AND name = $2",
                        sweepUid, trial, at);
                return true;
            }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes trials that an edit took out before they started. Deleting one that is not there is no error.</summary>
    /// <exception cref="StoreException">
    /// <see cref="StoreFault.Conflict"/>: a trial has an attempt. Nothing of its thousand (the transaction) is deleted then.
    /// </exception>
    public async Task DeleteTrialsAsync(string sweepUid, IEnumerable<string> trials, CancellationToken cancellationToken = default)
    {
        foreach (var some in trials.Chunk(TrialsAtOnce))
            await WriteAsync(connection =>
            {
                foreach (var name in some)
                {
                    if (FindTrial(connection, sweepUid, name) is not { } trial) continue;
                    var deleted = connection.Execute(
                        "DELETE FROM trials WHERE id = $1 AND last_attempt = 0 AND NOT EXISTS (SELECT 1 FROM attempts WHERE trial_id = $1)",
                        trial);
                    if (deleted == 0)
                        throw new StoreException(StoreFault.Conflict, $"trial {name}: has an attempt, and so its record is not deleted.");
                }

                return true;
            }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Claims the next attempt of a trial and records it, before its process is started; its reports are refused before that. Repeating
    /// the call changes nothing.
    /// </summary>
    /// <exception cref="StoreException">
    /// <see cref="StoreFault.Conflict"/>: no such trial; it knows that number or a later one; it has an attempt that has not ended; or
    /// its Finished is stored.
    /// </exception>
    public Task AddAttemptAsync(NewAttempt attempt, CancellationToken cancellationToken = default)
    {
        var now = Now;
        return WriteAsync(connection => AddAttempt(connection, attempt, now), cancellationToken);
    }

    // The conditions stand in the statement that writes: whoever claims second is refused, however old his view is.
    private static bool AddAttempt(StoreConnection connection, NewAttempt attempt, long now)
    {
        var trial = FindTrial(connection, attempt.SweepUid, attempt.Trial)
            ?? throw Refused(attempt, $"the trial is not in the store (sweep {attempt.SweepUid})");
        var same = connection.Scalar(
            "SELECT 1 FROM attempts WHERE trial_id = $1 AND number = $2 AND uid = $3", trial, attempt.Number, attempt.Id);
        if (same is not null) return false;
        var claimed = connection.Execute(
            """
            UPDATE trials SET last_attempt = $2 WHERE id = $1 AND last_attempt < $2 AND finished_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM attempts WHERE trial_id = $1 AND ended IS NULL)
            """,
            trial, attempt.Number) == 1;
        if (!claimed) throw Refused(attempt, WhyNot(connection, trial));
        connection.Execute(
            "INSERT INTO attempts (trial_id, number, uid, started) VALUES ($1, $2, $3, $4)", trial, attempt.Number, attempt.Id, now);
        return true;
    }

    private static string WhyNot(StoreConnection connection, long trial)
    {
        if (connection.Scalar("SELECT number FROM attempts WHERE trial_id = $1 AND ended IS NULL", trial) is long live)
            return $"attempt {live} has not ended";
        return connection.Scalar("SELECT last_attempt FROM trials WHERE id = $1 AND finished_at IS NULL", trial) is long last
            ? $"attempt {last} is in the store already"
            : "the trial is complete";
    }

    private static StoreException Refused(NewAttempt attempt, string why) =>
        new(StoreFault.Conflict, $"trial {attempt.Trial}: attempt {attempt.Number} is refused: {why}.");

    /// <summary>Records which process an attempt is.</summary>
    /// <param name="processStarted">Start time of the process in whatever unit the caller compares.</param>
    public Task SetProcessAsync(string attemptId, int processId, long processStarted, CancellationToken cancellationToken = default) =>
        WriteAsync(connection => connection.Execute(
            "UPDATE attempts SET pid = $2, process_started = $3 WHERE uid = $1", attemptId, processId, processStarted), cancellationToken);

    /// <summary>
    /// Records how an attempt ended and counts it against its trial. Only the first call for an attempt counts; a repeat changes nothing
    /// and returns false.
    /// </summary>
    /// <param name="permanent">No retry would help.</param>
    /// <param name="endedAt">When it ended, where that is known to be earlier than now.</param>
    public Task<bool> EndAttemptAsync(
        string attemptId, AttemptOutcome outcome, string? reason = null, int? exitCode = null, bool permanent = false,
        DateTimeOffset? endedAt = null, CancellationToken cancellationToken = default)
    {
        var now = endedAt?.ToUnixTimeMilliseconds() ?? Now;
        return WriteAsync(connection =>
        {
            var ended = connection.Execute(
                "UPDATE attempts SET ended = $2, outcome = $3, reason = $4, exit_code = $5 WHERE uid = $1 AND ended IS NULL",
                attemptId, now, (long)outcome, reason, exitCode) == 1;
            if (ended)
                connection.Execute(
                    """
                    UPDATE trials SET failures = failures + $2, disruptions = disruptions + $3, failed_permanently = failed_permanently | $4
                    WHERE id = (SELECT trial_id FROM attempts WHERE uid = $1)
                    """,
                    attemptId, outcome == AttemptOutcome.Failed ? 1L : 0L, outcome == AttemptOutcome.Disrupted ? 1L : 0L,
                    outcome == AttemptOutcome.Failed && permanent ? 1L : 0L);
            return ended;
        }, cancellationToken);
    }

    /// <summary>
    /// Gives trials that are not complete a clean slate: their failures and disruptions count no more. What happened stays readable: the
    /// attempts are <see cref="AttemptOutcome.Left"/> from then on, with "forgiven: " and the old reason.
    /// </summary>
    public async Task ForgetFailuresAsync(string sweepUid, IEnumerable<string> trials, CancellationToken cancellationToken = default)
    {
        foreach (var some in trials.Chunk(TrialsAtOnce))
            await WriteAsync(connection =>
            {
                foreach (var name in some)
                {
                    if (FindTrial(connection, sweepUid, name) is not { } trial) continue;
                    if (connection.Execute(
                        """
                        UPDATE trials SET failures = 0, disruptions = 0, failed_permanently = 0 WHERE id = $1 AND finished_at IS NULL
                        """,
                        trial) == 0) continue;
                    connection.Execute(
                        """
                        UPDATE attempts SET outcome = $2, reason = 'forgiven: ' || coalesce(reason, '')
                        WHERE trial_id = $1 AND outcome IN ($3, $4)
                        """,
                        trial, (long)AttemptOutcome.Left, (long)AttemptOutcome.Failed, (long)AttemptOutcome.Disrupted);
                }

                return true;
            }, cancellationToken).ConfigureAwait(false);
    }

    private static long? FindTrial(StoreConnection connection, string sweepUid, string trial) =>
        connection.Scalar("SELECT t.id FROM trials t JOIN sweeps s ON s.id = t.sweep_id WHERE s.uid = $1 AND t.name = $2",
            sweepUid, trial) as long?;

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
