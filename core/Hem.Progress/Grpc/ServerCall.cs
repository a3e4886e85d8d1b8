using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;

namespace Hem.Progress.Grpc;

/// <summary>One call on the server, from its checked request head to its trailers.</summary>
internal sealed class ServerCall
{
    private readonly GrpcServer _server;
    private readonly CancellationTokenSource _cancellation = new();
    private readonly Lock _gate = new();
    private Func<Task>? _completeResponse;
    private Action? _releaseRequest;
    private Status? _forced;
    private bool _reset;
    private bool _bodyWritten;

    public ServerCall(GrpcServer server, HttpContext http)
    {
        _server = server;
        Http = http;
        CancellationToken = _cancellation.Token;
        Peer = PeerName(http.Connection);
    }

    public HttpContext Http { get; }
    public CancellationToken CancellationToken { get; }
    public string Peer { get; }

    private ServerCallContext Context { get; set; } = null!;

    /// <summary>Runs the handler and answers whatever comes of it.</summary>
    public async Task RunAsync(ServerMethod method, TimeSpan? timeout)
    {
        var time = _server.Options.TimeProvider;
        Context = new ServerCallContext(this, ReceivedHeaders(), timeout is { } left ? Deadline(time, left) : DateTime.MaxValue);
        if (Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (Http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
        GrpcServer.BeginResponse(Http.Response);

        Status status;
        using (Http.RequestAborted.UnsafeRegister(static call => ((ServerCall)call!).Cancel(), this))
        using (_server.Stopped.UnsafeRegister(static call => ((ServerCall)call!).ForceStopped(), this))
        using (timeout is { } due ? StartTimer(time, due) : null)
        {
            status = await InvokeAsync(method).ConfigureAwait(false);
        }
        await AnswerAsync(status).ConfigureAwait(false);
        _releaseRequest?.Invoke();
    }

    public async Task UnaryAsync<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse> handler)
        where TRequest : class
        where TResponse : class
    {
        var request = await ReadOnlyRequestAsync(method.RequestMarshaller).ConfigureAwait(false);
        WriteOnlyResponse(method.ResponseMarshaller, await handler(request, Context).ConfigureAwait(false));
    }

    public async Task ClientStreamingAsync<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse> handler)
        where TRequest : class
        where TResponse : class
    {
        var requests = new ServerStreamReader<TRequest>(this, Reader(method.RequestMarshaller));
        WriteOnlyResponse(method.ResponseMarshaller, await handler(requests, Context).ConfigureAwait(false));
    }

    public async Task ServerStreamingAsync<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse> handler)
        where TRequest : class
        where TResponse : class
    {
        var request = await ReadOnlyRequestAsync(method.RequestMarshaller).ConfigureAwait(false);
        await handler(request, Writer(method.ResponseMarshaller), Context).ConfigureAwait(false);
    }

    public Task DuplexStreamingAsync<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse> handler)
        where TRequest : class
        where TResponse : class =>
        handler(
            new ServerStreamReader<TRequest>(this, Reader(method.RequestMarshaller)), Writer(method.ResponseMarshaller), Context);

    public Task WriteResponseHeadersAsync(Metadata headers)
    {
        if (Http.Response.HasStarted)
            throw new InvalidOperationException("The response headers are sent already.");
        GrpcServer.Append(Http.Response.Headers, headers);
        _bodyWritten = true;
        return Http.Response.StartAsync(CancellationToken);
    }

    public void Cancel()
    {
        lock (_gate)
        {
            if (_cancellation.IsCancellationRequested)
                return;
        }
        _cancellation.Cancel();
    }

    private async Task<Status> InvokeAsync(ServerMethod method)
    {
        try
        {
            await method.Invoke(this).ConfigureAwait(false);
            return Context.Status;
        }
        catch (RpcException e)
        {
            foreach (var entry in e.Trailers)
                Context.ResponseTrailers.Add(entry);
            // A handler cannot fail with success.
            return e.StatusCode == StatusCode.OK ? new Status(StatusCode.Unknown, "") : e.Status;
        }
        catch (Exception e)
        {
            // A write may hear that the client has gone before the token does.
            var gone = CancellationToken.IsCancellationRequested
                || (e is OperationCanceledException cancelled && cancelled.CancellationToken == CancellationToken);
            if (!gone)
                GrpcLog.HandlerFailed(_server.Logger, e, method.FullName);
            return new Status(StatusCode.Unknown, "Exception was thrown by handler.");
        }
    }

    private async Task AnswerAsync(Status status)
    {
        var written = _completeResponse?.Invoke() ?? Task.CompletedTask;
        if (Forced is { } forced)
        {
            status = forced;
            // What waits for the client's flow control must not hold up a call that is over.
            if (!written.IsCompleted)
                Reset(StatusMapping.Cancel);
        }
        await written.ConfigureAwait(false);
        if (!_reset && !Http.RequestAborted.IsCancellationRequested)
            GrpcServer.End(Http.Response, status, Context.ResponseTrailers, _bodyWritten);
    }

    // The first reason wins.
    private void Force(Status status)
    {
        lock (_gate)
            _forced ??= status;
        Cancel();
    }

    private Status? Forced
    {
        get
        {
            lock (_gate)
                return _forced;
        }
    }

    private void ForceStopped() => Force(new Status(StatusCode.Unavailable, "The server is stopping."));

    private void CutOff(Status status)
    {
        GrpcLog.CutOff(_server.Logger, Http.Request.Path, Peer, status.Detail);
        // The status cannot overtake what the client does not read; this error code says RESOURCE_EXHAUSTED at once.
        Reset(StatusMapping.EnhanceYourCalm);
        Force(status);
    }

    private void Reset(int errorCode)
    {
        _reset = true;
        Http.Features.GetRequiredFeature<IHttpResetFeature>().Reset(errorCode);
    }

    private ITimer StartTimer(TimeProvider time, TimeSpan due) =>
        time.CreateTimer(
            static call => ((ServerCall)call!).Force(new Status(StatusCode.DeadlineExceeded, "Deadline Exceeded")),
            this, due < GrpcServer.LongestTimer ? due : GrpcServer.LongestTimer, Timeout.InfiniteTimeSpan);

    private static DateTime Deadline(TimeProvider time, TimeSpan left)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return left < DateTime.MaxValue - now ? now + left : DateTime.MaxValue;
    }

    private Metadata ReceivedHeaders()
    {
        var metadata = new Metadata();
        foreach (var (name, values) in Http.Request.Headers)
        {
            foreach (var value in values)
                GrpcProtocol.AddReceived(metadata, name, value ?? "");
        }
        return metadata;
    }

    private MessageReader<T> Reader<T>(Marshaller<T> marshaller)
    {
        var encoding = Http.Request.Headers[GrpcProtocol.EncodingHeader].ToString();
        var compressed = encoding is "" or GrpcProtocol.Identity
            ? new Status(StatusCode.Internal, "A message is compressed, but the call's grpc-encoding names no compression.")
            : new Status(StatusCode.Unimplemented, $"grpc-encoding '{encoding}' is not supported: send identity.");
        var reader = new MessageReader<T>(
            Http.Request.BodyReader, marshaller.ContextualDeserializer, _server.Options.MaxReceiveMessageSize, compressed);
        _releaseRequest = reader.Release;
        return reader;
    }

    private async Task<T> ReadOnlyRequestAsync<T>(Marshaller<T> marshaller)
    {
        var requests = new ServerStreamReader<T>(this, Reader(marshaller));
        if (!await requests.MoveNext(CancellationToken.None).ConfigureAwait(false))
            throw new RpcException(new Status(StatusCode.Unimplemented, "The call carries no message; the method takes one."));
        var request = requests.Current;
        if (await requests.MoveNext(CancellationToken.None).ConfigureAwait(false))
            throw new RpcException(new Status(StatusCode.Unimplemented, "The call carries several messages; the method takes one."));
        return request;
    }

    private void WriteOnlyResponse<T>(Marshaller<T> marshaller, T? response)
        where T : class
    {
        if (Context.Status.StatusCode != StatusCode.OK)
            return;
        if (response is null)
            throw new InvalidOperationException($"The handler of {Context.Method} returned no message.");
        _bodyWritten = true;
        new MessageWriter<T>(Http.Response.BodyWriter, marshaller.ContextualSerializer).Write(response);
    }

    private ServerStreamWriter<T> Writer<T>(Marshaller<T> marshaller)
    {
        var writer = new ServerStreamWriter<T>(
            Http.Response.BodyWriter,
            (message, context) =>
            {
                _bodyWritten = true;
                marshaller.ContextualSerializer(message, context);
            },
            _server.Options.MaxQueuedMessages, CutOff, CancellationToken);
        _completeResponse = writer.CompleteAsync;
        return writer;
    }

    private static string PeerName(ConnectionInfo connection) => connection.RemoteIpAddress switch
    {
        null => "unix:",
        { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 } v6 => $"ipv6:[{v6}]:{connection.RemotePort}",
        var v4 => $"ipv4:{v4}:{connection.RemotePort}",
    };
}
