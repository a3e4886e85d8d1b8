using Hem.Progress.Grpc;
using Microsoft.AspNetCore.Http.Features;

namespace Progress.Tests.Grpc;

/// <summary>What our client makes of servers and connections that fail below gRPC.</summary>
public class FailureTests
{
    [Theory]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(415, StatusCode.Unknown)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(500, StatusCode.Unknown)]
    [InlineData(502, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(504, StatusCode.Unavailable)]
    public async Task An_http_status_becomes_a_status(int status, StatusCode expected)
    {
        await using var server = await FakeServer.StartAsync(http =>
        {
            http.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        (await FailureAsync(server.Address)).StatusCode.ShouldBe(expected);
    }

    [Theory]
    [InlineData(0x0, StatusCode.Internal)]
    [InlineData(0x1, StatusCode.Internal)]
    [InlineData(0x2, StatusCode.Internal)]
    [InlineData(0x3, StatusCode.Internal)]
    [InlineData(0x4, StatusCode.Internal)]
    [InlineData(0x6, StatusCode.Internal)]
    [InlineData(0x7, StatusCode.Unavailable)]
    [InlineData(0x8, StatusCode.Cancelled)]
    [InlineData(0x9, StatusCode.Internal)]
    [InlineData(0xa, StatusCode.Internal)]
    [InlineData(0xb, StatusCode.ResourceExhausted)]
    [InlineData(0xc, StatusCode.PermissionDenied)]
    public async Task A_reset_stream_becomes_a_status(int error, StatusCode expected)
    {
        foreach (var headersFirst in (bool[])[false, true])
        {
            await using var server = await FakeServer.StartAsync(async http =>
            {
                if (headersFirst)
                {
                    http.Response.ContentType = "application/grpc";
                    await http.Response.Body.WriteAsync(RawGrpc.Frames("one"));
                    await http.Response.Body.FlushAsync();
                }
                http.Features.GetRequiredFeature<IHttpResetFeature>().Reset(error);
            });
            var failure = await FailureAsync(server.Address);
            failure.StatusCode.ShouldBe(expected, $"headers first: {headersFirst}, {failure}");
        }
    }

    [Theory]
    [InlineData(RawHttp2.GoAway, 0x0)]
    [InlineData(RawHttp2.GoAway, 0x2)]
    [InlineData(RawHttp2.GoAway, 0xb)]
    [InlineData(RawHttp2.Data, 0)]
    public async Task A_connection_that_ends_is_unavailable(byte frame, int code)
    {
        await using var server = new RawHttp2Server(async (_, stream) =>
        {
            if (frame == RawHttp2.GoAway)
                await stream.WriteAsync(RawHttp2.Error(RawHttp2.GoAway, 0, 1, code));
        });
        var failure = await FailureAsync(server.Address);
        failure.StatusCode.ShouldBe(StatusCode.Unavailable, failure.ToString());
    }

    [Fact]
    public async Task A_server_that_speaks_no_http2_is_unavailable()
    {
        await using var server = new RawHttp2Server(async (_, stream) => await stream.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray()));
        (await FailureAsync(server.Address)).StatusCode.ShouldBe(StatusCode.Unavailable);
    }

    [Fact]
    public async Task A_call_that_a_leaving_server_has_not_taken_goes_to_its_successor()
    {
        // The first connection says that it is leaving and has processed nothing; the second answers.
        await using var server = new RawHttp2Server(async (connection, stream) =>
        {
            if (connection == 1)
            {
                await stream.WriteAsync(RawHttp2.Error(RawHttp2.GoAway, 0, 0, 0));
                return;
            }
            await stream.WriteAsync(RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders | RawHttp2.EndStream, 1, RawHttp2.HeaderBlock(
                (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "5"), ("grpc-message", "found%20you"))));
            while (await RawHttp2.ReadFrameAsync(stream) is not null)
            {
            }
        });
        using var channel = GrpcChannel.ForAddress(server.Address);
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(EchoService.Duplex, null, default);
        var failure = await Should.ThrowAsync<RpcException>(call.ResponseStream.MoveNext().WaitAsync(Wait.Limit));
        (failure.StatusCode, failure.Status.Detail).ShouldBe((StatusCode.NotFound, "found you"));
        server.Connections.ShouldBe(2);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("unix:/nowhere/at/all")]
    public async Task Nobody_there_is_unavailable(string address) =>
        (await FailureAsync(address)).StatusCode.ShouldBe(StatusCode.Unavailable);

    [Theory]
    [InlineData("")]
    [InlineData("unix:")]
    [InlineData("unix://host/path")]
    [InlineData("ftp://x")]
    [InlineData("localhost:50051")]
    public void Other_addresses_are_refused(string address) => Should.Throw<ArgumentException>(() => GrpcChannel.ForAddress(address));

    [Theory]
    [InlineData(null, StatusCode.Unknown)]
    [InlineData("", StatusCode.Unknown)]
    [InlineData("fine", StatusCode.Unknown)]
    [InlineData("7", StatusCode.PermissionDenied)]
    public async Task The_status_is_in_the_trailers(string? status, StatusCode expected)
    {
        await using var server = await FakeServer.StartAsync(async http =>
        {
            http.Response.ContentType = "application/grpc";
            await http.Response.Body.WriteAsync(RawGrpc.Frames("one"));
            if (status is not null)
                FakeServer.Trailers(http)["grpc-status"] = status;
        });
        (await FailureAsync(server.Address)).StatusCode.ShouldBe(expected);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_unary_answer_of_other_than_one_message_is_unimplemented(int messages)
    {
        await using var server = await FakeServer.StartAsync(async http =>
        {
            http.Response.ContentType = "application/grpc";
            await http.Response.Body.WriteAsync(RawGrpc.Frames(Enumerable.Repeat("m", messages)));
            FakeServer.Trailers(http)["grpc-status"] = "0";
        });
        using var channel = GrpcChannel.ForAddress(server.Address);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message(""));
        (await Should.ThrowAsync<RpcException>(call.ResponseAsync)).StatusCode.ShouldBe(StatusCode.Unimplemented);
        call.GetStatus().StatusCode.ShouldBe(StatusCode.Unimplemented);
    }

    [Fact]
    public async Task A_web_page_is_no_answer()
    {
        await using var server = await FakeServer.StartAsync(http =>
        {
            http.Response.ContentType = "text/html";
            return http.Response.Body.WriteAsync("<html>"u8.ToArray()).AsTask();
        });
        var failure = await FailureAsync(server.Address);
        failure.StatusCode.ShouldBe(StatusCode.Unknown);
        failure.Status.Detail.ShouldContain("text/html");
    }

    [Fact]
    public async Task A_message_beyond_the_clients_own_limit_is_not_sent()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Unix, new GrpcChannelOptions { MaxSendMessageSize = 100 });
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(EchoService.Duplex, null, default);
        (await Should.ThrowAsync<RpcException>(call.RequestStream.WriteAsync(EchoService.Message(1000)))).StatusCode
            .ShouldBe(StatusCode.ResourceExhausted);
        // The stream is whole still.
        await call.RequestStream.WriteAsync(EchoService.Message("small"));
        await call.RequestStream.CompleteAsync();
        (await call.ResponseStream.ReadAllAsync().ToListAsync()).ShouldBe([EchoService.Message("small")]);
        using var unary = channel.CreateCallInvoker().AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message(1000));
        (await Should.ThrowAsync<RpcException>(unary.ResponseAsync)).StatusCode.ShouldBe(StatusCode.ResourceExhausted);
    }

    [Fact]
    public async Task Disposing_the_channel_cancels_its_calls()
    {
        await using var server = await EchoServer.StartAsync();
        var channel = GrpcChannel.ForAddress(server.Unix);
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(
            EchoService.Duplex, null, new CallOptions(new Metadata { { "hang", "1" } }));
        var reading = call.ResponseStream.MoveNext();
        channel.Dispose();
        (await Should.ThrowAsync<RpcException>(reading)).StatusCode.ShouldBe(StatusCode.Cancelled);
    }

    private static async Task<RpcException> FailureAsync(string address)
    {
        using var channel = GrpcChannel.ForAddress(address);
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(EchoService.Duplex, null, default);
        return await Should.ThrowAsync<RpcException>(ReadAsync().WaitAsync(Wait.Limit));

        async Task ReadAsync()
        {
            while (await call.ResponseStream.MoveNext())
            {
            }
        }
    }
}
