using System.Collections.Concurrent;
using System.Data.Common;
using Hem.Progress;
using Hem.Results.Postgres;
using Hem.Results.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hem.Results;

/// <summary>How to open a store.</summary>
public sealed record StoreOptions
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Is told of repeated points that differ.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Who holds the store, for the one from whom it is taken over.</summary>
    public string Holder { get; init; } = $"{Environment.MachineName} ({Environment.ProcessId})";

    /// <summary>Size limit of the database in pages, 0 = none; lets tests run into a full disk.</summary>
    internal int MaxPages { get; init; }
}

/// <summary>
/// What is true about sweeps: their trials, attempts and learning curves, in one SQLite file of a store's folder, or in a PostgreSQL
/// database. One process at a time holds a store for writing; any number may read it meanwhile. Every task that writes completes once its
/// effect is on disk, and every write may be repeated without harm. Methods that read see everything that completed before they were
/// called.
/// </summary>
/// <remarks>
/// All methods throw <see cref="StoreException"/>, whose message is fit for a user's eyes. A server that went away is found again by
/// whatever is asked of the store next.
/// </remarks>
public sealed partial class ResultStore : IReportSink, IAsyncDisposable, IDisposable
{
    /// <summary>Reads at once; further ones wait for one of them. (A PostgreSQL server has places for a hundred connections.)</summary>
    private const int MostReaders = 32;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly StoreDatabase _database;
    private readonly StoreWriter? _writer;
    private readonly ConcurrentBag<StoreConnection> _readers = [];
    private readonly SemaphoreSlim _reads = new(MostReaders);
    private readonly StoreOptions _options;
    private bool _disposed;

    private ResultStore(StoreDatabase database, StoreOptions options, StoreWriter? writer) =>
        (_database, _options, _writer) = (database, options, writer);

    /// <summary>What messages call the store: the SQLite file, or the server and database.</summary>
    public string Name => _database.Name;

    /// <summary>Opens a store in a folder for writing, making it where there is none, and holds its lock until disposed.</summary>
    /// <exception cref="StoreException">Among others <see cref="StoreFault.Locked"/>, naming the holder.</exception>
    public static ResultStore Open(string directory, StoreOptions? options = null)
    {
        options ??= new StoreOptions();
        return Open(SqliteDatabase.ForWriting(Path.GetFullPath(directory), options), options);
    }

    /// <summary>
    /// Opens a store in a PostgreSQL database for writing, making its tables where there are none, and takes it over from whoever had it:
    /// his writes are refused from now on (<see cref="StoreFault.Locked"/>). Who may do so is for the caller to know.
    /// </summary>
    /// <param name="connectionString">
    /// `postgresql://...`, or as Npgsql has it; asked for each connection, so that a password may change.
    /// </param>
    /// <exception cref="StoreException">Among others <see cref="StoreFault.Unavailable"/>, where trying again may help.</exception>
    public static ResultStore OpenPostgres(Func<string> connectionString, StoreOptions? options = null)
    {
        options ??= new StoreOptions();
        return Open(new PostgresDatabase(connectionString, options), options);
    }

    /// <summary>Opens a store in a folder for reading only, held or not. Takes no lock and changes nothing.</summary>
    /// <exception cref="StoreException"><see cref="StoreFault.NotFound"/> where there is no store.</exception>
    public static ResultStore OpenReadOnly(string directory)
    {
        var store = new ResultStore(SqliteDatabase.ForReading(Path.GetFullPath(directory)), new StoreOptions(), writer: null);
        store.ReturnReader(store.RentReader().Connection);
        return store;
    }

    /// <summary>Who holds the store of this folder now; null where nobody does. The lock decides: a dead holder is none.</summary>
    public static StoreHolder? FindHolder(string directory) => StoreLock.FindHolder(directory);

    private static ResultStore Open(StoreDatabase database, StoreOptions options)
    {
        ResultStore store;
        try
        {
            store = new ResultStore(database, options, new StoreWriter(database));
        }
        catch (Exception e)
        {
            database.Dispose();
            if (e is DbException failed) throw database.Translate(failed);
            throw;
        }

        try
        {
            store.FinishDeletions();
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>How large it is, and how much room there is for more.</summary>
    public StoreSize ReadSize() => _database.ReadSize();

    private long Now => _options.Time.GetUtcNow().ToUnixTimeMilliseconds();

    private Task<T> WriteAsync<T>(Func<StoreConnection, T> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _writer?.RunAsync(work)
            ?? throw new StoreException(StoreFault.ReadOnly, $"{Name}: this store was opened for reading only.");
    }

    private (StoreConnection Connection, bool IsNew) RentReader()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_reads.Wait(LongestWait))
            throw new StoreException(StoreFault.Unavailable,
                $"{Name}: {MostReaders} others have been reading for {LongestWait.TotalSeconds:0} s. Try again.");
        try
        {
            return _readers.TryTake(out var reader) ? (reader, false) : (_database.OpenReader(), true);
        }
        catch (Exception e)
        {
            _reads.Release();
            if (e is DbException failed) throw _database.Translate(failed);
            throw;
        }
    }

    private void ReturnReader(StoreConnection reader)
    {
        if (_disposed || !reader.IsOpen) reader.Dispose();
        else _readers.Add(reader);
        _reads.Release();
    }

    /// <summary>Finishes the writes under way, then lets go of the store.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        while (_readers.TryTake(out var reader)) reader.Dispose();
        _writer?.Dispose();
        _database.Dispose();
    }

    public ValueTask DisposeAsync() => new(Task.Run(Dispose));
}
