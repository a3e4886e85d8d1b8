using System.Runtime.CompilerServices;

namespace Hem.Progress.Grpc;

/// <summary>Messages that arrive. One reader at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message that the last <see cref="MoveNext"/> found.</summary>
    T Current { get; }

    /// <summary>True: <see cref="Current"/> is the next message. False: the peer has sent all.</summary>
    /// <exception cref="RpcException">
    /// On a client: the call ended with that status. On a server: the client's bytes are no gRPC; left uncaught it answers the call.
    /// </exception>
    /// <exception cref="OperationCanceledException">on a server: the client has gone or given up, or the deadline has passed</exception>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}

/// <summary>Messages that leave.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>Completes when the transport has taken the message; waits while the peer's flow control lets nothing through.</summary>
    Task WriteAsync(T message);

    /// <inheritdoc cref="WriteAsync(T)"/>
    Task WriteAsync(T message, CancellationToken cancellationToken);
}

/// <summary>The client's messages. One <c>WriteAsync</c> at a time.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>No more messages follow. Idempotent; does not wait for the server.</summary>
    Task CompleteAsync();
}

/// <summary>
/// The server's messages. <c>WriteAsync</c> may be called from several places without awaiting the last: the messages queue, and where
/// more than <see cref="GrpcServiceOptions.MaxQueuedMessages"/> wait for a client that does not read, the call is cut off with
/// <see cref="StatusCode.ResourceExhausted"/>. A handler that awaits each write is held back instead, and never cut off.
/// </summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>;

public static class AsyncStreamReaderExtensions
{
    /// <summary>Every message to the end.</summary>
    public static async IAsyncEnumerable<T> ReadAllAsync<T>(
        this IAsyncStreamReader<T> reader, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await reader.MoveNext(cancellationToken))
            yield return reader.Current;
    }

    /// <summary>True: there is a message.</summary>
    public static Task<bool> MoveNext<T>(this IAsyncStreamReader<T> reader) => reader.MoveNext(CancellationToken.None);
}
