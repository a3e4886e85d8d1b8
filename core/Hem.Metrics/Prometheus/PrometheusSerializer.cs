using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Hem.Metrics.Prometheus;

/// <summary>
/// Writes metrics as text. Names are written as they are: instruments bear their Prometheus names already (base units, `_total`,
/// `_seconds`).
/// </summary>
/// <param name="format">Which text.</param>
/// <param name="capacity">Bytes that it will take, more or less.</param>
internal sealed class PrometheusSerializer(ScrapeFormat format, int capacity)
{
    private const string Total = "_total", Counter = "counter";

    private readonly SampleText _text = new(capacity);

    public ReadOnlyMemory<byte> Written => _text.Written;

    /// <summary>One family: all observable instruments of one name.</summary>
    public void Write(ObservedFamily family)
    {
        var instrument = family.Instrument;
        var isCounter = instrument is ObservableCounter<int> or ObservableCounter<long> or ObservableCounter<double>;
        Head(instrument.Name, isCounter ? Counter : "gauge", instrument.Description ?? "");
        _text.Add(family.Samples.Written.Span);
    }

    /// <summary>One family: all metrics of one name.</summary>
    public void Write(IReadOnlyList<Metric> family)
    {
        var metric = family[0];
        Head(metric.Name, metric.MetricType switch
        {
            MetricType.LongSum or MetricType.DoubleSum => Counter,
            MetricType.Histogram => "histogram",
            _ => "gauge",
        }, metric.Description);
        foreach (var one in family)
        {
            foreach (ref readonly var point in one.GetMetricPoints())
            {
                switch (one.MetricType)
                {
                    case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                        Sample(one.Name, point.Tags, point.GetSumLong());
                        break;
                    case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                        Sample(one.Name, point.Tags, point.GetSumDouble());
                        break;
                    case MetricType.LongGauge:
                        Sample(one.Name, point.Tags, point.GetGaugeLastValueLong());
                        break;
                    case MetricType.DoubleGauge:
                        Sample(one.Name, point.Tags, point.GetGaugeLastValueDouble());
                        break;
                    case MetricType.Histogram:
                        Histogram(one.Name, in point);
                        break;
                }
            }
        }
    }

    public void End()
    {
        if (format == ScrapeFormat.OpenMetrics) _text.Add("# EOF\n"u8);
    }

    private void Head(string metric, string type, string description)
    {
        // In OpenMetrics a counter's family is called without the suffix that its samples carry.
        var name = format == ScrapeFormat.OpenMetrics && type == Counter && metric.EndsWith(Total, StringComparison.Ordinal)
            ? metric[..^Total.Length]
            : metric;
        if (description.Length > 0)
        {
            _text.Add($"# HELP {name} ");
            _text.AddEscaped(description, quotes: format == ScrapeFormat.OpenMetrics);
            _text.Add("\n"u8);
        }

        _text.Add($"# TYPE {name} {type}\n");
        if (format == ScrapeFormat.OpenMetrics && UnitOf(name) is { } unit) _text.Add($"# UNIT {name} {unit}\n");
    }

    private void Histogram(string name, in MetricPoint point)
    {
        long below = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            _text.Add(name);
            _text.Add("_bucket"u8);
            _text.AddLabels([.. Of(point.Tags), new("le", Bound(bucket.ExplicitBound))]);
            _text.AddValue(below);
        }

        Sample(name + "_sum", point.Tags, point.GetHistogramSum());
        Sample(name + "_count", point.Tags, point.GetHistogramCount());
    }

    private void Sample(string name, ReadOnlyTagCollection tags, long value)
    {
        Begin(name, tags);
        _text.AddValue(value);
    }

    private void Sample(string name, ReadOnlyTagCollection tags, double value)
    {
        Begin(name, tags);
        _text.AddValue(value);
    }

    private void Begin(string name, ReadOnlyTagCollection tags)
    {
        _text.Add(name);
        _text.AddLabels(Of(tags));
    }

    private static KeyValuePair<string, object?>[] Of(ReadOnlyTagCollection tags)
    {
        var labels = new KeyValuePair<string, object?>[tags.Count];
        var i = 0;
        foreach (var tag in tags) labels[i++] = tag;
        return labels;
    }

    /// <summary>A bucket's bound in OpenMetrics always shows a fraction.</summary>
    private string Bound(double value)
    {
        var text = SampleText.Number(value);
        return format == ScrapeFormat.OpenMetrics && text.All(char.IsAsciiDigit) ? text + ".0" : text;
    }

    private static string? UnitOf(string name) => name switch
    {
        _ when name.EndsWith("_seconds", StringComparison.Ordinal) => "seconds",
        _ when name.EndsWith("_bytes", StringComparison.Ordinal) => "bytes",
        _ when name.EndsWith("_ratio", StringComparison.Ordinal) => "ratio",
        _ => null,
    };
}
