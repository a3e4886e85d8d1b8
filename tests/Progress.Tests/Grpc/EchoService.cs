using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Hem.Progress.Grpc;
using Status = Hem.Progress.Grpc.Status;

namespace Progress.Tests.Grpc;

/// <summary>
/// One method of each kind on messages that every Protobuf library has. The Python peer serves the same: see Peers/echo.py.
/// What the call does is asked for by its metadata: `fail` (a status code, with `detail`), `crash`, `hang`, `count`.
/// </summary>
internal static class EchoService
{
    public const string Name = "hem.test.Echo";

    public static readonly Marshaller<BytesValue> Bytes = ProtobufMarshaller.Create(BytesValue.Parser);
    public static readonly Method<BytesValue, BytesValue> Unary = Method("Unary", MethodType.Unary);
    public static readonly Method<BytesValue, BytesValue> Collect = Method("Collect", MethodType.ClientStreaming);
    public static readonly Method<BytesValue, BytesValue> Repeat = Method("Repeat", MethodType.ServerStreaming);
    public static readonly Method<BytesValue, BytesValue> Duplex = Method("Duplex", MethodType.DuplexStreaming);

    public static Method<BytesValue, BytesValue> Method(string name, MethodType type) => new(type, Name, name, Bytes, Bytes);

    public static BytesValue Message(string text) => new() { Value = ByteString.CopyFromUtf8(text) };
    public static BytesValue Message(int size) => new() { Value = ByteString.CopyFrom(new byte[size]) };

    /// <summary>One healthy call.</summary>
    public static async Task ShouldEchoAsync(this CallInvoker invoker, string text) =>
        (await invoker.AsyncUnaryCall(Unary, null, default, Message(text))).ShouldBe(Message(text));

    public static ServerServiceDefinition Definition(EchoObserver observer) => ServerServiceDefinition.CreateBuilder()
        .AddMethod(Unary, async (request, context) =>
        {
            await BeginAsync(observer, context);
            return request;
        })
        .AddMethod(Collect, async (requests, context) =>
        {
            await BeginAsync(observer, context);
            var all = new List<byte>();
            await foreach (var request in requests.ReadAllAsync(context.CancellationToken))
                all.AddRange(request.Value.Span);
            return new BytesValue { Value = ByteString.CopyFrom([.. all]) };
        })
        .AddMethod(Repeat, async (request, responses, context) =>
        {
            await BeginAsync(observer, context);
            var count = int.Parse(context.RequestHeaders.GetValue("count") ?? "1", CultureInfo.InvariantCulture);
            for (var i = 0; i < count; i++)
                await responses.WriteAsync(request);
        })
        .AddMethod(Duplex, async (requests, responses, context) =>
        {
            await BeginAsync(observer, context);
            await foreach (var request in requests.ReadAllAsync(context.CancellationToken))
            {
                observer.Messages?.Invoke();
                await responses.WriteAsync(request);
            }
        })
        .Build();

    private static async Task BeginAsync(EchoObserver observer, ServerCallContext context)
    {
        observer.Contexts.Enqueue(context);
        var headers = new Metadata();
        foreach (var entry in context.RequestHeaders.Where(entry => entry.Key.StartsWith("x-", StringComparison.Ordinal)))
        {
            headers.Add(entry);
            if (entry.IsBinary)
                context.ResponseTrailers.Add("trailing-" + entry.Key, entry.ValueBytes);
            else
                context.ResponseTrailers.Add("trailing-" + entry.Key, entry.Value);
        }
        if (headers.Count > 0)
            await context.WriteResponseHeadersAsync(headers);
        if (context.RequestHeaders.GetValue("crash") is { } secret)
            throw new InvalidOperationException(secret);
        if (context.RequestHeaders.GetValue("hang") is not null)
        {
            try
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
            finally
            {
                observer.Cancelled.TrySetResult();
            }
        }
        if (context.RequestHeaders.GetValue("fail") is { } code)
        {
            var status = new Status(
                (StatusCode)int.Parse(code, CultureInfo.InvariantCulture),
                System.Text.Encoding.UTF8.GetString(context.RequestHeaders.GetValueBytes("detail-bin") ?? []));
            throw new RpcException(status, new Metadata { { "why", "asked" }, { "why-bin", [0, 255, 10] } });
        }
    }
}

/// <summary>What a test wants to know of the server's side.</summary>
internal sealed class EchoObserver
{
    public System.Collections.Concurrent.ConcurrentQueue<ServerCallContext> Contexts { get; } = new();
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    public Action? Messages { get; set; }
}
