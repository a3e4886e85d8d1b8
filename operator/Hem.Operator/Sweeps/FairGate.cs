namespace Hem.Operator.Sweeps;

/// <summary>
/// Lets so much work be done at once, and of several that ask for more than there is each as much as the others: whoever has a thousand
/// things to do does not hold up one that has three. Thread-safe.
/// </summary>
internal sealed class FairGate<TKey>(int places)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, Queue<TaskCompletionSource>> _waiting = [];

    /// <summary>Keys with somebody waiting, the one whose turn it is first.</summary>
    private readonly Queue<TKey> _turns = new();
    private int _free = places;

    /// <summary>Does the work when its turn has come.</summary>
    public async Task<T> RunAsync<T>(TKey key, Func<Task<T>> work, CancellationToken cancel)
    {
        await EnterAsync(key, cancel);
        try
        {
            return await work();
        }
        finally
        {
            Leave();
        }
    }

    private async Task EnterAsync(TKey key, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_free > 0)
            {
                _free--;
                return;
            }

            if (!_waiting.TryGetValue(key, out Queue<TaskCompletionSource>? own))
            {
                _waiting.Add(key, own = new());
                _turns.Enqueue(key);
            }

            own.Enqueue(turn);
        }

        await using CancellationTokenRegistration given = cancel.Register(() => turn.TrySetCanceled(cancel));
        await turn.Task;
    }

    private void Leave()
    {
        lock (_lock)
        {
            while (_turns.TryDequeue(out TKey? key))
            {
                Queue<TaskCompletionSource> own = _waiting[key];
                // Who was cancelled has left the queue, but for his place in it.
                bool isTaken = own.Dequeue().TrySetResult();
                if (own.Count > 0) _turns.Enqueue(key);
                else _waiting.Remove(key);
                if (isTaken) return;
            }

            _free++;
        }
    }
}
