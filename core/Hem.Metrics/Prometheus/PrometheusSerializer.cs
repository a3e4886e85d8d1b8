using System.Buffers;
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
    private const string Total = "_total";

    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 16);

    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    /// <summary>One family: all metrics of one name.</summary>
    public void Write(IReadOnlyList<Metric> family)
    {
        var metric = family[0];
        var (type, isCounter) = metric.MetricType switch
        {
            MetricType.LongSum or MetricType.DoubleSum => ("counter", true),
            MetricType.Histogram => ("histogram", false),
            _ => ("gauge", false),
        };
        // In OpenMetrics a counter's family is called without the suffix that its samples carry.
        var name = format == ScrapeFormat.OpenMetrics && isCounter && metric.Name.EndsWith(Total, StringComparison.Ordinal)
            ? metric.Name[..^Total.Length]
            : metric.Name;
        if (metric.Description.Length > 0)
            Text($"# HELP {name} {Escape(metric.Description, quotes: format == ScrapeFormat.OpenMetrics)}\n");
        Text($"# TYPE {name} {type}\n");
        if (format == ScrapeFormat.OpenMetrics && UnitOf(name) is { } unit) Text($"# UNIT {name} {unit}\n");
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

    private void Histogram(string name, in MetricPoint point)
    {
        long below = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            Text(name);
            Text("_bucket");
            Labels(point.Tags, ("le", Number(bucket.ExplicitBound, isBound: true)));
            Text($" {below}\n");
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
        Labels(tags);
        Text(" ");
        Text(value);
        Text("\n");
    }

    private void Labels(ReadOnlyTagCollection tags, (string Name, string Value)? more = null)
    {
        var open = "{";
        foreach (var (key, value) in tags)
        {
            Text(open);
            Text(key);
            Text("=\"");
            Text(Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", quotes: true));
            Text("\"");
            open = ",";
        }

        if (more is var (name, extra))
        {
            Text($"{open}{name}=\"{extra}\"");
            open = ",";
        }

        if (open == ",") Text("}");
    }

    /// <summary>The shortest that reads back the same; a bucket's bound in OpenMetrics always shows a fraction.</summary>
    private string Number(double value, bool isBound = false)
    {
        if (double.IsPositiveInfinity(value)) return "+Inf";
        if (double.IsNegativeInfinity(value)) return "-Inf";
        if (double.IsNaN(value)) return "NaN";
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return isBound && format == ScrapeFormat.OpenMetrics && text.All(char.IsAsciiDigit) ? text + ".0" : text;
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
