using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text;
using Hem.Kubernetes;
using Hem.Metrics;

namespace Hem.Operator.Metrics;

/// <summary>docs/metrics.md, from the instruments themselves.</summary>
internal static class MetricsPage
{
    public static string Write()
    {
        SortedDictionary<string, SortedDictionary<string, Instrument>> meters = new(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (!meters.TryGetValue(instrument.Meter.Name, out var instruments))
                    meters.Add(instrument.Meter.Name, instruments = new(StringComparer.Ordinal));
                instruments[instrument.Name] = instrument;
            },
        };
        listener.Start();
        RuntimeHelpers.RunClassConstructor(typeof(KubernetesMetrics).TypeHandle);
        using var own = new OperatorMetrics();
        using var process = new ProcessMetrics("hem-operator", "");

        var page = new StringBuilder("""
            # Metrics

            The operator serves these at `/metrics` on its health port (8080), in Prometheus' text format or in OpenMetrics, whichever is
            asked for; and sends them by OTLP where the standard variables name a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`). What belongs to
            sweeps is served by the replica that leads. Labels are named in the descriptions ("by ..."). This page is written from the code.

            """);
        Section(page, "Sweeps, trials, progress", meters[OperatorMetrics.MeterName]);
        Section(page, "The control loop and the API server, under the names of controller-runtime and client-go",
            meters[KubernetesMetrics.MeterName]);
        Section(page, "The process", meters[ProcessMetrics.MeterName]);
        return page.ToString();
    }

    private static void Section(StringBuilder page, string title, SortedDictionary<string, Instrument> instruments)
    {
        page.Append($"\n## {title}\n\n| metric | type | |\n|---|---|---|\n");
        foreach (var (name, instrument) in instruments)
            page.Append($"| `{name}` | {TypeOf(instrument)} | {instrument.Description} |\n");
    }

    private static string TypeOf(Instrument instrument) => instrument.GetType().Name switch
    {
        var type when type.StartsWith("Histogram", StringComparison.Ordinal) => "histogram",
        var type when type.Contains("UpDown", StringComparison.Ordinal) || type.Contains("Gauge", StringComparison.Ordinal) => "gauge",
        _ => "counter",
    };
}
