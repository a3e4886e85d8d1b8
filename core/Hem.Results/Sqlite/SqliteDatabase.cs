using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Hem.Results.Sqlite;

/// <summary>A store in a folder of its own: the file `results.db`, and a lock that one process at a time has.</summary>
internal sealed class SqliteDatabase : StoreDatabase
{
    private readonly string _directory;
    private readonly string _path;
    private readonly StoreLock? _lock;
    private readonly int _maxPages;

    private SqliteDatabase(string directory, StoreLock? held, int maxPages) =>
        (_directory, _path, _lock, _maxPages) = (directory, PathIn(directory), held, maxPages);

    public override string Name => _path;

    /// <param name="directory">Absolute; made where it is not there.</param>
    public static SqliteDatabase ForWriting(string directory, StoreOptions options)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StoreException.FromMaking(e, directory);
        }

        return new SqliteDatabase(directory, StoreLock.Acquire(directory, options.Time), options.MaxPages);
    }

    public static SqliteDatabase ForReading(string directory)
    {
        if (File.Exists(directory)) throw StoreException.NotAFolder(directory, directory);
        return File.Exists(PathIn(directory))
            ? new SqliteDatabase(directory, held: null, maxPages: 0)
            : throw new StoreException(StoreFault.NotFound,
                $"{directory}: there are no results here. Start with `hem run`, or name another store with --store.");
    }

    public override StoreConnection OpenWriter()
    {
        var connection = Connect(SqliteOpenMode.ReadWriteCreate, immutable: false);
        try
        {
            Execute(connection,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;");
            if (_maxPages > 0) Execute(connection, $"PRAGMA max_page_count = {_maxPages}");
            SqliteSchema.Check(connection, _path, mayWrite: true);
            return Of(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public override StoreConnection OpenReader()
    {
        var connection = Connect(SqliteOpenMode.ReadOnly, immutable: false);
        try
        {
            SqliteSchema.Check(connection, _path, mayWrite: false);
            return Of(connection);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 8 or 14 && !File.Exists(_path + "-wal"))
        {
            // A read-only medium: nobody can be writing, and the log's index cannot be made there.
            connection.Dispose();
            connection = Connect(SqliteOpenMode.ReadOnly, immutable: true);
            SqliteSchema.Check(connection, _path, mayWrite: false);
            return Of(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public override void Begin(StoreConnection writer) => writer.Execute("BEGIN IMMEDIATE");

    // Primary result codes of SQLite (https://www.sqlite.org/rescode.html).
    public override StoreException Translate(DbException e) => (e as SqliteException)?.SqliteErrorCode switch
    {
        13 => new(StoreFault.DiskFull, $"{_path}: the disk is full. Free some space and go on; nothing that was stored is lost.", e),
        8 => new(StoreFault.ReadOnly, $"{_path}: cannot be written to. Check its permissions, or choose another store with --store.", e),
        14 => new(StoreFault.ReadOnly, $"{_path}: cannot be opened. Check that its folder exists and may be written to.", e),
        11 => new(StoreFault.Corrupt,
            $"{_path}: the database is damaged. Keep a copy, then try `sqlite3 {_path} .recover`, or start a new store with --store.", e),
        26 => new(StoreFault.Corrupt, $"{_path}: is no database. Move it away, or choose another store with --store.", e),
        5 or 6 => new(StoreFault.Locked, $"{_path}: another program holds the database locked. Close it and try again.", e),
        _ => new(StoreFault.Io, $"{_path}: the database failed: {e.Message}", e),
    };

    public override StoreSize ReadSize()
    {
        var drive = new DriveInfo(_directory);
        return new(
            new DirectoryInfo(_directory).EnumerateFiles(Path.GetFileName(_path) + "*").Sum(file => file.Length),
            drive.AvailableFreeSpace, drive.TotalSize);
    }

    public override void Dispose() => _lock?.Dispose();

    private static string PathIn(string directory) => Path.Combine(directory, "results.db");

    private static StoreConnection Of(SqliteConnection connection) =>
        new(connection, number => string.Create(CultureInfo.InvariantCulture, $"${number}"));

    private SqliteConnection Connect(SqliteOpenMode mode, bool immutable)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = immutable ? $"{new Uri(_path).AbsoluteUri}?immutable=1" : _path,
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
}
