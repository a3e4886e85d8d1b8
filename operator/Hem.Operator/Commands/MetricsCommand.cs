using System.CommandLine;
using Hem.Operator.Metrics;

namespace Hem.Operator.Commands;

/// <summary>`hem-operator metrics`: what it measures.</summary>
internal static class MetricsCommand
{
    public static Command Build()
    {
        var command = new Command("metrics", "The metrics, as docs/metrics.md has them");
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.Write(MetricsPage.Write()));
        return command;
    }
}
