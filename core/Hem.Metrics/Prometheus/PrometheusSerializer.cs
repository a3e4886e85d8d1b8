using System.Buffers;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Hem.Metrics.Prometheus;

/// <summary>
/// Writes metrics as text. Names are written as they are: instruments bear their Prometheus names already (base units, `_total`,
/// `_seconds`).
/// </summary>
internal sealed class PrometheusSerializer(ScrapeFormat format)
{
    private const string Total = "_total", Counter = "counter";

    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 16);

    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    /// <summary>One family: all observable instruments of one name.</summary>
    public void Write(ObservedFamily family)
    {
        var instrument = family.Instrument;
        var isCounter = instrument is ObservableCounter<int> or ObservableCounter<long> or ObservableCounter<double>;
        Head(instrument.Name, isCounter ? Counter : "gauge", instrument.Description ?? "");
        foreach (var sample in family.Samples)
        {
            Text(instrument.Name);
            Labels(sample.Labels);
            Value(sample.Value);
        }
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
        if (format == ScrapeFormat.OpenMetrics) Text("# EOF\n");
    }

    private void Head(string metric, string type, string description)
    {
        // In OpenMetrics a counter's family is called without the suffix that its samples carry.
        var name = format == ScrapeFormat.OpenMetrics && type == Counter && metric.EndsWith(Total, StringComparison.Ordinal)
            ? metric[..^Total.Length]
            : metric;
        if (description.Length > 0)
            Text($"# HELP {name} {Escape(description, quotes: format == ScrapeFormat.OpenMetrics)}\n");
        Text($"# TYPE {name} {type}\n");
        if (format == ScrapeFormat.OpenMetrics && UnitOf(name) is { } unit) Text($"# UNIT {name} {unit}\n");
    }

    private void Histogram(string name, in MetricPoint point)
    {
        long below = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            Text(name);
            Text("_bucket");
            Labels([.. Of(point.Tags), new("le", Bound(bucket.ExplicitBound))]);
            Value(below.ToString(CultureInfo.InvariantCulture));
        }

        Sample(name + "_sum", point.Tags, point.GetHistogramSum());
        Sample(name + "_count", point.Tags, point.GetHistogramCount());
    }

    private void Sample(string name, ReadOnlyTagCollection tags, long value) =>
        Sample(name, tags, value.ToString(CultureInfo.InvariantCulture));

    private void Sample(string name, ReadOnlyTagCollection tags, double value) => Sample(name, tags, Number(value));

    private void Sample(string name, ReadOnlyTagCollection tags, string value)
    {
        Text(name);
        Labels(Of(tags));
        Value(value);
    }

    private void Labels(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var open = "{";
        foreach (var (key, value) in labels)
        {
            Text(open);
            // What OpenTelemetry itself adds, otel.metric.overflow, is no name for a label.
            Text(key.Replace('.', '_'));
            Text("=\"");
            Text(Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", quotes: true));
            Text("\"");
            open = ",";
        }

        if (labels.Length > 0) Text("}");
    }

    private void Value(string value)
    {
        Text(" ");
        Text(value);
        Text("\n");
    }

    private static KeyValuePair<string, object?>[] Of(ReadOnlyTagCollection tags)
    {
        var labels = new KeyValuePair<string, object?>[tags.Count];
        var i = 0;
        foreach (var tag in tags) labels[i++] = tag;
        return labels;
    }

    /// <summary>The shortest that reads back the same.</summary>
    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    /// <summary>A bucket's bound in OpenMetrics always shows a fraction.</summary>
    private string Bound(double value)
    {
        var text = Number(value);
        return format == ScrapeFormat.OpenMetrics && text.All(char.IsAsciiDigit) ? text + ".0" : text;
    }

    private static string? UnitOf(string name) => name switch
    {
        _ when name.EndsWith("_seconds", StringComparison.Ordinal) => "seconds",
        _ when name.EndsWith("_bytes", StringComparison.Ordinal) => "bytes",
        _ when name.EndsWith("_ratio", StringComparison.Ordinal) => "ratio",
        _ => null,
    };

    private static string Escape(string text, bool quotes)
    {
        if (text.AsSpan().IndexOfAny('\\', '\n', '"') < 0) return text;
        text = text.Replace("\\", @"\\").Replace("\n", @"\n");
        return quotes ? text.Replace("\"", "\\\"") : text;
    }

    private void Text(string text) => Encoding.UTF8.GetBytes(text, _buffer);
}
