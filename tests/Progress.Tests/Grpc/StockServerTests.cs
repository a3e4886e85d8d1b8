using System.Diagnostics;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Hem.Progress.Grpc;

namespace Progress.Tests.Grpc;

/// <summary>Stock gRPC as the server of our client. The same checks run against our own server, which must look no different.</summary>
public class StockServerTests(ITestOutputHelper output)
{
    public enum Peer
    {
        StockOnTcp,
        StockOnUnixSocket,
        OursOnUnixSocket,
    }

    public static TheoryData<Peer> Peers => [Peer.StockOnTcp, Peer.StockOnUnixSocket, Peer.OursOnUnixSocket];

    [Theory]
    [MemberData(nameof(Peers))]
    public async Task Our_client_conforms(Peer peer)
    {
        await using var target = await Target.StartAsync(peer);
        using var channel = GrpcChannel.ForAddress(target.Address);
        var invoker = channel.CreateCallInvoker();
        await Every_kind_of_call(invoker);
        await Every_status_code(invoker);
        await Metadata_of_both_kinds_comes_back(invoker);
        await A_deadline_ends_a_call(invoker);
        await Cancelling_ends_a_call_on_both_sides(invoker, target);
        await Messages_up_to_the_limit_pass(invoker);
        await Unknown_methods_are_unimplemented(invoker);
        await A_crashing_handler_is_unknown(invoker);
    }

    [Theory]
    [InlineData(Peer.StockOnUnixSocket)]
    [InlineData(Peer.OursOnUnixSocket)]
    public async Task A_stream_of_100000_messages_arrives_whole_and_in_order_each_way(Peer peer)
    {
        const int Count = 100_000;
        await using var target = await Target.StartAsync(peer);
        using var channel = GrpcChannel.ForAddress(target.Address);
        var watch = Stopwatch.StartNew();
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(EchoService.Duplex, null, default);
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
                await call.RequestStream.WriteAsync(EchoService.Message($"message {i}"));
            await call.RequestStream.CompleteAsync();
        });
        for (var i = 0; i < Count; i++)
        {
            (await call.ResponseStream.MoveNext()).ShouldBeTrue();
            if (!call.ResponseStream.Current.Value.Span.SequenceEqual(Encoding.UTF8.GetBytes($"message {i}")))
                Assert.Fail($"message {i} arrived as {call.ResponseStream.Current}");
        }
        (await call.ResponseStream.MoveNext()).ShouldBeFalse();
        await sending;
        output.WriteLine($"{peer}: {Count / watch.Elapsed.TotalSeconds:N0} messages/s each way");
    }

    [Theory]
    [InlineData(Peer.StockOnTcp)]
    [InlineData(Peer.StockOnUnixSocket)]
    public async Task Stock_server_killed_in_the_middle_is_unavailable(Peer peer)
    {
        await using var target = await Target.StartAsync(peer);
        using var channel = GrpcChannel.ForAddress(target.Address);
        var invoker = channel.CreateCallInvoker();
        using var call = invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, default);
        var received = 0;
        var middle = new TaskCompletionSource();
        var sending = Task.Run(async () =>
        {
            while (true)
                await call.RequestStream.WriteAsync(EchoService.Message("more"));
        });
        var receiving = Task.Run(async () =>
        {
            while (await call.ResponseStream.MoveNext())
            {
                if (++received == 1000)
                    middle.SetResult();
            }
        });
        await middle.Task.WaitAsync(Wait.Limit);

        target.Python!.Kill();

        (await Should.ThrowAsync<RpcException>(receiving.WaitAsync(Wait.Limit))).StatusCode.ShouldBe(StatusCode.Unavailable);
        (await Should.ThrowAsync<RpcException>(sending.WaitAsync(Wait.Limit))).StatusCode.ShouldBe(StatusCode.Unavailable);
        call.GetStatus().StatusCode.ShouldBe(StatusCode.Unavailable);
        using var next = invoker.AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message("anyone"));
        (await Should.ThrowAsync<RpcException>(next.ResponseAsync)).StatusCode.ShouldBe(StatusCode.Unavailable);
    }

    [Fact]
    public async Task A_response_that_is_no_message_is_internal()
    {
        await using var target = await Target.StartAsync(Peer.StockOnTcp);
        using var channel = GrpcChannel.ForAddress(target.Address);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(
            EchoService.Method("Garbage", MethodType.Unary), null, default, EchoService.Message("x"));
        (await Should.ThrowAsync<RpcException>(call.ResponseAsync)).StatusCode.ShouldBe(StatusCode.Internal);
    }

    private static async Task Every_kind_of_call(CallInvoker invoker)
    {
        using var unary = invoker.AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message("hello"));
        (await unary).ShouldBe(EchoService.Message("hello"));
        unary.GetStatus().StatusCode.ShouldBe(StatusCode.OK);

        using var collect = invoker.AsyncClientStreamingCall(EchoService.Collect, null, default);
        foreach (var part in (string[])["a", "b", "c"])
            await collect.RequestStream.WriteAsync(EchoService.Message(part));
        await collect.RequestStream.CompleteAsync();
        (await collect).ShouldBe(EchoService.Message("abc"));
        collect.GetStatus().StatusCode.ShouldBe(StatusCode.OK);

        using var repeat = invoker.AsyncServerStreamingCall(
            EchoService.Repeat, null, new CallOptions(new Metadata { { "count", "3" } }), EchoService.Message("again"));
        (await repeat.ResponseStream.ReadAllAsync().ToListAsync()).ShouldBe(Enumerable.Repeat(EchoService.Message("again"), 3));

        using var duplex = invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, default);
        for (var i = 0; i < 3; i++)
        {
            await duplex.RequestStream.WriteAsync(EchoService.Message($"{i}"));
            (await duplex.ResponseStream.MoveNext()).ShouldBeTrue();
            duplex.ResponseStream.Current.ShouldBe(EchoService.Message($"{i}"));
        }
        Should.Throw<InvalidOperationException>(() => duplex.GetStatus());
        await duplex.RequestStream.CompleteAsync();
        (await duplex.ResponseStream.MoveNext()).ShouldBeFalse();
        duplex.GetStatus().StatusCode.ShouldBe(StatusCode.OK);
        await Should.ThrowAsync<InvalidOperationException>(duplex.RequestStream.WriteAsync(EchoService.Message("late")));
    }

    private static async Task Every_status_code(CallInvoker invoker)
    {
        foreach (var code in System.Enum.GetValues<StatusCode>().Where(code => code != StatusCode.OK))
        {
            var detail = $"because {code}: 100% ünïcödé \n\t✓";
            var options = new CallOptions(new Metadata { { "fail", $"{(int)code}" }, { "detail-bin", Encoding.UTF8.GetBytes(detail) } });
            foreach (var (call, trailers) in Failing(invoker, options))
            {
                var failure = await Should.ThrowAsync<RpcException>(call);
                failure.StatusCode.ShouldBe(code);
                failure.Status.Detail.ShouldBe(detail);
                failure.Trailers.GetValue("why").ShouldBe("asked");
                trailers().GetValueBytes("why-bin").ShouldBe([0, 255, 10]);
            }
        }
    }

    private static IEnumerable<(Task Call, Func<Metadata> Trailers)> Failing(CallInvoker invoker, CallOptions options)
    {
        var unary = invoker.AsyncUnaryCall(EchoService.Unary, null, options, EchoService.Message(""));
        yield return (unary.ResponseAsync, unary.GetTrailers);
        var collect = invoker.AsyncClientStreamingCall(EchoService.Collect, null, options);
        yield return (collect.ResponseAsync, collect.GetTrailers);
        var repeat = invoker.AsyncServerStreamingCall(EchoService.Repeat, null, options, EchoService.Message(""));
        yield return (repeat.ResponseStream.MoveNext(), repeat.GetTrailers);
        var duplex = invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, options);
        yield return (duplex.ResponseStream.MoveNext(), duplex.GetTrailers);
    }

    private static async Task Metadata_of_both_kinds_comes_back(CallInvoker invoker)
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        var sent = new Metadata { { "X-Text", "a b~!" }, { "x-all-bin", all } };
        for (var size = 1; size <= 4; size++)
            sent.Add($"x-{size}-bin", all[^size..]);
        using var call = invoker.AsyncUnaryCall(EchoService.Unary, null, new CallOptions(sent), EchoService.Message("m"));
        await call;
        var headers = await call.ResponseHeadersAsync;
        foreach (var entry in sent)
        {
            headers.Get(entry.Key)!.ValueBytes.ShouldBe(entry.ValueBytes);
            call.GetTrailers().Get("trailing-" + entry.Key)!.ValueBytes.ShouldBe(entry.ValueBytes);
        }
    }

    private static async Task A_deadline_ends_a_call(CallInvoker invoker)
    {
        var options = new CallOptions(new Metadata { { "hang", "1" } }, DateTime.UtcNow.AddSeconds(0.1));
        using var unary = invoker.AsyncUnaryCall(EchoService.Unary, null, options, EchoService.Message(""));
        using var duplex = invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, options);
        (await Should.ThrowAsync<RpcException>(unary.ResponseAsync)).StatusCode.ShouldBe(StatusCode.DeadlineExceeded);
        (await Should.ThrowAsync<RpcException>(duplex.ResponseStream.MoveNext())).StatusCode.ShouldBe(StatusCode.DeadlineExceeded);
        (await Should.ThrowAsync<RpcException>(duplex.RequestStream.WriteAsync(EchoService.Message("")))).StatusCode
            .ShouldBe(StatusCode.DeadlineExceeded);
        using var late = invoker.AsyncUnaryCall(
            EchoService.Unary, null, new CallOptions(deadline: DateTime.UtcNow.AddSeconds(-1)), EchoService.Message(""));
        (await Should.ThrowAsync<RpcException>(late.ResponseAsync)).StatusCode.ShouldBe(StatusCode.DeadlineExceeded);
        using var relaxed = invoker.AsyncUnaryCall(
            EchoService.Unary, null, new CallOptions(deadline: DateTime.UtcNow.AddYears(100)), EchoService.Message("in time"));
        (await relaxed).ShouldBe(EchoService.Message("in time"));
    }

    private static async Task Cancelling_ends_a_call_on_both_sides(CallInvoker invoker, Target target)
    {
        using var source = new CancellationTokenSource();
        var options = new CallOptions(new Metadata { { "hang", "1" } }, cancellationToken: source.Token);
        using var hanging = invoker.AsyncUnaryCall(EchoService.Unary, null, options, EchoService.Message(""));
        using var duplex = invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, new CallOptions(cancellationToken: source.Token));
        await duplex.RequestStream.WriteAsync(EchoService.Message("first"));
        (await duplex.ResponseStream.MoveNext()).ShouldBeTrue();
        var reading = duplex.ResponseStream.MoveNext();
        source.Cancel();
        (await Should.ThrowAsync<RpcException>(hanging.ResponseAsync)).StatusCode.ShouldBe(StatusCode.Cancelled);
        (await Should.ThrowAsync<RpcException>(reading)).StatusCode.ShouldBe(StatusCode.Cancelled);
        await target.CancelledAsync();

        var disposed = invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, default);
        disposed.Dispose();
        (await Should.ThrowAsync<RpcException>(disposed.ResponseStream.MoveNext())).StatusCode.ShouldBe(StatusCode.Cancelled);
        using var already = invoker.AsyncUnaryCall(
            EchoService.Unary, null, new CallOptions(cancellationToken: source.Token), EchoService.Message(""));
        (await Should.ThrowAsync<RpcException>(already.ResponseAsync)).StatusCode.ShouldBe(StatusCode.Cancelled);
    }

    private static async Task Messages_up_to_the_limit_pass(CallInvoker invoker)
    {
        const int Limit = 4 * 1024 * 1024;
        var most = EchoService.Message(Limit - 5);
        most.CalculateSize().ShouldBe(Limit);
        (await invoker.AsyncUnaryCall(EchoService.Unary, null, default, most)).ShouldBe(most);
        using var duplex = invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, default);
        for (var i = 0; i < 2; i++)
        {
            await duplex.RequestStream.WriteAsync(most);
            (await duplex.ResponseStream.MoveNext()).ShouldBeTrue();
            duplex.ResponseStream.Current.ShouldBe(most);
        }
        foreach (var size in (int[])[Limit - 4, 10 * Limit])
        {
            using var over = invoker.AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message(size));
            (await Should.ThrowAsync<RpcException>(over.ResponseAsync)).StatusCode.ShouldBe(StatusCode.ResourceExhausted);
        }
        // Two requests within the limit, one response beyond it.
        using var collect = invoker.AsyncClientStreamingCall(EchoService.Collect, null, default);
        for (var i = 0; i < 2; i++)
            await collect.RequestStream.WriteAsync(EchoService.Message(Limit / 2));
        await collect.RequestStream.CompleteAsync();
        (await Should.ThrowAsync<RpcException>(collect.ResponseAsync)).StatusCode.ShouldBe(StatusCode.ResourceExhausted);
        (await invoker.AsyncUnaryCall(EchoService.Unary, null, default, most)).ShouldBe(most);
    }

    private static async Task Unknown_methods_are_unimplemented(CallInvoker invoker)
    {
        foreach (var method in (Method<BytesValue, BytesValue>[])
            [
                EchoService.Method("Nothing", MethodType.DuplexStreaming),
                new(MethodType.DuplexStreaming, "hem.test.Nobody", "Unary", EchoService.Bytes, EchoService.Bytes),
            ])
        {
            using var unary = invoker.AsyncUnaryCall(method, null, default, EchoService.Message(""));
            (await Should.ThrowAsync<RpcException>(unary.ResponseAsync)).StatusCode.ShouldBe(StatusCode.Unimplemented);
            using var duplex = invoker.AsyncDuplexStreamingCall(method, null, default);
            (await Should.ThrowAsync<RpcException>(duplex.ResponseStream.MoveNext())).StatusCode.ShouldBe(StatusCode.Unimplemented);
        }
    }

    private static async Task A_crashing_handler_is_unknown(CallInvoker invoker)
    {
        using var call = invoker.AsyncUnaryCall(
            EchoService.Unary, null, new CallOptions(new Metadata { { "crash", "the secret" } }), EchoService.Message(""));
        (await Should.ThrowAsync<RpcException>(call.ResponseAsync)).StatusCode.ShouldBe(StatusCode.Unknown);
    }

    private sealed class Target(string address, PythonPeer? python, EchoServer? ours, string folder) : IAsyncDisposable
    {
        public string Address => address;
        public PythonPeer? Python => python;

        public static async Task<Target> StartAsync(Peer peer)
        {
            var folder = Directory.CreateTempSubdirectory("hem-grpc-").FullName;
            if (peer == Peer.OursOnUnixSocket)
            {
                var server = await EchoServer.StartAsync();
                return new Target(server.Unix, null, server, folder);
            }
            var unix = "unix:" + Path.Combine(folder, "s");
            var python = PythonPeer.Start("echo_server.py", peer == Peer.StockOnTcp ? "127.0.0.1:0" : unix);
            var port = (await python.LineAsync("listening"))["listening ".Length..];
            return new Target(peer == Peer.StockOnTcp ? $"http://127.0.0.1:{port}" : unix, python, null, folder);
        }

        /// <summary>A hanging handler has learnt that its call is over.</summary>
        public Task CancelledAsync() => ours?.Observer.Cancelled.Task.WaitAsync(Wait.Limit) ?? python!.LineAsync("cancelled");

        public async ValueTask DisposeAsync()
        {
            if (python is not null)
                await python.DisposeAsync();
            if (ours is not null)
                await ours.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
