using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf.WellKnownTypes;
using Hem.Progress.Grpc;
using Microsoft.AspNetCore.Hosting;

namespace Progress.Tests.Grpc;

/// <summary>Back-pressure, limits, stopping, TLS: our client and our server.</summary>
public class LimitTests
{
    [Fact]
    public async Task A_slow_reader_holds_back_a_handler_that_awaits_and_gets_everything()
    {
        var written = 0;
        await using var server = await EchoServer.StartAsync(more: Pushing(async (request, responses, context) =>
        {
            while (written < 20_000)
            {
                await responses.WriteAsync(request);
                written++;
            }
        }));
        using var channel = GrpcChannel.ForAddress(server.Unix);
        var invoker = channel.CreateCallInvoker();
        using var call = invoker.AsyncServerStreamingCall(FloodService.Flood, null, default, EchoService.Message(1000));
        await call.ResponseHeadersAsync;
        await TimePassesAsync(invoker);
        written.ShouldBeInRange(1, 5000);
        (await call.ResponseStream.ReadAllAsync().CountAsync()).ShouldBe(20_000);
    }

    [Fact]
    public async Task Messages_within_the_queue_arrive_though_nobody_awaited_them()
    {
        await using var server = await EchoServer.StartAsync(more: FloodService.Definition);
        using var channel = GrpcChannel.ForAddress(server.Unix);
        using var call = channel.CreateCallInvoker().AsyncServerStreamingCall(
            FloodService.Flood, null, new CallOptions(new Metadata { { "count", "1000" } }), EchoService.Message(10_000));
        await call.ResponseHeadersAsync;
        (await call.ResponseStream.ReadAllAsync().CountAsync()).ShouldBe(1000);
        call.GetStatus().StatusCode.ShouldBe(StatusCode.OK);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_off_when_more_than_the_limit_wait()
    {
        var written = 0L;
        var queued = new TaskCompletionSource<RpcException>();
        await using var server = await EchoServer.StartAsync(more: Pushing(async (request, responses, context) =>
        {
            // A write that waits means that the transport is full; from there on they are counted.
            while (responses.WriteAsync(request).IsCompleted)
            {
            }
            Task last;
            for (last = Task.CompletedTask; !last.IsFaulted; written++)
                last = responses.WriteAsync(request);
            context.CancellationToken.IsCancellationRequested.ShouldBeTrue();
            queued.SetResult(await Should.ThrowAsync<RpcException>(last));
        }));
        using var channel = GrpcChannel.ForAddress(server.Unix);
        using var call = channel.CreateCallInvoker().AsyncServerStreamingCall(
            FloodService.Flood, null, default, EchoService.Message(100_000));
        (await queued.Task.WaitAsync(Wait.Limit)).StatusCode.ShouldBe(StatusCode.ResourceExhausted);
        written.ShouldBe(1001);
        (await Should.ThrowAsync<RpcException>(() => call.ResponseStream.ReadAllAsync().CountAsync().AsTask())).StatusCode
            .ShouldBe(StatusCode.ResourceExhausted);
    }

    [Fact]
    public async Task Several_writers_of_one_stream_do_not_mix_their_messages()
    {
        await using var server = await EchoServer.StartAsync(more: Pushing((_, responses, _) => Task.WhenAll(
            Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
            {
                for (var i = 0; i < 2000; i++)
                    await responses.WriteAsync(EchoService.Message($"{writer}:{i}"));
            })))));
        using var channel = GrpcChannel.ForAddress(server.Unix);
        using var call = channel.CreateCallInvoker().AsyncServerStreamingCall(FloodService.Flood, null, default, EchoService.Message(""));
        var messages = await call.ResponseStream.ReadAllAsync().Select(message => message.Value.ToStringUtf8()).ToListAsync();
        foreach (var writer in messages.GroupBy(message => message[0]))
            writer.ShouldBe(Enumerable.Range(0, 2000).Select(i => $"{writer.Key}:{i}"));
        messages.Count.ShouldBe(8000);
    }

    [Fact]
    public async Task A_server_that_does_not_read_holds_back_the_client()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Unix);
        var invoker = channel.CreateCallInvoker();
        using var call = invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, new CallOptions(new Metadata { { "hang", "1" } }));
        var message = EchoService.Message(100_000);
        Task write;
        var written = 0;
        do
        {
            write = call.RequestStream.WriteAsync(message);
            await Task.WhenAny(write, TimePassesAsync(invoker));
        }
        while (write.IsCompleted && ++written < 1000);
        // A window of 768 KiB and our own buffers took what they could; the last write waits for good.
        written.ShouldBeLessThan(100);
        call.Dispose();
        (await Should.ThrowAsync<RpcException>(write.WaitAsync(Wait.Limit))).StatusCode.ShouldBe(StatusCode.Cancelled);
    }

    [Fact]
    public async Task Early_failure_of_a_call_reaches_a_client_that_is_still_writing()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Unix);
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(
            EchoService.Duplex, null, new CallOptions(new Metadata { { "fail", "9" } }));
        var writing = Task.Run(async () =>
        {
            while (true)
                await call.RequestStream.WriteAsync(EchoService.Message("more"));
        });
        (await Should.ThrowAsync<RpcException>(call.ResponseStream.MoveNext().WaitAsync(Wait.Limit))).StatusCode
            .ShouldBe(StatusCode.FailedPrecondition);
        await Should.ThrowAsync<RpcException>(writing.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task Calls_beyond_64_on_a_connection_wait_for_their_turn()
    {
        // The server may be slow to see that a call is over: the next one is to wait for that as long as it takes.
        await using var server = await EchoServer.StartAsync(options => options.PeerPatience = Wait.Limit);
        using var channel = GrpcChannel.ForAddress(server.Unix);
        var invoker = channel.CreateCallInvoker();
        var open = Enumerable.Range(0, 64).Select(_ => invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, default)).ToList();
        foreach (var call in open)
        {
            await call.RequestStream.WriteAsync(EchoService.Message("open"));
            (await call.ResponseStream.MoveNext()).ShouldBeTrue();
        }
        using var next = invoker.AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message("next"));
        using var other = GrpcChannel.ForAddress(server.Unix);
        await other.CreateCallInvoker().ShouldEchoAsync("other");
        next.ResponseAsync.IsCompleted.ShouldBeFalse();
        open[17].Dispose();
        (await next.ResponseAsync.WaitAsync(Wait.Limit)).ShouldBe(EchoService.Message("next"));
        server.Observer.Contexts.Count.ShouldBe(66);
        open.ForEach(call => call.Dispose());
    }

    [Fact]
    public async Task A_peer_is_refused_beyond_its_limit_on_whatever_connection()
    {
        await using var server = await EchoServer.StartAsync(options => options.MaxStreamsPerPeer = 2);
        var mine = new CallOptions(new Metadata { { "authorization", "Bearer me" } });
        var yours = new CallOptions(new Metadata { { "authorization", "Bearer you" } });
        using var first = GrpcChannel.ForAddress(server.Unix);
        using var second = GrpcChannel.ForAddress(server.Tcp);
        var held = new List<IDisposable>();
        foreach (var channel in (GrpcChannel[])[first, second])
        {
            var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(EchoService.Duplex, null, mine);
            await call.RequestStream.WriteAsync(EchoService.Message("open"));
            (await call.ResponseStream.MoveNext()).ShouldBeTrue();
            held.Add(call);
        }
        using var third = second.CreateCallInvoker().AsyncUnaryCall(EchoService.Unary, null, mine, EchoService.Message(""));
        (await Should.ThrowAsync<RpcException>(third.ResponseAsync)).StatusCode.ShouldBe(StatusCode.ResourceExhausted);
        await second.CreateCallInvoker().AsyncUnaryCall(EchoService.Unary, null, yours, EchoService.Message(""));
        held.ForEach(call => call.Dispose());
    }

    [Fact]
    public async Task A_stopping_server_ends_its_calls_as_unavailable()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Unix);
        var invoker = channel.CreateCallInvoker();
        using var call = invoker.AsyncDuplexStreamingCall(EchoService.Duplex, null, default);
        await call.RequestStream.WriteAsync(EchoService.Message("open"));
        (await call.ResponseStream.MoveNext()).ShouldBeTrue();
        // The host itself would wait for its connections, for longer than this.
        await server.StopAsync().WaitAsync(Wait.Limit);
        (await Should.ThrowAsync<RpcException>(call.ResponseStream.MoveNext())).StatusCode.ShouldBe(StatusCode.Unavailable);
        using var next = invoker.AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message(""));
        (await Should.ThrowAsync<RpcException>(next.ResponseAsync)).StatusCode.ShouldBe(StatusCode.Unavailable);
    }

    [Fact]
    public async Task A_channel_reaches_the_next_server_at_the_same_address()
    {
        var first = await EchoServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(first.Tcp);
        var invoker = channel.CreateCallInvoker();
        await invoker.AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message("first"));
        var port = first.Port;
        await first.DisposeAsync();
        await using var second = await EchoServer.StartAsync(kestrel: server => server.Listen(IPAddress.Loopback, port));
        await invoker.ShouldEchoAsync("second");
    }

    [Fact]
    public async Task The_handler_knows_its_call()
    {
        await using var server = await EchoServer.StartAsync();
        using var tcp = GrpcChannel.ForAddress(server.Tcp);
        using var unix = GrpcChannel.ForAddress(server.Unix);
        var deadline = DateTime.UtcNow.AddMinutes(5);
        var options = new CallOptions(new Metadata { { "authorization", "Bearer t" } }, deadline);
        await tcp.CreateCallInvoker().AsyncUnaryCall(EchoService.Unary, "some.host", options, EchoService.Message(""));
        await unix.CreateCallInvoker().AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message(""));
        server.Observer.Contexts.TryDequeue(out var context).ShouldBeTrue();
        context!.Method.ShouldBe("/hem.test.Echo/Unary");
        context.Host.ShouldBe("some.host");
        context.Peer.ShouldStartWith("ipv4:127.0.0.1:");
        context.Deadline.ShouldBe(deadline, TimeSpan.FromSeconds(30));
        context.RequestHeaders.GetValue("authorization").ShouldBe("Bearer t");
        context.RequestHeaders.GetValue("user-agent")!.ShouldStartWith("grpc-dotnet-hem/");
        context.RequestHeaders.ShouldNotContain(entry => entry.Key == "grpc-timeout" || entry.Key == "te");
        server.Observer.Contexts.TryDequeue(out context).ShouldBeTrue();
        context!.Peer.ShouldBe("unix:");
        context.Deadline.ShouldBe(DateTime.MaxValue);
    }

    [Fact]
    public async Task Tls_trusts_the_given_authority_and_no_other()
    {
        using var authority = TestAuthority.Create("Hem test authority");
        using var other = TestAuthority.Create("Another authority");
        using var certificate = TestAuthority.Issue(authority, "localhost");
        await using var server = await EchoServer.StartAsync(
            kestrel: kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var address = server.Tls;
        using var trusting = GrpcChannel.ForAddress(address, new GrpcChannelOptions { RootCertificates = [authority] });
        await trusting.CreateCallInvoker().ShouldEchoAsync("safe");

        foreach (var options in (GrpcChannelOptions[])[new(), new() { RootCertificates = [other] }])
        {
            using var wary = GrpcChannel.ForAddress(address, options);
            using var call = wary.CreateCallInvoker().AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message(""));
            (await Should.ThrowAsync<RpcException>(call.ResponseAsync)).StatusCode.ShouldBe(StatusCode.Unavailable);
        }

        var pem = Path.GetTempFileName();
        await File.WriteAllTextAsync(pem, authority.ExportCertificatePem());
        await using var stock = PythonPeer.Start("echo_client.py", $"localhost:{new Uri(address).Port}", "--ca", pem, "every_kind_of_call");
        (await stock.ExitAsync()).ShouldBe(0, stock.Output);
        File.Delete(pem);
    }

    private static ServerServiceDefinition Pushing(ServerStreamingServerMethod<BytesValue, BytesValue> handler) =>
        ServerServiceDefinition.CreateBuilder().AddMethod(FloodService.Flood, handler).Build();

    /// <summary>Enough round trips on the same connection that whatever could move has moved.</summary>
    private static async Task TimePassesAsync(CallInvoker invoker)
    {
        for (var i = 0; i < 50; i++)
            await invoker.AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message("tick"));
    }
}

internal static class TestAuthority
{
    public static X509Certificate2 Create(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    public static X509Certificate2 Issue(X509Certificate2 authority, string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3]);
        return certificate.CopyWithPrivateKey(key);
    }
}
