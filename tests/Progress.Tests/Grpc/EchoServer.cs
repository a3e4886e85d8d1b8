using System.Net;
using Hem.Progress.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Progress.Tests.Grpc;

/// <summary>Our server, on a TCP port and a unix socket at once.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _folder;
    private readonly ICollection<string> _addresses;

    private EchoServer(WebApplication app, string folder, EchoObserver observer, TestLog log)
    {
        (_app, _folder, Observer, Log) = (app, folder, observer, log);
        _addresses = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
    }

    public EchoObserver Observer { get; }
    public TestLog Log { get; }
    public int Port => new Uri(Tcp).Port;
    public string Tcp => _addresses.First(address => address.StartsWith("http://127", StringComparison.Ordinal));
    public string Tls => _addresses.First(address => address.StartsWith("https://", StringComparison.Ordinal))
        .Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
    public string Unix => "unix:" + Path.Combine(_folder, "s");

    public static async Task<EchoServer> StartAsync(
        Action<GrpcServiceOptions>? options = null, ServerServiceDefinition? more = null, Action<KestrelServerOptions>? kestrel = null)
    {
        var folder = Directory.CreateTempSubdirectory("hem-grpc-").FullName;
        var observer = new EchoObserver();
        var log = new TestLog();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.ConfigureForGrpc();
            server.Listen(IPAddress.Loopback, 0);
            server.ListenUnixSocket(Path.Combine(folder, "s"));
            kestrel?.Invoke(server);
        });
        builder.Services.AddGrpc(options);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromHours(1));
        var app = builder.Build();
        app.MapGrpcService(EchoService.Definition(observer));
        if (more is not null)
            app.MapGrpcService(more);
        await app.StartAsync();
        return new EchoServer(app, folder, observer, log);
    }

    public string Address(bool unix) => unix ? Unix : Tcp;

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>What the server logged.</summary>
internal sealed class TestLog : ILoggerProvider, ILogger
{
    public System.Collections.Concurrent.ConcurrentQueue<(LogLevel Level, string Message, Exception? Exception)> Entries { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            Entries.Enqueue((logLevel, formatter(state, exception), exception));
    }
    public void Dispose()
    {
    }
}
