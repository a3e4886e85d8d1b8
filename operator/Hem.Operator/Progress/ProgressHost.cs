using System.Net;
using Hem.Operator.Metrics;
using Hem.Progress;
using Hem.Progress.Grpc;
using Microsoft.Extensions.Logging;

namespace Hem.Operator.Progress;

/// <summary>What the leader serves to trainers: the progress service over TLS, until disposed.</summary>
internal sealed class ProgressHost : IAsyncDisposable
{
    private readonly ProgressServer _server;

    private ProgressHost(ProgressService service, ProgressServer server) => (Service, _server) = (service, server);

    /// <summary>Stops, saves and ends attempts. (An attempt here is a pod: see <see cref="Trials.IPodLookup"/>.)</summary>
    public ProgressService Service { get; }

    /// <summary><c>https://host:port</c> as listened on.</summary>
    public string Address => _server.Address;

    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<ProgressHost> StartAsync(
        IPEndPoint listen, IProgressAuthority authority, IReportSink sink, ICheckpointStore checkpoints, CertificateAuthority certificates,
        OperatorMetrics metrics, ILoggerFactory loggers, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        time ??= TimeProvider.System;
        var service = new ProgressService(
            authority, new MeteredSink(sink, metrics, time), checkpoints, time, loggers.CreateLogger<ProgressService>());
        service.Stored += (_, reports) => Count(metrics, reports);
        service.Rejected += (method, code) => metrics.CallRejected(method, code.ToString());
        service.Connected += (_, _) => metrics.StreamOpened();
        service.Disconnected += _ => metrics.StreamClosed();
        var server = await ProgressServer.StartAsync(service, new ProgressServerOptions
        {
            Tcp = listen,
            CertificateSelector = certificates.Serving,
            Time = time,
            Logging = new ForwardingLoggerProvider(loggers),
        }, cancellationToken).ConfigureAwait(false);
        return new ProgressHost(service, server);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static void Count(OperatorMetrics metrics, IReadOnlyList<TrainerMessage> reports)
    {
        foreach (var kind in reports.GroupBy(report => report.ReportCase))
            metrics.ReportsStored(kind.Key.ToString(), kind.Count());
    }

    /// <summary>Measures how long reports take to be stored.</summary>
    private sealed class MeteredSink(IReportSink sink, OperatorMetrics metrics, TimeProvider time) : IReportSink
    {
        public ValueTask<ulong> AcknowledgedUpToAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default) =>
            sink.AcknowledgedUpToAsync(attempt, cancellationToken);

        public async Task StoreAsync(
            AttemptIdentity attempt, IReadOnlyList<TrainerMessage> reports, CancellationToken cancellationToken = default)
        {
            var since = time.GetTimestamp();
            await sink.StoreAsync(attempt, reports, cancellationToken).ConfigureAwait(false);
            metrics.StoreTook(time.GetElapsedTime(since));
        }
    }

    /// <summary>The program's logging, for a server that has its own container of services.</summary>
    private sealed class ForwardingLoggerProvider(ILoggerFactory loggers) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => loggers.CreateLogger(categoryName);

        public void Dispose()
        {
            // The factory is the program's.
        }
    }
}
