using System.Data.Common;
using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace Hem.Results.Postgres;

/// <summary>A store in a PostgreSQL database, of one process at a time: of the one that opened it last.</summary>
/// <remarks>
/// Who opens a store takes it over: a random token in its one row of hem_store becomes his, and each transaction that writes first looks
/// whether it still is, with a lock on that row which a takeover waits for. So whoever was taken over from, and has not noticed because he
/// stood still or was cut off, changes nothing any more, and his successor sees all that he did. Who may open one is not decided here (an
/// operator has a Lease for that). An advisory lock would not do: held by a session it goes with a connection that a pooler gives to others
/// or that a network forgets, and stays for hours where only the server has not noticed; a row is the same for every connection.
/// </remarks>
internal sealed class PostgresDatabase : StoreDatabase
{
    /// <summary>One process at a time makes or changes tables.</summary>
    private const long TablesLock = 0x48656d;

    // Commits that are acknowledged before they are on disk are no commits; who stands still within a transaction does not hold up others.
    private const string Hold =
        """
        SELECT set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true),
        set_config('idle_in_transaction_session_timeout', '10s', true) FROM hem_store WHERE token = $1 FOR SHARE
        """;

    private static readonly TimeSpan SizeIsGoodFor = TimeSpan.FromSeconds(30);

    private readonly Func<string> _connectionString;
    private readonly StoreOptions _options;
    private readonly string _token = Guid.NewGuid().ToString();
    private bool _isHeld;
    private long? _size;
    private long _measured;
    private int _measuring;

    /// <param name="connectionString">Asked for each connection, so that a password may change.</param>
    public PostgresDatabase(Func<string> connectionString, StoreOptions options)
    {
        (_connectionString, _options) = (connectionString, options);
        Name = "the results";
        Name = ConnectionString.NameOf(Read());
    }

    public override string Name { get; }

    private NpgsqlConnectionStringBuilder Read()
    {
        try
        {
            return ConnectionString.Parse(_connectionString());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable(e);
        }
    }

    public override StoreConnection OpenWriter()
    {
        var connection = OpenReader();
        try
        {
            if (_isHeld) return connection;
            TakeOver(connection);
            _isHeld = true;
            _size = Measure(connection);
            _measured = _options.Time.GetTimestamp();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public override StoreConnection OpenReader()
    {
        var connection = new NpgsqlConnection(Read().ToString());
        try
        {
            connection.Open();
            return new StoreConnection(connection, _ => "");
        }
        catch (Exception e)
        {
            connection.Dispose();
            if (e is SocketException or TimeoutException or IOException or AuthenticationException) throw Unavailable(e);
            throw;
        }
    }

    public override void Begin(StoreConnection writer)
    {
        writer.Execute("BEGIN");
        try
        {
            if (writer.Scalar(Hold, _token) is null) throw TakenOver(writer);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction)
        {
            // This server leads its cluster no more. Another connection may find the one that does.
            writer.Dispose();
            throw;
        }
    }

    public override StoreSize ReadSize()
    {
        if (_options.Time.GetElapsedTime(Volatile.Read(ref _measured)) >= SizeIsGoodFor && Interlocked.Exchange(ref _measuring, 1) == 0)
            Task.Run(MeasureAgain);
        return new(_size, null, null);
    }

    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    public override StoreException Translate(DbException e)
    {
        var state = (e as PostgresException)?.SqlState;
        return state switch
        {
            null => Unavailable(e),
            PostgresErrorCodes.DiskFull => new(StoreFault.DiskFull,
                $"{Name}: the server's disk is full. Free some space there; nothing that was stored is lost.", e),
            PostgresErrorCodes.ReadOnlySqlTransaction => new(StoreFault.ReadOnly,
                $"{Name}: can only be read. Name the server that leads its cluster.", e),
            PostgresErrorCodes.InsufficientPrivilege => new(StoreFault.ReadOnly,
                $"{Name}: {e.Message}. The user must own the database, or may create tables in its schema.", e),
            PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn => new(StoreFault.Corrupt,
                $"{Name}: the tables are not as they were made: {e.Message}. Restore them from a backup.", e),
            PostgresErrorCodes.InvalidCatalogName => new(StoreFault.NotFound, $"{Name}: there is no such database. Create it.", e),
            "XX001" or "XX002" => new(StoreFault.Corrupt, $"{Name}: the database is damaged: {e.Message}. Restore it from a backup.", e),
            // Connections, transactions that others made roll back, resources, operators' doing; a password that is being changed.
            _ when state[..2] is "08" or "28" or "40" or "53" or "57" || state is "25P03" or "25P04" or "55P03" => Unavailable(e),
            _ => new(StoreFault.Io, $"{Name}: the database failed: {e.Message}", e),
        };
    }

    /// <summary>The one who took it over keeps it.</summary>
    public override void Dispose()
    {
    }

    private void TakeOver(StoreConnection connection)
    {
        connection.Execute("BEGIN");
        connection.Execute("SELECT 1 FROM pg_advisory_xact_lock($1)", TablesLock);
        PostgresSchema.Update(connection, Name);
        connection.Execute(
            """
            INSERT INTO hem_store (version, token, holder, since) VALUES ($1, $2, $3, $4) ON CONFLICT (one)
            DO UPDATE SET version = excluded.version, token = excluded.token, holder = excluded.holder, since = excluded.since
            """,
            PostgresSchema.Version, _token, _options.Holder, _options.Time.GetUtcNow().ToUnixTimeMilliseconds());
        connection.Execute("COMMIT");
    }

    private StoreException TakenOver(StoreConnection connection)
    {
        using var reader = connection.Query("SELECT holder, since FROM hem_store");
        var by = reader.Read()
            ? $" by {reader.GetString(0)} at {DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(1)):yyyy-MM-dd HH:mm:ss} UTC"
            : "";
        return new StoreException(StoreFault.Locked,
            $"{Name}: was taken over{by}, and nothing more is written here. Where that is no other replica of this operator, "
            + "give each a database of its own.");
    }

    private StoreException Unavailable(Exception e) =>
        new(StoreFault.Unavailable, $"{Name}: cannot be reached or used now, and is tried again: {e.Message}", e);

    private void MeasureAgain()
    {
        try
        {
            using var connection = OpenReader();
            _size = Measure(connection);
        }
        catch (Exception e) when (e is DbException or StoreException)
        {
            // Whoever writes or reads tells.
        }
        finally
        {
            Volatile.Write(ref _measured, _options.Time.GetTimestamp());
            Volatile.Write(ref _measuring, 0);
        }
    }

    private static long? Measure(StoreConnection connection) =>
        connection.Scalar("SELECT pg_database_size(current_database())") as long?;
}
