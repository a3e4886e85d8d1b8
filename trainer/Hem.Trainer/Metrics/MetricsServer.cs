using Hem.Core.Sweeps;
using Hem.Metrics;
using Hem.Metrics.Prometheus;
using Hem.Progress;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Trials;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Hem.Trainer.Metrics;

/// <summary>
/// Serves what the trainer measures, and sends it to where the OTLP variables say. A trainer that is not asked to touches nothing of this,
/// so that nothing of it is loaded.
/// </summary>
internal sealed class MetricsServer : IDisposable
{
    /// <summary>The parameters are the labels of one series; a metric has as many as the pod has GPUs.</summary>
    private const int SeriesPerMetric = 100;

    /// <summary>What a collector that does not answer may take of the time in which a trainer is to leave.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly TrainerMetrics metrics;
    private readonly ProcessMetrics process = new(TrainerProgram.Program, TrainerProgram.Version);
    private readonly MetricsPipeline pipeline;
    private WebApplication? server;

    private MetricsServer(TrialDocument trial, ProgressClient progress)
    {
        metrics = new TrainerMetrics(trial, progress);
        pipeline = new MetricsPipeline(
            TrainerProgram.Program, TrainerProgram.Version, SeriesPerMetric, [TrainerMetrics.MeterName, ProcessMetrics.MeterName],
            [new("hem.sweep", trial.Sweep), new("hem.trial", trial.Name)]);
    }

    /// <param name="trial">What is trained.</param>
    /// <param name="port">Where to serve, of all addresses; 0: a free one, which the log tells; null: nowhere.</param>
    /// <param name="progress">The trainer's end of the progress protocol.</param>
    /// <param name="log">Where it is said if the port cannot be had, or whatever else is wrong: no reason not to train.</param>
    public static MetricsServer? Start(TrialDocument trial, int? port, ProgressClient progress, Log log)
    {
        MetricsServer? started = null;
        try
        {
            started = new MetricsServer(trial, progress);
            if (port is { } wanted)
            {
                started.ListenAsync(wanted).GetAwaiter().GetResult();
                log.Line($"metrics are served at {started.server!.Urls.First()}/metrics");
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            log.Line($"metrics are not served: {e.Message}");
        }

        return started;
    }

    /// <summary>The attempt holds the trial from now on.</summary>
    public void Observe(IAlgorithm algorithm, TrialRun run) => metrics.Observe(algorithm, run);

    public void Dispose()
    {
        // What was measured last goes to the collector, if it takes it.
        Task ended = Task.WhenAll(server?.DisposeAsync().AsTask() ?? Task.CompletedTask, Task.Run(pipeline.Dispose));
        Task.WhenAny(ended, Task.Delay(Patience)).GetAwaiter().GetResult();
        process.Dispose();
        metrics.Dispose();
    }

    private async Task ListenAsync(int port)
    {
        WebApplicationBuilder builder = BareServer.CreateBuilder(shutdown: TimeSpan.Zero);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(port));
        WebApplication application = builder.Build();
        application.MapPrometheusScrapingEndpoint(pipeline);
        await application.StartOrDisposeAsync();
        server = application;
    }
}
