using Microsoft.Data.Sqlite;

namespace Hem.Results;

/// <summary>One connection and the statements prepared on it, each made once and used again. For one thread at a time.</summary>
internal sealed class StoreConnection : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _commands = [];

    private StoreConnection(SqliteConnection connection) => _connection = connection;

    public static StoreConnection OpenWriter(string path, int maxPages)
    {
        var connection = Connect(path, SqliteOpenMode.ReadWriteCreate, immutable: false);
        try
        {
            Execute(connection,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;");
            if (maxPages > 0) Execute(connection, $"PRAGMA max_page_count = {maxPages}");
            Schema.Check(connection, path, mayWrite: true);
            return new StoreConnection(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static StoreConnection OpenReader(string path)
    {
        var connection = Connect(path, SqliteOpenMode.ReadOnly, immutable: false);
        try
        {
            Schema.Check(connection, path, mayWrite: false);
            return new StoreConnection(connection);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 8 or 14 && !File.Exists(path + "-wal"))
        {
            // A read-only medium: nobody can be writing, and the log's index cannot be made there.
            connection.Dispose();
            connection = Connect(path, SqliteOpenMode.ReadOnly, immutable: true);
            Schema.Check(connection, path, mayWrite: false);
            return new StoreConnection(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public int Execute(string sql, params ReadOnlySpan<object?> arguments) => Prepare(sql, arguments).ExecuteNonQuery();

    public object? Scalar(string sql, params ReadOnlySpan<object?> arguments) =>
        Prepare(sql, arguments).ExecuteScalar() is var value and not DBNull ? value : null;

    public SqliteDataReader Query(string sql, params ReadOnlySpan<object?> arguments) => Prepare(sql, arguments).ExecuteReader();

    /// <summary>The statement with its parameters ?1, ?2, ... set.</summary>
    private SqliteCommand Prepare(string sql, ReadOnlySpan<object?> arguments)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 1; i <= arguments.Length; i++) command.Parameters.Add(new SqliteParameter { ParameterName = $"?{i}" });
            _commands.Add(sql, command);
        }

        for (var i = 0; i < arguments.Length; i++) command.Parameters[i].Value = arguments[i] ?? DBNull.Value;
        return command;
    }

    private static SqliteConnection Connect(string path, SqliteOpenMode mode, bool immutable)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = immutable ? $"{new Uri(Path.GetFullPath(path)).AbsoluteUri}?immutable=1" : path,
            Mode = mode,
            Pooling = false,
        }.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public void Dispose()
    {
        foreach (var command in _commands.Values) command.Dispose();
        _connection.Dispose();
    }
}
