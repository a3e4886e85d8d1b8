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
    private int _length = 1 << 14;

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
            var serializer = new PrometheusSerializer(format, capacity: _length + (_length / 8));
            var names = observed.Where(family => family.Value.Count > 0).Select(family => family.Key);
            foreach (var name in counted.Select(family => family.Key).Union(names).Order(StringComparer.Ordinal))
            {
                if (observed.TryGetValue(name, out var family) && family.Count > 0) serializer.Write(family);
                else serializer.Write([.. counted[name]]);
            }

            serializer.End();
            _length = serializer.Written.Length;
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
