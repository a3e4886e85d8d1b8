using System.IO.Pipelines;

namespace Hem.Progress.Grpc;

/// <summary>
/// Writes straight into the transport's buffer while it takes more (the transport itself gathers messages into frames); messages that
/// come while it does not wait in a queue, up to a limit.
/// </summary>
internal sealed class ServerStreamWriter<T>(
    PipeWriter output, Action<T, SerializationContext> serialize, int maxQueued, Action<Status> cutOff, CancellationToken callCancelled)
    : IServerStreamWriter<T>
{
    // One flush of queued messages carries about this much.
    private const int BatchBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<(T Message, TaskCompletionSource Written)> _queue = new();
    private readonly MessageWriter<T> _messages = new(output, serialize);
    private Task _drained = Task.CompletedTask;
    private bool _flushing;
    private Exception? _ended;

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled(cancellationToken);
        Status cut;
        lock (_gate)
        {
            if (callCancelled.IsCancellationRequested && _ended is null)
                _ended = new OperationCanceledException("The call has ended.", callCancelled);
            if (_ended is not null)
                return Task.FromException(_ended);
            if (!_flushing)
            {
                _messages.Write(message);
                var flush = output.FlushAsync(CancellationToken.None);
                if (flush.IsCompletedSuccessfully)
                    return flush.Result.IsCompleted ? Task.FromException(_ended = Gone()) : Task.CompletedTask;
                _flushing = true;
                var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _drained = DrainAsync(flush, first);
                return Awaitable(first.Task, cancellationToken);
            }
            if (_queue.Count < maxQueued)
            {
                var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _queue.Enqueue((message, written));
                return Awaitable(written.Task, cancellationToken);
            }
            cut = new Status(StatusCode.ResourceExhausted, $"{maxQueued} messages wait for a client that does not read them.");
            _ended = new RpcException(cut);
        }
        cutOff(cut);
        return Task.FromException(_ended);
    }

    /// <summary>Takes no more messages; completes when those taken have left.</summary>
    public Task CompleteAsync()
    {
        lock (_gate)
        {
            _ended ??= new InvalidOperationException("The handler has returned: its call takes no more messages.");
            return _drained;
        }
    }

    private static Task Awaitable(Task written, CancellationToken cancellationToken)
    {
        // A caller may drop the task: what fails it ends the call anyway.
        _ = written.ContinueWith(
            static task => _ = task.Exception, CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return cancellationToken.CanBeCanceled ? written.WaitAsync(cancellationToken) : written;
    }

    private async Task DrainAsync(ValueTask<FlushResult> flush, TaskCompletionSource first)
    {
        var batch = new List<TaskCompletionSource> { first };
        try
        {
            while (true)
            {
                if ((await flush.ConfigureAwait(false)).IsCompleted)
                    throw Gone();
                foreach (var written in batch)
                    written.SetResult();
                batch.Clear();
                lock (_gate)
                {
                    for (var bytes = 0; bytes < BatchBytes && _queue.TryDequeue(out var next);)
                    {
                        batch.Add(next.Written);
                        bytes += _messages.Write(next.Message);
                    }
                    if (batch.Count == 0)
                    {
                        _flushing = false;
                        return;
                    }
                }
                flush = output.FlushAsync(CancellationToken.None);
            }
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _ended = _ended is null or InvalidOperationException ? e : _ended;
                while (_queue.TryDequeue(out var next))
                    batch.Add(next.Written);
                _flushing = false;
            }
            foreach (var written in batch)
                written.TrySetException(_ended);
        }
    }

    private OperationCanceledException Gone() => new("The client has gone.", callCancelled);
}
