using System.CommandLine;

namespace Hem.Operator.Commands;

/// <summary>What hem-operator can do.</summary>
internal static class CommandTree
{
    public static RootCommand Build() => new("Runs HemSweeps on Kubernetes.")
    {
        RunCommand.Build(), BackupCommand.Build(), CrdsCommand.Build(), MetricsCommand.Build(),
    };
}
