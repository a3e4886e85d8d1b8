using Hem.Metrics.Prometheus;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Hem.Metrics;

/// <summary>
/// From the meters of a program to whoever watches: scrapes by Prometheus, and OTLP where the standard environment variables name a
/// collector (<see cref="OtlpVariables"/>; OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and the others as the OpenTelemetry
/// specification has them).
/// </summary>
public sealed class MetricsPipeline : IDisposable
{
    private readonly ObservableReader _observables;
    private readonly PrometheusExporter _prometheus;
    private readonly MeterProvider _counted;
    private readonly MeterProvider? _sent;

    /// <param name="service">The program's name, `service.name` for OTLP.</param>
    /// <param name="version">Its version.</param>
    /// <param name="seriesPerMetric">
    /// Series that one metric may have. What comes after is counted together under otel_metric_overflow; what is looked up at each scrape
    /// is left out.
    /// </param>
    /// <param name="meters">Names of meters.</param>
    /// <param name="attributes">What else OTLP is to tell of this program: its resource's attributes.</param>
    public MetricsPipeline(
        string service, string version, int seriesPerMetric, IEnumerable<string> meters,
        IEnumerable<KeyValuePair<string, object>>? attributes = null)
    {
        string[] names = [.. meters];
        var limited = new MetricStreamConfiguration { CardinalityLimit = seriesPerMetric };
        _observables = new ObservableReader(names, seriesPerMetric);
        _prometheus = new PrometheusExporter(_observables);
        _counted = Sdk.CreateMeterProviderBuilder()
            .AddMeter(names)
            .AddView(instrument => instrument.IsObservable ? MetricStreamConfiguration.Drop : limited)
            .AddReader(new BaseExportingMetricReader(_prometheus))
            .Build();
        if (!WantsOtlp) return;
        _sent = Sdk.CreateMeterProviderBuilder()
            // Later ones win: what whoever runs it calls it goes before its own name.
            .ConfigureResource(resource => resource
                .AddService(service, serviceVersion: version).AddAttributes(attributes ?? []).AddEnvironmentVariableDetector())
            .AddMeter(names)
            .AddView("*", limited)
            .AddOtlpExporter()
            .Build();
    }

    private static bool WantsOtlp =>
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(OtlpVariables.Endpoint))
        || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(OtlpVariables.MetricsEndpoint));

    /// <summary>The answer to a scrape.</summary>
    /// <param name="accept">The request's Accept header; null where there is none.</param>
    public (string ContentType, ReadOnlyMemory<byte> Body) Scrape(string? accept)
    {
        var format = ScrapeFormats.Negotiate(accept);
        return (format.ContentType(), _prometheus.Scrape(format));
    }

    public void Dispose()
    {
        _sent?.Dispose();
        _counted.Dispose();
        _observables.Dispose();
    }
}
