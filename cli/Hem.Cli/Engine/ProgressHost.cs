using Hem.Progress;

namespace Hem.Cli.Engine;

internal sealed class ProgressHost : IAsyncDisposable
{
    public string Address { get; } = "";
    public static Task<ProgressHost> StartAsync(StoreLayout layout, AttemptRegistry registry, IReportSink sink) => throw new NotSupportedException();
    public void Stop(AttemptIdentity attempt, string reason) { }
    public Task EndAsync(AttemptIdentity attempt) => Task.CompletedTask;
    public ValueTask DisposeAsync() => default;
}
