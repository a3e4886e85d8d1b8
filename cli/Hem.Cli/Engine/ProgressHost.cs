using Hem.Progress;

namespace Hem.Cli.Engine;

/// <summary>A run's server of the progress protocol, on a unix socket that trainers find again when we were killed and come back.</summary>
internal sealed class ProgressHost : IAsyncDisposable
{
    private readonly ProgressService _service;
    private readonly ProgressServer _server;

    private ProgressHost(ProgressService service, ProgressServer server) => (_service, _server) = (service, server);

    public string Address => _server.Address;

    /// <param name="stored">Is told, on any thread, of reports that are stored.</param>
    /// <exception cref="HemException">The socket cannot be listened on.</exception>
    public static async Task<ProgressHost> StartAsync(
        StoreLayout layout, AttemptRegistry registry, IReportSink sink, Action<AttemptIdentity, IReadOnlyList<TrainerMessage>> stored)
    {
        string socket = layout.SocketPath(Environment.GetEnvironmentVariable);
        var service = new ProgressService(registry, sink);
        service.Stored += stored;
        try
        {
            layout.PrepareSocketFolder(socket);
            return new ProgressHost(service, await ProgressServer.StartAsync(service, new ProgressServerOptions { UnixSocket = socket }));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
        {
            throw new HemException(ExitCodes.Unavailable, $"cannot listen on {socket}: {e.Message}");
        }
    }

    /// <summary>Asks the attempt to save and leave, as soon as it is connected.</summary>
    public void Stop(AttemptIdentity attempt, string reason) => _service.Stop(attempt, reason);

    /// <summary>The attempt's process is gone: completes when what it reported is stored and its grant is free.</summary>
    public Task EndAsync(AttemptIdentity attempt) => _service.EndAsync(attempt);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
