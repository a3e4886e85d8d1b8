using System.Data.Common;
using System.Diagnostics;

namespace Hem.Results;

/// <summary>
/// The one thread that writes. Callers hand in work and are told once it is durable. Whatever has gathered while the last commit went to
/// disk is the next transaction, so an idle store answers after one commit and a busy one shares each commit among many.
/// </summary>
internal sealed class StoreWriter : IDisposable
{
    /// <summary>No transaction gathers work for longer than this.</summary>
    private static readonly TimeSpan LongestBatch = TimeSpan.FromMilliseconds(10);

    private readonly StoreDatabase _database;
    private readonly Thread _thread;
    private readonly Queue<Work> _queue = [];
    private readonly List<Work> _batch = [];
    private StoreConnection _connection;
    private bool _closing;

    /// <exception cref="StoreException">The database cannot be written to.</exception>
    /// <exception cref="DbException">Neither.</exception>
    public StoreWriter(StoreDatabase database)
    {
        _database = database;
        _connection = database.OpenWriter();
        _thread = new Thread(Loop) { IsBackground = true, Name = "result store" };
        _thread.Start();
    }

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction; the task completes when that is on disk. Work may run more than once (after another
    /// caller's work in the same transaction failed), so it must have no effect outside the database.
    /// </summary>
    public Task<T> RunAsync<T>(Func<StoreConnection, T> work)
    {
        var item = new Work<T>(work);
        lock (_queue)
        {
            if (_closing) return Task.FromException<T>(new ObjectDisposedException(nameof(ResultStore)));
            _queue.Enqueue(item);
            if (_queue.Count == 1) Monitor.Pulse(_queue);
        }

        return item.Task;
    }

    private void Loop()
    {
        while (WaitForWork()) Commit();
    }

    private bool WaitForWork()
    {
        lock (_queue)
        {
            while (_queue.Count == 0 && !_closing) Monitor.Wait(_queue);
            return _queue.Count > 0;
        }
    }

    private void Commit()
    {
        _batch.Clear();
        try
        {
            Begin();
            var since = Stopwatch.GetTimestamp();
            while (Take() is { } work)
            {
                _batch.Add(work);
                if (!TryRun(work)) Restart(failed: work);
                if (Stopwatch.GetElapsedTime(since) >= LongestBatch) break;
            }

            _connection.Execute("COMMIT");
        }
        catch (Exception e)
        {
            RollBack();
            // None could even begin: so it is for all who wait.
            if (_batch.Count == 0)
                while (Take() is { } work) _batch.Add(work);
            var told = Translate(e);
            foreach (var work in _batch) work.Fail(told);
            return;
        }

        foreach (var work in _batch) work.Complete();
    }

    // A server may have gone away since, and be there again.
    private void Begin()
    {
        if (!_connection.IsOpen)
        {
            _connection.Dispose();
            _connection = _database.OpenWriter();
        }

        _database.Begin(_connection);
    }

    private Work? Take()
    {
        lock (_queue) return _queue.TryDequeue(out var work) ? work : null;
    }

    private bool TryRun(Work work)
    {
        try
        {
            work.Run(_connection);
            return true;
        }
        catch (Exception e)
        {
            work.Fail(Translate(e));
            return false;
        }
    }

    // A failed piece of work may have left half of itself: roll back, and run the others again without it.
    private void Restart(Work failed)
    {
        _batch.Remove(failed);
        while (true)
        {
            RollBack();
            Begin();
            if (_batch.Find(work => !TryRun(work)) is not { } next) return;
            _batch.Remove(next);
        }
    }

    private void RollBack()
    {
        try
        {
            if (_connection.IsOpen) _connection.Execute("ROLLBACK");
        }
        catch (DbException)
        {
            // It has been rolled back, as SQLite does by itself when the disk is full, or the server is gone.
        }
    }

    private Exception Translate(Exception e) => e is DbException failed ? _database.Translate(failed) : e;

    /// <summary>Finishes what was handed in, then closes.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            if (_closing) return;
            _closing = true;
            Monitor.Pulse(_queue);
        }

        _thread.Join();
        _connection.Dispose();
    }

    private abstract class Work
    {
        public abstract void Run(StoreConnection connection);
        public abstract void Complete();
        public abstract void Fail(Exception exception);
    }

    private sealed class Work<T>(Func<StoreConnection, T> work) : Work
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;

        public Task<T> Task => _done.Task;

        public override void Run(StoreConnection connection) => _result = work(connection);

        public override void Complete() => _done.TrySetResult(_result!);

        public override void Fail(Exception exception) => _done.TrySetException(exception);
    }
}
