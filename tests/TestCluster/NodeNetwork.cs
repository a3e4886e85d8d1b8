using System.Net;

namespace Hem.TestCluster;

/// <summary>
/// The pair of network links between this machine and a node, which lives in a network of its own. Clusters are numbered, so that they do
/// not meet: node N has 10.231.N.2, its pods 10.232.N.0/24 and its services 10.233.N.0/24, all reachable from this machine
/// through its link.
/// </summary>
internal sealed class NodeNetwork
{
    private const int MostClusters = 64;

    private NodeNetwork(int number) => Number = number;

    public int Number { get; }

    public string HostLink => $"hem{Number}";

    public string NodeLink => $"hem{Number}n";

    public IPAddress HostAddress => IPAddress.Parse($"10.231.{Number}.1");

    public IPAddress NodeAddress => IPAddress.Parse($"10.231.{Number}.2");

    public string PodRange => $"10.232.{Number}.0/24";

    public string PodGateway => $"10.232.{Number}.1";

    public ServiceRange Services => new($"10.233.{Number}.0/24", $"10.233.{Number}.1");

    public static async Task<NodeNetwork> CreateAsync()
    {
        await Machine.NeedNodeAsync();
        for (var number = 0; number < MostClusters; number++)
        {
            var network = new NodeNetwork(number);
            if (File.Exists($"/sys/class/net/{network.HostLink}/ifalias") && !network.IsLeftOver()) continue;
            await network.RemoveAsync();
            try
            {
                await IpAsync("link", "add", network.HostLink, "type", "veth", "peer", "name", network.NodeLink);
            }
            catch (InvalidOperationException e) when (e.Message.Contains("File exists"))
            {
                continue;
            }
            await IpAsync("link", "set", network.HostLink, "alias", $"test-cluster {Environment.ProcessId}");
            await IpAsync("address", "add", $"{network.HostAddress}/30", "dev", network.HostLink);
            await IpAsync("link", "set", network.HostLink, "up");
            return network;
        }
        throw new CannotException($"{MostClusters} test clusters run already");
    }

    /// <summary>Gives the other end to a node, and routes its pods and services there.</summary>
    public async Task AttachAsync(int pid)
    {
        await IpAsync("link", "set", NodeLink, "netns", $"{pid}");
        // A route needs the link to be up at both ends.
        await Wait.UntilAsync(() => File.ReadAllText($"/sys/class/net/{HostLink}/operstate").Trim() == "up", $"the link {HostLink} is up");
        await IpAsync("route", "replace", PodRange, "via", $"{NodeAddress}", "dev", HostLink);
        await IpAsync("route", "replace", Services.Range, "via", $"{NodeAddress}", "dev", HostLink);
    }

    /// <summary>Without the link there are no addresses and no routes.</summary>
    public async Task RemoveAsync()
    {
        if (Directory.Exists($"/sys/class/net/{HostLink}")) await IpAsync("link", "delete", HostLink);
    }

    private bool IsLeftOver()
    {
        var owner = File.ReadAllText($"/sys/class/net/{HostLink}/ifalias").Trim().Split(' ');
        return owner is ["test-cluster", var pid] && !Directory.Exists($"/proc/{pid}");
    }

    private static Task IpAsync(params string[] arguments) => Machine.RunAsync("ip", arguments);
}
