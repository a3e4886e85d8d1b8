using System.Text;
using Hem.Metrics;

namespace Hem.Trainer.Metrics;

/// <summary>The trainers' part of docs/metrics.md, from the instruments themselves.</summary>
internal static class MetricsPage
{
    public static string Write()
    {
        using var table = new MetricsTable();
        using var own = new TrainerMetrics();
        var page = new StringBuilder();
        table.Write(page, "Trainers", TrainerMetrics.MeterName);
        page.Append("""

            Each trial's pod serves these, and those of its process, at `/metrics` on the port `metrics` (9464), where
            `HEM_METRICS_PORT` says so: the operator sets it (`--trainer-metrics-port`), `hem run` does not. With the OTLP variables in the
            trainer's image they are sent too. Sweep and trial are labels of the pod, which the chart's PodMonitor puts to each series;
            parameters are joined from `hem_trainer_info`:

                hem_trainer_success_rate * on (namespace, pod) group_left (configuration) hem_trainer_info

            Counts are of the trial since it began, over all its attempts; `rate()` makes of them what happens in a second.

            """);
        return page.ToString();
    }
}
