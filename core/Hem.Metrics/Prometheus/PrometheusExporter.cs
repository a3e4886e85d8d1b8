using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Hem.Metrics.Prometheus;

/// <summary>
/// Answers scrapes: each collects all metrics anew and writes them as text. Stands in for OpenTelemetry.Exporter.Prometheus.
/// </summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly Lock _lock = new();
    private PrometheusSerializer? _serializer;

    public Func<int, bool>? Collect { get; set; }

    /// <summary>The metrics of now, as text.</summary>
    public ReadOnlyMemory<byte> Scrape(ScrapeFormat format)
    {
        lock (_lock)
        {
            _serializer = new PrometheusSerializer(format);
            Collect!(Timeout.Infinite);
            _serializer.End();
            return _serializer.Written;
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        SortedDictionary<string, List<Metric>> families = new(StringComparer.Ordinal);
        foreach (var metric in batch)
        {
            if (!families.TryGetValue(metric.Name, out var family)) families.Add(metric.Name, family = []);
            family.Add(metric);
        }

        foreach (var family in families.Values) _serializer!.Write(family);
        return ExportResult.Success;
    }
}
