using System.Globalization;
using Hem.Progress.Grpc;

namespace Progress.Tests.Grpc;

/// <summary>Stock gRPC as the client of our server.</summary>
public class StockClientTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stock_client_finds_our_server_conforming(bool unix)
    {
        await using var server = await EchoServer.StartAsync(more: FloodService.Definition);
        await using var client = unix
            ? PythonPeer.Start("echo_client.py", server.Unix, "--quick")
            : PythonPeer.Start("echo_client.py", $"127.0.0.1:{server.Port}");
        var code = await client.ExitAsync();
        output.WriteLine(client.Output);
        code.ShouldBe(0, client.Output);
        client.Output.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)).ShouldBeGreaterThanOrEqualTo(15);
        await server.Observer.Cancelled.Task.WaitAsync(Wait.Limit);
        server.Log.Entries.ShouldContain(entry => entry.Exception is InvalidOperationException && entry.Exception.Message == "the secret");
        server.Log.Entries.ShouldContain(entry => entry.Message.StartsWith("Cut off /hem.test.Echo/Flood", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stock_client_killed_in_the_middle_ends_its_call(bool unix)
    {
        await using var server = await EchoServer.StartAsync();
        await using var client = PythonPeer.Start("echo_client.py", unix ? server.Unix : $"127.0.0.1:{server.Port}", "hold");
        await client.LineAsync("streaming");
        server.Observer.Contexts.TryDequeue(out var context).ShouldBeTrue();
        var ended = new TaskCompletionSource();
        using var registration = context!.CancellationToken.Register(ended.SetResult);
        context.CancellationToken.IsCancellationRequested.ShouldBeFalse();

        client.Kill();

        await ended.Task.WaitAsync(Wait.Limit);
        using var channel = GrpcChannel.ForAddress(server.Address(unix));
        await channel.CreateCallInvoker().ShouldEchoAsync("alive");
        server.Log.Entries.ShouldBeEmpty();
    }

    [Fact]
    public async Task Stock_client_sees_a_stopping_server_as_unavailable()
    {
        await using var server = await EchoServer.StartAsync();
        await using var client = PythonPeer.Start("echo_client.py", server.Unix, "hold");
        await client.LineAsync("streaming");
        await server.StopAsync().WaitAsync(Wait.Limit);
        (await client.LineAsync("UNAVAILABLE")).ShouldBe("UNAVAILABLE");
    }
}

/// <summary>Pushes messages at a client without waiting for it.</summary>
internal static class FloodService
{
    public static readonly Method<Google.Protobuf.WellKnownTypes.BytesValue, Google.Protobuf.WellKnownTypes.BytesValue> Flood =
        EchoService.Method("Flood", MethodType.ServerStreaming);

    /// <summary>As many as the metadata `count` says, or without end; awaited one by one where it says `await`.</summary>
    public static readonly ServerServiceDefinition Definition = ServerServiceDefinition.CreateBuilder()
        .AddMethod(Flood, async (request, responses, context) =>
        {
            var count = long.Parse(context.RequestHeaders.GetValue("count") ?? $"{long.MaxValue}", CultureInfo.InvariantCulture);
            var last = Task.CompletedTask;
            for (var i = 0L; i < count && !last.IsFaulted; i++)
            {
                last = responses.WriteAsync(request);
                if (context.RequestHeaders.GetValue("await") is not null)
                    await last;
            }
            await last;
        })
        .Build();
}
