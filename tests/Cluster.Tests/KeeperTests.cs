using System.Diagnostics;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>`make cluster-up` without its end. It has a cluster of its own, and so goes beside the others.</summary>
[Collection("a cluster of its own")]
public sealed class KeeperTests(ClusterFixture cluster)
{
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cluster_whose_keeper_is_killed_leaves_no_process_and_no_link()
    {
        _ = cluster.ControlPlane;
        var tmp = Directory.CreateTempSubdirectory("hem-killed-").FullName;
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "test-cluster"), ["serve"])
        {
            Environment = { ["TMPDIR"] = tmp },
        };
        using var keeper = Process.Start(start)!;
        var folder = Path.Combine(tmp, "hem-cluster");
        await Wait.UntilAsync(() => File.Exists(Path.Combine(folder, "ready")) || keeper.HasExited, "it runs", Timeouts.Long, _cancel);
        ProcessesWith(folder).ShouldNotBeEmpty();
        LinksOf(keeper.Id).ShouldHaveSingleItem();

        keeper.Kill();
        await keeper.WaitForExitAsync(_cancel);

        await Wait.UntilAsync(() => !ProcessesWith(folder).Any() && !LinksOf(keeper.Id).Any(), "nothing of it runs", cancel: _cancel);
        Directory.Delete(tmp, true);
    }

    private static IEnumerable<string> ProcessesWith(string folder) =>
        Directory.EnumerateDirectories("/proc").Where(p => int.TryParse(Path.GetFileName(p), out _))
            .Select(CommandLine).Where(c => c.Contains(folder));

    private static string CommandLine(string process)
    {
        try { return File.ReadAllText(Path.Combine(process, "cmdline")); }
        catch (IOException) { return ""; }
    }

    private static IEnumerable<string> LinksOf(int pid) => Directory.EnumerateDirectories("/sys/class/net")
        .Where(link => File.ReadAllText(Path.Combine(link, "ifalias")).Trim() == $"test-cluster {pid}");
}
