using System.Diagnostics.Metrics;
using System.Text;

namespace Hem.Metrics;

/// <summary>The instruments of meters as tables in Markdown, for docs/metrics.md.</summary>
public sealed class MetricsTable : IDisposable
{
    private readonly SortedDictionary<string, SortedDictionary<string, Instrument>> _meters = new(StringComparer.Ordinal);
    private readonly MeterListener _listener;

    /// <summary>Sees every meter that there is and that is made from now on.</summary>
    public MetricsTable()
    {
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (!_meters.TryGetValue(instrument.Meter.Name, out var instruments))
                    _meters.Add(instrument.Meter.Name, instruments = new(StringComparer.Ordinal));
                instruments[instrument.Name] = instrument;
            },
        };
        _listener.Start();
    }

    /// <summary>A section of its own for one meter's instruments.</summary>
    public void Write(StringBuilder page, string title, string meter)
    {
        page.Append($"\n## {title}\n\n| metric | type | |\n|---|---|---|\n");
        foreach (var (name, instrument) in _meters[meter])
            page.Append($"| `{name}` | {TypeOf(instrument)} | {instrument.Description} |\n");
    }

    public void Dispose() => _listener.Dispose();

    private static string TypeOf(Instrument instrument) => instrument.GetType().Name switch
    {
        var type when type.StartsWith("Histogram", StringComparison.Ordinal) => "histogram",
        var type when type.Contains("UpDown", StringComparison.Ordinal) || type.Contains("Gauge", StringComparison.Ordinal) => "gauge",
        _ => "counter",
    };
}
