namespace Hem.Results.Postgres;

/// <summary>
/// The tables in PostgreSQL, and the way from one version of them to the next; versions are those of <see cref="Sqlite.SqliteSchema"/>.
/// </summary>
internal static class PostgresSchema
{
    public const int Version = 4;

    /// <summary>The version that the first step makes of nothing; each further step makes the next one.</summary>
    private const int First = 3;

    // Text compares and sorts by its bytes, as in SQLite, whatever the language of the database.
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE hem_store (
            one boolean PRIMARY KEY DEFAULT true CHECK (one),
            version bigint NOT NULL,
            token text NOT NULL,
            holder text NOT NULL,
            since bigint NOT NULL);

        CREATE TABLE sweeps (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            uid text COLLATE "C" NOT NULL UNIQUE,
            namespace text COLLATE "C" NOT NULL DEFAULT '',
            name text COLLATE "C" NOT NULL,
            spec text NOT NULL,
            created bigint NOT NULL,
            updated bigint NOT NULL,
            deleted bigint);

        CREATE UNIQUE INDEX sweeps_current ON sweeps (namespace, name) WHERE deleted IS NULL;

        CREATE INDEX sweeps_name ON sweeps (name);

        CREATE TABLE trials (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            sweep_id bigint NOT NULL REFERENCES sweeps (id),
            name text COLLATE "C" NOT NULL,
            hash text NOT NULL,
            seed bigint NOT NULL,
            configuration text COLLATE "C" NOT NULL,
            parameters text COLLATE "C" NOT NULL,
            created bigint NOT NULL,
            finished_at bigint,
            finished_iteration bigint,
            stopped_early bigint,
            wall_seconds double precision,
            superseded_at bigint,
            failures bigint NOT NULL DEFAULT 0,
            disruptions bigint NOT NULL DEFAULT 0,
            failed_permanently bigint NOT NULL DEFAULT 0,
            last_attempt bigint NOT NULL DEFAULT 0,
            differing bigint NOT NULL DEFAULT 0,
            UNIQUE (sweep_id, name));

        CREATE INDEX trials_finished ON trials (configuration) WHERE finished_at IS NOT NULL;

        CREATE TABLE attempts (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            trial_id bigint NOT NULL REFERENCES trials (id),
            number bigint NOT NULL,
            uid text COLLATE "C" NOT NULL UNIQUE,
            started bigint NOT NULL,
            pid bigint,
            process_started bigint,
            ended bigint,
            outcome bigint,
            reason text,
            exit_code bigint,
            acknowledged bigint NOT NULL DEFAULT 0,
            failed_reason text,
            failed_permanently bigint NOT NULL DEFAULT 0,
            checkpoint_iteration bigint,
            UNIQUE (trial_id, number));

        CREATE INDEX attempts_live ON attempts (trial_id) WHERE ended IS NULL;

        CREATE TABLE pods (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            attempt_id bigint NOT NULL REFERENCES attempts (id),
            uid text COLLATE "C" NOT NULL UNIQUE,
            name text NOT NULL,
            seen bigint NOT NULL,
            acknowledged bigint NOT NULL DEFAULT 0);

        CREATE INDEX pods_attempt ON pods (attempt_id);

        CREATE TABLE held_times (
            attempt_id bigint NOT NULL REFERENCES attempts (id),
            pod text COLLATE "C" NOT NULL,
            started bigint NOT NULL,
            ended bigint NOT NULL,
            PRIMARY KEY (attempt_id, pod));

        CREATE TABLE points (
            trial_id bigint NOT NULL REFERENCES trials (id),
            iteration bigint NOT NULL,
            trajectories bigint NOT NULL,
            env_steps bigint NOT NULL,
            updates bigint NOT NULL,
            success_rate double precision NOT NULL,
            loss double precision,
            wall_seconds double precision NOT NULL,
            attempt bigint NOT NULL,
            stored bigint NOT NULL,
            PRIMARY KEY (trial_id, iteration));
        """,

        // Distinct goals that an iteration's episodes achieved.
        """
        ALTER TABLE points ADD COLUMN goal_coverage double precision;
        """,
    ];

    /// <summary>
    /// Refuses what a newer program wrote; brings what an older one wrote, or nothing, to this version, in the caller's transaction.
    /// </summary>
    public static void Update(StoreConnection connection, string name)
    {
        var found = 0L;
        if (IsThere(connection, "hem_store"))
            found = connection.Scalar("SELECT version FROM hem_store") as long? ?? Version;
        else if (IsThere(connection, "sweeps") || IsThere(connection, "trials"))
            throw new StoreException(StoreFault.Corrupt, $"{name}: has tables of some other program. Give Hem a database of its own.");
        if (found > Version)
            throw new StoreException(StoreFault.TooNew,
                $"{name}: was written by a newer Hem (schema {found}; this one knows {Version}). Use that Hem.");
        foreach (var step in Steps.Skip(found == 0 ? 0 : (int)found - First + 1)) connection.Execute(step);
    }

    private static bool IsThere(StoreConnection connection, string table) =>
        connection.Scalar("SELECT 1 WHERE to_regclass($1) IS NOT NULL", table) is not null;
}
