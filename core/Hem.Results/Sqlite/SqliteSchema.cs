using Microsoft.Data.Sqlite;

namespace Hem.Results.Sqlite;

/// <summary>The tables, and the way from one version of them to the next. Times are Unix milliseconds, UTC.</summary>
internal static class SqliteSchema
{
    public const int Version = 4;

    private static readonly string[] Steps =
    [
        """
        CREATE TABLE sweeps (
            id INTEGER PRIMARY KEY,
            uid TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL UNIQUE,
            spec TEXT NOT NULL,
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL);

        CREATE TABLE trials (
            id INTEGER PRIMARY KEY,
            sweep_id INTEGER NOT NULL REFERENCES sweeps (id),
            name TEXT NOT NULL,
            hash TEXT NOT NULL,
            seed INTEGER NOT NULL,
            configuration TEXT NOT NULL,
            parameters TEXT NOT NULL,
            created INTEGER NOT NULL,
            finished_at INTEGER,
            finished_iteration INTEGER,
            stopped_early INTEGER,
            wall_seconds REAL,
            superseded_at INTEGER,
            failures INTEGER NOT NULL DEFAULT 0,
            disruptions INTEGER NOT NULL DEFAULT 0,
            failed_permanently INTEGER NOT NULL DEFAULT 0,
            last_attempt INTEGER NOT NULL DEFAULT 0,
            differing INTEGER NOT NULL DEFAULT 0,
            UNIQUE (sweep_id, name));

        CREATE INDEX trials_finished ON trials (configuration) WHERE finished_at IS NOT NULL;

        -- Reports are keyed (attempt, sequence). They arrive in order and without gaps, so the highest sequence stands for all of them.
        CREATE TABLE attempts (
            id INTEGER PRIMARY KEY,
            trial_id INTEGER NOT NULL REFERENCES trials (id),
            number INTEGER NOT NULL,
            uid TEXT NOT NULL UNIQUE,
            started INTEGER NOT NULL,
            pid INTEGER,
            process_started INTEGER,
            ended INTEGER,
            outcome INTEGER,
            reason TEXT,
            exit_code INTEGER,
            acknowledged INTEGER NOT NULL DEFAULT 0,
            failed_reason TEXT,
            failed_permanently INTEGER NOT NULL DEFAULT 0,
            checkpoint_iteration INTEGER,
            UNIQUE (trial_id, number));

        CREATE INDEX attempts_live ON attempts (trial_id) WHERE ended IS NULL;

        CREATE TABLE points (
            trial_id INTEGER NOT NULL REFERENCES trials (id),
            iteration INTEGER NOT NULL,
            trajectories INTEGER NOT NULL,
            env_steps INTEGER NOT NULL,
            updates INTEGER NOT NULL,
            success_rate REAL NOT NULL,
            loss REAL,
            wall_seconds REAL NOT NULL,
            attempt INTEGER NOT NULL,
            stored INTEGER NOT NULL,
            PRIMARY KEY (trial_id, iteration)) WITHOUT ROWID;
        """,

        // Sweeps of namespaces, and several of one name over time; the pods of an attempt.
        """
        CREATE TABLE sweeps_of_2 (
            id INTEGER PRIMARY KEY,
            uid TEXT NOT NULL UNIQUE,
            namespace TEXT NOT NULL DEFAULT '',
            name TEXT NOT NULL,
            spec TEXT NOT NULL,
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL,
            deleted INTEGER);

        INSERT INTO sweeps_of_2 (id, uid, name, spec, created, updated) SELECT id, uid, name, spec, created, updated FROM sweeps;
        DROP TABLE sweeps;
        ALTER TABLE sweeps_of_2 RENAME TO sweeps;

        CREATE UNIQUE INDEX sweeps_current ON sweeps (namespace, name) WHERE deleted IS NULL;

        CREATE INDEX sweeps_name ON sweeps (name);

        -- An attempt may have several pods, one after the other, each with reports numbered from 1.
        CREATE TABLE pods (
            id INTEGER PRIMARY KEY,
            attempt_id INTEGER NOT NULL REFERENCES attempts (id),
            uid TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            seen INTEGER NOT NULL,
            acknowledged INTEGER NOT NULL DEFAULT 0);

        CREATE INDEX pods_attempt ON pods (attempt_id);
        """,

        // The time in which an attempt held pods that a queue took away again.
        """
        CREATE TABLE held_times (
            attempt_id INTEGER NOT NULL REFERENCES attempts (id),
            pod TEXT NOT NULL,
            started INTEGER NOT NULL,
            ended INTEGER NOT NULL,
            PRIMARY KEY (attempt_id, pod)) WITHOUT ROWID;
        """,

        // Distinct goals that an iteration's episodes achieved.
        """
        ALTER TABLE points ADD COLUMN goal_coverage REAL;
        """,
    ];

    /// <summary>Refuses what a newer program wrote; brings what an older one wrote (or nothing) to this version when allowed to.</summary>
    public static void Check(SqliteConnection connection, string path, bool mayWrite)
    {
        var found = UserVersion(connection);
        if (found > Version)
            throw new StoreException(StoreFault.TooNew,
                $"{path}: was written by a newer Hem (schema {found}; this one knows {Version}). "
                + "Use that Hem, or choose another store with --store.");
        if (found == Version) return;
        if (!mayWrite)
            throw new StoreException(StoreFault.NotFound, found == 0
                ? $"{path}: holds no results yet."
                : $"{path}: was written by an older Hem (schema {found}, now {Version}); `hem run` on it brings it up to date.");
        if (found == 0 && HasTables(connection))
            throw new StoreException(StoreFault.Corrupt, $"{path}: is some other program's database. Choose another store with --store.");

        // A table takes the place of another one only while nobody checks who refers to it.
        var checksReferences = Number(connection, "PRAGMA foreign_keys");
        using var command = connection.CreateCommand();
        command.CommandText =
            $"""
            PRAGMA foreign_keys = OFF;
            BEGIN IMMEDIATE; {string.Concat(Steps.Skip((int)found))} PRAGMA user_version = {Version}; COMMIT;
            PRAGMA foreign_keys = {checksReferences};
            """;
        command.ExecuteNonQuery();
    }

    private static long UserVersion(SqliteConnection connection) => Number(connection, "PRAGMA user_version");

    private static bool HasTables(SqliteConnection connection) => Number(connection, "SELECT count(*) FROM sqlite_master") > 0;

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar());
    }
}
