using System.Runtime.CompilerServices;
using System.Text;
using Hem.Kubernetes;
using Hem.Metrics;

namespace Hem.Operator.Metrics;

/// <summary>The operator's part of docs/metrics.md, from the instruments themselves.</summary>
internal static class MetricsPage
{
    public static string Write()
    {
        using var table = new MetricsTable();
        RuntimeHelpers.RunClassConstructor(typeof(KubernetesMetrics).TypeHandle);
        using var own = new OperatorMetrics();
        using var process = new ProcessMetrics("hem-operator", "");

        var page = new StringBuilder("""
            # Metrics

            The operator serves these at `/metrics` on its health port (8080), in Prometheus' text format or in OpenMetrics, whichever is
            asked for; and sends them by OTLP where the standard variables name a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`). What belongs to
            sweeps is served by the replica that leads. Each trial's pod [serves its own](#trainers). Labels are named in the descriptions
            ("by ..."). This page is written from the code.

            """);
        table.Write(page, "Sweeps, trials, progress", OperatorMetrics.MeterName);
        table.Write(page, "The control loop and the API server, under the names of controller-runtime and client-go",
            KubernetesMetrics.MeterName);
        table.Write(page, "The process, of operators and trainers alike", ProcessMetrics.MeterName);
        return page.ToString();
    }
}
