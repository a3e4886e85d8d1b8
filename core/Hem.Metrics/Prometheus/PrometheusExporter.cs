using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Hem.Metrics.Prometheus;

/// <summary>
/// Answers scrapes: each collects all metrics anew and writes them as text. Stands in for OpenTelemetry.Exporter.Prometheus, but that
/// observable instruments come from elsewhere.
/// </summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter(ObservableReader observables) : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly Lock _lock = new();
    private readonly List<Metric> _collected = [];

    public Func<int, bool>? Collect { get; set; }

    /// <summary>The metrics of now, as text.</summary>
    public ReadOnlyMemory<byte> Scrape(ScrapeFormat format)
    {
        lock (_lock)
        {
            _collected.Clear();
            Collect!(Timeout.Infinite);
            var counted = _collected.ToLookup(metric => metric.Name);
            var observed = observables.Read();
            var serializer = new PrometheusSerializer(format);
            foreach (var name in counted.Select(family => family.Key).Union(observed.Keys).Order(StringComparer.Ordinal))
            {
                if (observed.TryGetValue(name, out var family)) serializer.Write(family);
                else serializer.Write([.. counted[name]]);
            }

            serializer.End();
            return serializer.Written;
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        // They hold what was collected until the next time.
        foreach (var metric in batch) _collected.Add(metric);
        return ExportResult.Success;
    }
}
