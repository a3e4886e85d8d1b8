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
}
