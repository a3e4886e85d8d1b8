namespace Hem.Progress.Grpc;

/// <summary>The client's messages, for a handler.</summary>
internal sealed class ServerStreamReader<T>(ServerCall call, MessageReader<T> messages) : IAsyncStreamReader<T>
{
    public T Current => messages.Current ?? throw new InvalidOperationException("There is no message: MoveNext has not found one.");

    public Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (call.CancellationToken.IsCancellationRequested)
            return Task.FromCanceled<bool>(call.CancellationToken);
        try
        {
            var both = !cancellationToken.CanBeCanceled || cancellationToken == call.CancellationToken
                ? null
                : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.CancellationToken);
            var move = messages.MoveNextAsync(both?.Token ?? call.CancellationToken);
            if (!move.IsCompletedSuccessfully)
                return AwaitAsync(move, both, cancellationToken);
            both?.Dispose();
            return Task.FromResult(move.Result);
        }
        catch (RpcException e)
        {
            return Task.FromException<bool>(e);
        }
    }

    private async Task<bool> AwaitAsync(ValueTask<bool> move, CancellationTokenSource? both, CancellationToken cancellationToken)
    {
        using (both)
        {
            try
            {
                return await move.ConfigureAwait(false);
            }
            catch (IOException)
            {
                // The connection or the stream is lost, and with it the call.
                call.Cancel();
                throw new OperationCanceledException("The client has gone.", call.CancellationToken);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                call.Cancel();
                throw new OperationCanceledException("The call has ended.", call.CancellationToken);
            }
        }
    }
}
