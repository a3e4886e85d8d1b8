using System.IO.Pipelines;
using System.Net;
using System.Net.Http;

namespace Hem.Progress.Grpc;

/// <summary>One call on the client. It ends once: with the server's status, or with what made that impossible.</summary>
internal sealed class ClientCall<TRequest, TResponse> : IClientStreamWriter<TRequest>, IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private readonly Method<TRequest, TResponse> _method;
    private readonly GrpcChannelOptions _channelOptions;
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource<Metadata> _headers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RequestContent _content;
    private readonly MessageWriter<TRequest> _writer;
    private readonly Task<MessageReader<TResponse>?> _started;
    private readonly Lock _gate = new();
    private readonly List<IDisposable> _triggers = [];
    private readonly DateTimeOffset? _deadline;
    private MessageReader<TResponse>? _reader;
    private HttpResponseMessage? _response;
    private volatile Ending? _ending;
    private bool _requestsComplete;

    public ClientCall(GrpcChannel channel, Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        _method = method;
        _channelOptions = channel.Options;
        _content = new RequestContent(_ended.Token);
        _writer = new MessageWriter<TRequest>(
            _content.Writer, method.RequestMarshaller.ContextualSerializer, _channelOptions.MaxSendMessageSize ?? int.MaxValue);
        _ = _headers.Task.ContinueWith(
            static task => _ = task.Exception, CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (options.Deadline is { } deadline && deadline != DateTime.MaxValue)
            _deadline = new DateTimeOffset(deadline.ToUniversalTime());
        ArmTriggers(channel.Disposed, options.CancellationToken);
        _started = _ending is null
            ? StartAsync(channel.Invoker, CallHead.Request(channel, method.FullName, host, options.Headers, TimeLeft, _content))
            : Task.FromResult<MessageReader<TResponse>?>(null);
        if (_ending is not null)
            _content.Abandon();
    }

    public Task<Metadata> ResponseHeadersAsync => _headers.Task;

    public TResponse Current =>
        _reader?.Current ?? throw new InvalidOperationException("There is no message: MoveNext has not found one.");

    public Status GetStatus() => (_ending ?? throw new InvalidOperationException("The call has not ended: it has no status yet.")).Status;

    public Metadata GetTrailers() =>
        (_ending ?? throw new InvalidOperationException("The call has not ended: it has no trailers yet.")).Trailers;

    public void Dispose() => End(new Status(StatusCode.Cancelled, "gRPC call disposed."));

    public async void Send(TRequest request)
    {
        try
        {
            await WriteAsync(request).ConfigureAwait(false);
            await CompleteAsync().ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            End(e.Status);
        }
        catch (Exception e)
        {
            End(new Status(StatusCode.Internal, $"The request cannot be sent: {e.Message}", e));
        }
    }

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (_requestsComplete)
            return Task.FromException(new InvalidOperationException("The request stream is complete: it takes no more messages."));
        if (_ending is not null)
            return Task.FromException(NotWritten());
        try
        {
            _writer.Write(message);
        }
        catch (RpcException e)
        {
            return Task.FromException(e);
        }
        var flush = _content.Writer.FlushAsync(cancellationToken);
        if (!flush.IsCompletedSuccessfully)
            return AwaitAsync(flush);
        return flush.Result.IsCompleted ? Task.FromException(NotWritten()) : Task.CompletedTask;

        async Task AwaitAsync(ValueTask<FlushResult> flush)
        {
            if ((await flush.ConfigureAwait(false)).IsCompleted)
                throw NotWritten();
        }
    }

    public Task CompleteAsync()
    {
        _requestsComplete = true;
        _content.Writer.Complete();
        return Task.CompletedTask;
    }

    public Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (_ending is not null)
            return AfterEnd();
        if (_reader is not { } reader || cancellationToken.IsCancellationRequested)
            return MoveNextAsync(null, cancellationToken);
        ValueTask<bool> move;
        try
        {
            move = reader.MoveNextAsync(_ended.Token);
        }
        catch (RpcException e)
        {
            End(e.Status);
            return AfterEnd();
        }
        return move.IsCompletedSuccessfully && move.Result ? Task.FromResult(true) : MoveNextAsync(move, cancellationToken);
    }

    /// <summary>The only message of a call that has one, once the call has ended well.</summary>
    public async Task<TResponse> ReadOnlyResponseAsync()
    {
        TResponse? response = null;
        if (await MoveNext(CancellationToken.None).ConfigureAwait(false))
        {
            response = Current;
            if (await MoveNext(CancellationToken.None).ConfigureAwait(false))
                response = null;
        }
        if (response is not null)
            return response;
        End(new Status(StatusCode.Unimplemented, $"The server answered {_method.FullName} with other than one message."), evenIfOk: true);
        throw _ending!.Failure!;
    }

    private async Task<bool> MoveNextAsync(ValueTask<bool>? begun, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(static call => Cancel(call, "Call canceled by the client."), this);
        try
        {
            if (begun is null && await _started.ConfigureAwait(false) is { } reader)
                begun = reader.MoveNextAsync(_ended.Token);
            if (begun is { } move)
            {
                if (await move.ConfigureAwait(false))
                    return true;
                EndFromTrailers();
            }
        }
        catch (Exception e)
        {
            End(Describe(e));
        }
        return await AfterEnd().ConfigureAwait(false);
    }

    private Task<bool> AfterEnd() => _ending!.Failure is { } failure ? Task.FromException<bool>(failure) : Task.FromResult(false);

    // Never fails: what goes wrong ends the call.
    private async Task<MessageReader<TResponse>?> StartAsync(HttpMessageInvoker invoker, HttpRequestMessage request)
    {
        try
        {
            var response = await invoker.SendAsync(request, _ended.Token).ConfigureAwait(false);
            _content.ResponseBegun();
            lock (_gate)
                _response = response;
            if (_ended.IsCancellationRequested)
            {
                response.Dispose();
                return null;
            }
            var head = response.Headers.NonValidated;
            if (head.TryGetValues(GrpcProtocol.StatusHeader, out _))
            {
                var headers = CallHead.Metadata(head);
                _headers.TrySetResult(headers);
                End(CallHead.Status(head), headers);
                return null;
            }
            var contentType = response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values) ? values.ToString() : null;
            if (response.StatusCode != HttpStatusCode.OK || !GrpcProtocol.IsGrpcContentType(contentType))
            {
                End(new Status(
                    StatusMapping.FromHttpStatus(response.StatusCode),
                    $"The answer is no gRPC: HTTP status {(int)response.StatusCode}, content type '{contentType}'."));
                return null;
            }
            _headers.TrySetResult(CallHead.Metadata(head));
            var body = await response.Content.ReadAsStreamAsync(_ended.Token).ConfigureAwait(false);
            return _reader = new MessageReader<TResponse>(
                PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: 16 * 1024)),
                _method.ResponseMarshaller.ContextualDeserializer, _channelOptions.MaxReceiveMessageSize,
                new Status(StatusCode.Internal, "A message of the server is compressed, which this client has not offered to read."));
        }
        catch (Exception e)
        {
            End(Describe(e));
            return null;
        }
    }

    private void ArmTriggers(CancellationToken channelDisposed, CancellationToken cancellationToken)
    {
        Arm(() => cancellationToken.UnsafeRegister(static call => Cancel(call, "Call canceled by the client."), this));
        Arm(() => channelDisposed.UnsafeRegister(static call => Cancel(call, "The channel is disposed."), this));
        if (TimeLeft is not { } left)
            return;
        if (left <= TimeSpan.Zero)
            EndByDeadline();
        else
            Arm(() => _channelOptions.TimeProvider.CreateTimer(
                static call => ((ClientCall<TRequest, TResponse>)call!).EndByDeadline(), this,
                left < GrpcServer.LongestTimer ? left : GrpcServer.LongestTimer, Timeout.InfiniteTimeSpan));
    }

    // What fires while it is being armed finds the call ended, and what is armed after the end is dropped.
    private void Arm(Func<IDisposable> trigger)
    {
        if (_ending is not null)
            return;
        var armed = trigger();
        lock (_gate)
        {
            if (_ending is null)
            {
                _triggers.Add(armed);
                return;
            }
        }
        armed.Dispose();
    }

    private static void Cancel(object? call, string why) =>
        ((ClientCall<TRequest, TResponse>)call!).End(new Status(StatusCode.Cancelled, why));

    private void EndByDeadline() => End(new Status(StatusCode.DeadlineExceeded, "Deadline Exceeded"));

    private void EndFromTrailers()
    {
        var trailers = _response!.TrailingHeaders.NonValidated;
        End(CallHead.Status(trailers), CallHead.Metadata(trailers));
    }

    private void End(Status status, Metadata? trailers = null, bool evenIfOk = false)
    {
        lock (_gate)
        {
            if (_ending is { } ended && !(evenIfOk && ended.Failure is null))
                return;
            // The server's clock may be the quicker one: it gives up a call at its deadline by resetting the stream.
            if (status.StatusCode == StatusCode.Cancelled && trailers is null && TimeLeft <= TimeSpan.Zero)
                status = new Status(StatusCode.DeadlineExceeded, "Deadline Exceeded", status.DebugException);
            _ending = new Ending(status, trailers ?? _ending?.Trailers ?? Metadata.Empty);
        }
        // Not waiting for callbacks that run: this may be one of them.
        foreach (var trigger in _triggers)
        {
            if (trigger is CancellationTokenRegistration registration)
                registration.Unregister();
            else
                trigger.Dispose();
        }
        if (_ending.Failure is { } failure)
            _headers.TrySetException(failure);
        // Ends sending and reading, and resets the stream where it is still open.
        _ended.Cancel();
        _content.Abandon();
        _response?.Dispose();
    }

    private TimeSpan? TimeLeft => _deadline - _channelOptions.TimeProvider.GetUtcNow();

    private Status Describe(Exception e) => e switch
    {
        RpcException rpc => rpc.Status,
        _ when _ending is { } ended => ended.Status,
        _ => StatusMapping.FromException(e),
    };

    private RpcException NotWritten() =>
        _ending?.Failure ?? new RpcException(_ending is null
            ? new Status(StatusCode.Unavailable, "The call ended before the message was sent; the response stream tells why.")
            : new Status(StatusCode.Cancelled, "The server has ended the call: it takes no more messages."));

    private sealed class Ending(Status status, Metadata trailers)
    {
        public Status Status => status;
        public Metadata Trailers => trailers;
        public RpcException? Failure { get; } = status.StatusCode == StatusCode.OK ? null : new RpcException(status, trailers);
    }
}
