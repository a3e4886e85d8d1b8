using System.Collections.Concurrent;
using Hem.Progress;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hem.Results;

/// <summary>How to open a store.</summary>
public sealed record StoreOptions
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Is told of repeated points that differ.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Size limit of the database in pages, 0 = none; lets tests run into a full disk.</summary>
    internal int MaxPages { get; init; }
}

/// <summary>
/// What is true about sweeps: their trials, attempts and learning curves, in one SQLite file of a store's folder. One process at a time
/// holds a store for writing; any number may read it meanwhile. Every task that writes completes once its effect is on disk, and every
/// write may be repeated without harm. Methods that read see everything that completed before they were called.
/// </summary>
/// <remarks>All methods throw <see cref="StoreException"/>, whose message is fit for a user's eyes.</remarks>
public sealed partial class ResultStore : IReportSink, IAsyncDisposable, IDisposable
{
    private readonly StoreLock? _lock;
    private readonly StoreWriter? _writer;
    private readonly ConcurrentBag<StoreConnection> _readers = [];
    private readonly StoreOptions _options;
    private bool _disposed;

    private ResultStore(string directory, StoreOptions options, StoreLock? held, StoreConnection? writer)
    {
        Directory = directory;
        DatabasePath = PathIn(directory);
        _options = options;
        _lock = held;
        _writer = writer is null ? null : new StoreWriter(writer, DatabasePath);
    }

    /// <summary>The store's folder, absolute.</summary>
    public string Directory { get; }

    /// <summary>The SQLite file.</summary>
    public string DatabasePath { get; }

    /// <summary>Opens a store for writing, making it where there is none, and holds its lock until disposed.</summary>
    /// <exception cref="StoreException">Among others <see cref="StoreFault.Locked"/>, naming the holder.</exception>
    public static ResultStore Open(string directory, StoreOptions? options = null)
    {
        options ??= new StoreOptions();
        directory = Path.GetFullPath(directory);
        try
        {
            System.IO.Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StoreException.FromMaking(e, directory);
        }

        var held = StoreLock.Acquire(directory, options.Time);
        ResultStore store;
        try
        {
            store = new ResultStore(directory, options, held, StoreConnection.OpenWriter(PathIn(directory), options.MaxPages));
        }
        catch (Exception e)
        {
            held.Dispose();
            if (e is SqliteException sqlite) throw StoreException.From(sqlite, PathIn(directory));
            throw;
        }

        store.FinishDeletions();
        return store;
    }

    /// <summary>Opens a store for reading only, whether or not another process holds it. Takes no lock and changes nothing.</summary>
    /// <exception cref="StoreException"><see cref="StoreFault.NotFound"/> where there is no store.</exception>
    public static ResultStore OpenReadOnly(string directory)
    {
        directory = Path.GetFullPath(directory);
        if (File.Exists(directory)) throw StoreException.NotAFolder(directory, directory);
        if (!File.Exists(PathIn(directory)))
            throw new StoreException(StoreFault.NotFound,
                $"{directory}: there are no results here. Start with `hem run`, or name another store with --store.");
        var store = new ResultStore(directory, new StoreOptions(), held: null, writer: null);
        store.ReturnReader(store.RentReader());
        return store;
    }

    /// <summary>Who holds the store of this folder now; null where nobody does. The lock decides: a dead holder is none.</summary>
    public static StoreHolder? FindHolder(string directory) => StoreLock.FindHolder(directory);

    private static string PathIn(string directory) => Path.Combine(directory, "results.db");

    /// <summary>Bytes of the store's files, and bytes that are left on their disk.</summary>
    public (long Size, long Free) ReadDisk() =>
        (new DirectoryInfo(Directory).EnumerateFiles("results.db*").Sum(file => file.Length), new DriveInfo(Directory).AvailableFreeSpace);

    private long Now => _options.Time.GetUtcNow().ToUnixTimeMilliseconds();

    private Task<T> WriteAsync<T>(Func<StoreConnection, T> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _writer?.RunAsync(work)
            ?? throw new StoreException(StoreFault.ReadOnly, $"{Directory}: this store was opened for reading only.");
    }

    private StoreConnection RentReader()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_readers.TryTake(out var reader)) return reader;
        try
        {
            return StoreConnection.OpenReader(DatabasePath);
        }
        catch (SqliteException e)
        {
            throw StoreException.From(e, DatabasePath);
        }
    }

    private void ReturnReader(StoreConnection reader)
    {
        if (_disposed) reader.Dispose();
        else _readers.Add(reader);
    }

    /// <summary>Finishes the writes under way, then lets go of the store.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        while (_readers.TryTake(out var reader)) reader.Dispose();
        _writer?.Dispose();
        _lock?.Dispose();
    }

    public ValueTask DisposeAsync() => new(Task.Run(Dispose));
}
