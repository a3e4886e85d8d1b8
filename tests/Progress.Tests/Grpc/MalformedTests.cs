using System.Net;
using System.Net.Sockets;
using Hem.Progress.Grpc;
using Microsoft.Extensions.Logging;

namespace Progress.Tests.Grpc;

public class MalformedTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_thousand_broken_requests_are_answered_as_specified_and_harm_nobody()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Unix);
        var healthy = channel.CreateCallInvoker();
        using var raw = new RawGrpc(server.Tcp);
        var good = RawGrpc.Frames("one", "two", "three");
        var random = new Random(20261122);
        var seen = new Dictionary<StatusCode, int>();
        for (var round = 0; round < 1000; round++)
        {
            var body = RawGrpc.Mutate(good, random);
            var expected = RawGrpc.Verdict(body);

            var (code, _, messages, _) = await raw.PostAsync("/hem.test.Echo/Duplex", body);

            (code, messages).ShouldBe((expected.Code, expected.Messages), $"round {round}: {Convert.ToHexString(body)}");
            seen[expected.Code] = seen.GetValueOrDefault(expected.Code) + 1;
            await healthy.ShouldEchoAsync("well");
        }
        output.WriteLine(string.Join(", ", seen));
        seen[StatusCode.Internal].ShouldBeGreaterThan(300);
        seen[StatusCode.ResourceExhausted].ShouldBeGreaterThan(100);
        server.Log.Entries.ShouldBeEmpty();
    }

    [Fact]
    public async Task Broken_http2_harms_nobody()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Unix);
        var healthy = channel.CreateCallInvoker();
        var good = RawHttp2.Request(RawGrpc.Frames("one", "two"));
        var random = new Random(9113);
        for (var round = 0; round < 300; round++)
        {
            byte[] bytes = [.. good];
            switch (round % 4)
            {
                case 0:
                    bytes = bytes[..random.Next(1, bytes.Length)];
                    break;
                case 1:
                    for (var flips = random.Next(1, 10); flips > 0; flips--)
                        bytes[random.Next(RawHttp2.Preface.Length, bytes.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    random.NextBytes(bytes.AsSpan(random.Next(RawHttp2.Preface.Length, bytes.Length)));
                    break;
                default:
                    random.NextBytes(bytes);
                    break;
            }
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, server.Port);
            using var timeout = new CancellationTokenSource(Wait.Limit);
            try
            {
                await socket.SendAsync(bytes, timeout.Token);
                socket.Shutdown(SocketShutdown.Send);
                while (await socket.ReceiveAsync(new byte[4096], timeout.Token) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // Closing the connection is an answer.
            }
            await healthy.ShouldEchoAsync("well");
        }
        server.Log.Entries.ShouldNotContain(entry => entry.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task A_thousand_broken_responses_fail_the_call_as_specified()
    {
        byte[] body = [];
        await using var server = await FakeServer.StartAsync(async http =>
        {
            // An answer before the end of the request keeps the stream counted for seconds.
            await http.Request.Body.CopyToAsync(Stream.Null);
            http.Response.ContentType = "application/grpc";
            await http.Response.Body.WriteAsync(body);
            FakeServer.Trailers(http)["grpc-status"] = "0";
        });
        using var channel = GrpcChannel.ForAddress(server.Address);
        var invoker = channel.CreateCallInvoker();
        var good = RawGrpc.Frames("one", "two", "three");
        var random = new Random(1122);
        for (var round = 0; round < 1000; round++)
        {
            body = RawGrpc.Mutate(good, random);
            var expected = RawGrpc.Verdict(body);

            using var call = invoker.AsyncServerStreamingCall(EchoService.Repeat, null, default, EchoService.Message("x"));
            var messages = 0;
            var code = StatusCode.OK;
            try
            {
                while (await call.ResponseStream.MoveNext())
                    messages++;
            }
            catch (RpcException e)
            {
                code = e.StatusCode;
            }

            (code, messages).ShouldBe((expected.Code, expected.Messages), $"round {round}: {Convert.ToHexString(body)}");
            call.GetStatus().StatusCode.ShouldBe(code);
        }
    }

    [Theory]
    [InlineData(null, StatusCode.Internal)]
    [InlineData("identity", StatusCode.Internal)]
    [InlineData("gzip", StatusCode.Unimplemented)]
    [InlineData("nonsense", StatusCode.Unimplemented)]
    public async Task A_compressed_message_is_refused_by_what_the_call_announced(string? encoding, StatusCode expected)
    {
        await using var server = await EchoServer.StartAsync();
        using var raw = new RawGrpc(server.Tcp);
        var (code, _, _, http) = await raw.PostAsync("/hem.test.Echo/Unary", RawGrpc.Frame([1, 2, 3], flag: 1), headers: headers =>
        {
            if (encoding is not null)
                headers.Add("grpc-encoding", encoding);
        });
        code.ShouldBe(expected);
        http.Headers.GetValues("grpc-accept-encoding").ShouldBe(["identity"]);
    }

    [Theory]
    [InlineData("application/grpc", 200)]
    [InlineData("application/grpc+proto", 200)]
    [InlineData("application/grpc;charset=utf-8", 200)]
    [InlineData("application/grpc-web", 415)]
    [InlineData("application/json", 415)]
    [InlineData("", 415)]
    public async Task Only_grpc_content_types_are_taken(string contentType, int expected)
    {
        await using var server = await EchoServer.StartAsync();
        using var raw = new RawGrpc(server.Tcp);
        foreach (var path in (string[])["/hem.test.Echo/Unary", "/hem.test.Echo/Nothing"])
            ((int)(await raw.PostAsync(path, RawGrpc.Frames("m"), contentType)).Http.StatusCode).ShouldBe(expected);
    }

    [Theory]
    [InlineData("50m", StatusCode.DeadlineExceeded)]
    [InlineData("0n", StatusCode.DeadlineExceeded)]
    [InlineData("1", StatusCode.Internal)]
    [InlineData("m", StatusCode.Internal)]
    [InlineData("-1S", StatusCode.Internal)]
    [InlineData("1x", StatusCode.Internal)]
    [InlineData("123456789m", StatusCode.Internal)]
    public async Task The_server_keeps_the_clients_deadline_itself(string timeout, StatusCode expected)
    {
        await using var server = await EchoServer.StartAsync();
        using var raw = new RawGrpc(server.Tcp);
        var (code, _, _, _) = await raw.PostAsync("/hem.test.Echo/Unary", RawGrpc.Frames("m"), headers: headers =>
        {
            headers.Add("grpc-timeout", timeout);
            headers.Add("hang", "1");
        });
        code.ShouldBe(expected);
    }
}
