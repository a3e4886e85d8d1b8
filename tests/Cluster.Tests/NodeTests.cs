using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Hem.TestCluster;

namespace Cluster.Tests;

/// <summary>The cluster itself: what the tests of the product stand on.</summary>
public sealed class NodeTests(ClusterFixture cluster)
{
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pods_find_services_by_name_and_reach_this_machine()
    {
        var space = await cluster.CreateNamespaceAsync();
        using var listener = new TcpListener(cluster.ControlPlane.Address, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var connected = listener.AcceptSocketAsync(_cancel);

        var log = await cluster.RunPodAsync(space, "looks", $"""
            getent hosts kubernetes.default.svc && ! getent hosts nowhere.default.svc && id -u
            perl -MIO::Socket::INET -e 'IO::Socket::INET->new("{cluster.ControlPlane.Address}:{port}") or die' && echo reached
            """, _cancel);

        log.ShouldContain("kubernetes.default.svc.cluster.local");
        log.ShouldContain("65532");
        log.ShouldContain("reached");
        (await connected).Dispose();
    }

    [Fact]
    public async Task Two_GPUs_are_given_to_two_pods_and_the_third_waits()
    {
        var space = await cluster.CreateNamespaceAsync();
        foreach (var name in new[] { "a", "b", "c" })
            await cluster.ApplyPodAsync(space, name, "sleep 600", """{"limits": {"nvidia.com/gpu": "1"}}""", _cancel);

        await Wait.UntilAsync(async () => (await PodsAsync("Running")).Count == 2, "two pods run", Timeouts.Long, _cancel);
        var waiting = (await PodsAsync("Pending")).ShouldHaveSingleItem();
        await Wait.UntilAsync(
            async () => (string?)(await cluster.Api.GetAsync($"/api/v1/namespaces/{space}/pods/{waiting}"))?
                ["status"]?["conditions"]?[0]?["message"] is { } reason && reason.Contains("nvidia.com/gpu"),
            "the third pod's condition says why", Timeouts.Normal, _cancel);

        await cluster.Api.DeleteAsync($"/api/v1/namespaces/{space}", cancel: _cancel);
        async Task<List<string>> PodsAsync(string phase) =>
            [.. (await cluster.Api.GetAsync($"/api/v1/namespaces/{space}/pods?fieldSelector=status.phase={phase}"))!["items"]!.AsArray()
                .Select(pod => (string)pod!["metadata"]!["name"]!)];
    }

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
