using Google.Protobuf.WellKnownTypes;
using Hem.Progress.Grpc;
using Status = Hem.Progress.Grpc.Status;

namespace Progress.Tests.Grpc;

public class CallTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_kind_of_call_works(bool unix)
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Address(unix));
        var invoker = channel.CreateCallInvoker();

        (await invoker.AsyncUnaryCall(EchoService.Unary, null, default, EchoService.Message("hello"))).ShouldBe(EchoService.Message("hello"));

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
        await duplex.RequestStream.CompleteAsync();
        (await duplex.ResponseStream.MoveNext()).ShouldBeFalse();
        duplex.GetStatus().StatusCode.ShouldBe(StatusCode.OK);
    }
}
