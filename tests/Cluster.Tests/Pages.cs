using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>make/pages: the commands that the documentation shows, on the cluster of these tests.</summary>
internal static class Pages
{
    /// <summary>Where `hem` is: as `make build` makes it, or as it was built with these tests.</summary>
    private static string Programs => Environment.GetEnvironmentVariable("HEM_PROGRAMS") is { Length: > 0 } folder
        ? folder
        : ClusterFixture.InRepository("artifacts/bin/Hem.Cli/release");

    public static Task<string> RunAsync(ClusterFixture cluster, params IEnumerable<string> arguments) => RunAsync(cluster, 4, arguments);

    /// <summary>With helm of that major version, where helm is asked for.</summary>
    public static Task<string> RunAsync(ClusterFixture cluster, int helm, params IEnumerable<string> arguments) => Machine.RunAsync("env",
    [
        $"HELM={helm}", $"KUBECONFIG={cluster.ControlPlane.Kubeconfig}", $"PAGES_BIN={Programs}",
        ClusterFixture.InRepository("make/pages"), .. arguments,
    ]);
}
