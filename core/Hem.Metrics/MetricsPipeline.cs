using Hem.Metrics.Prometheus;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Hem.Metrics;

/// <summary>
/// From the meters of a program to whoever watches: scrapes by Prometheus, and OTLP where the standard environment variables name a
/// collector (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_METRICS_ENDPOINT; OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and the
/// others as the OpenTelemetry specification has them).
/// </summary>
public sealed class MetricsPipeline : IDisposable
{
    private readonly PrometheusExporter _prometheus = new();
    private readonly MeterProvider _provider;

    /// <param name="service">The program's name, `service.name` for OTLP.</param>
    /// <param name="version">Its version.</param>
    /// <param name="seriesPerMetric">
    /// Series that one metric may have; what comes after is counted together under otel_metric_overflow.
    /// </param>
    /// <param name="meters">Names of meters.</param>
    public MetricsPipeline(string service, string version, int seriesPerMetric, params IEnumerable<string> meters)
    {
        var builder = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => resource.AddService(service, serviceVersion: version))
            .AddMeter([.. meters])
            .AddView("*", new MetricStreamConfiguration { CardinalityLimit = seriesPerMetric })
            .AddReader(new BaseExportingMetricReader(_prometheus));
        if (WantsOtlp) builder.AddOtlpExporter();
        _provider = builder.Build();
    }

    private static bool WantsOtlp =>
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT"))
        || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"));

    /// <summary>The answer to a scrape.</summary>
    /// <param name="accept">The request's Accept header; null where there is none.</param>
    public (string ContentType, ReadOnlyMemory<byte> Body) Scrape(string? accept)
    {
        var format = ScrapeFormats.Negotiate(accept);
        return (format.ContentType(), _prometheus.Scrape(format));
    }

    public void Dispose() => _provider.Dispose();
}
