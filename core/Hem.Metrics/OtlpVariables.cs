namespace Hem.Metrics;

/// <summary>
/// The variables of the OpenTelemetry specification that name a collector: with either, metrics are sent there. Constants, so that to look
/// for them loads nothing.
/// </summary>
public static class OtlpVariables
{
    public const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    public const string MetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
}
