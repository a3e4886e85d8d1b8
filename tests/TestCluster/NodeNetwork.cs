using System.Net;

namespace Hem.TestCluster;

/// <summary>The pair of network links between this machine and a node, which lives in a network of its own; numbered, so that clusters do not meet.</summary>
internal sealed class NodeNetwork : IDisposable
{
    private NodeNetwork(int number) => Number = number;

    public int Number { get; }

    public string HostLink => $"hem{Number}";

    public string NodeLink => $"hem{Number}n";

    public IPAddress HostAddress => IPAddress.Parse($"10.231.{Number}.1");

    public IPAddress NodeAddress => IPAddress.Parse($"10.231.{Number}.2");

    public string PodRange => $"10.232.{Number}.0/24";

    public ServiceRange Services => new($"10.233.{Number}.0/24", $"10.233.{Number}.1");

    public static NodeNetwork Create() => throw new CannotException("a node cannot be started here yet");

    public void Dispose() { }
}
