using System.Text.Json.Nodes;

namespace Hem.TestCluster;

public sealed record NodeOptions
{
    public string Name { get; init; } = "node";

    /// <summary>GPUs that the node says it has (`nvidia.com/gpu` in its status); pods are placed by them and find none.</summary>
    public int Gpus { get; init; }

    /// <summary>Persistent volumes that claims find.</summary>
    public int Volumes { get; init; } = 8;
}

/// <summary>
/// A real node: containerd, runc, CNI, kubelet and kube-proxy as processes of this machine, in a process, mount and network namespace of
/// their own, so that ending its first process ends every container, mount, bridge and packet rule. Images are imported from files.
/// </summary>
public sealed class Node : IAsyncDisposable
{
    /// <summary>In the control plane's folder: where containerd is reached.</summary>
    internal const string SocketFile = "containerd-socket";

    private readonly ControlPlane _plane;
    private readonly NodeOptions _options;
    private int _firstProcess;
    private ClusterDns? _dns;

    private Node(ControlPlane plane, NodeOptions options) => (_plane, _options) = (plane, options);

    public string Name => _options.Name;

    /// <summary>containerd's, seen from outside the node.</summary>
    private string Socket => Path.Join("/proc", $"{_firstProcess}", "root", NodeFiles.ContainerdSocket);

    private NodeFiles Files => new(_plane, Name);

    /// <param name="plane">
    /// Started with <see cref="ControlPlaneOptions.ForNode"/>, <see cref="ControlPlaneOptions.Scheduler"/> and controllers.
    /// </param>
    /// <exception cref="CannotException">This machine cannot; the reason.</exception>
    public static async Task<Node> StartAsync(ControlPlane plane, NodeOptions? options = null, CancellationToken cancel = default)
    {
        if (plane.Network is null) throw new ArgumentException("The control plane was started without ForNode.", nameof(plane));
        var node = new Node(plane, options ?? new NodeOptions());
        try
        {
            await node.StartAsync(cancel);
            return node;
        }
        catch (Exception)
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes an image known to the node, from a tar as `docker save` or `buildah push docker-archive:` writes it.</summary>
    public Task ImportImageAsync(string tar) => ImportImageAsync(Socket, tar);

    /// <summary>Gives an image that the node has another name.</summary>
    public Task TagImageAsync(string image, string name) => ControlAsync(Socket, "images", "tag", "--force", image, name);

    internal static Task ImportImageAsync(string socket, string tar) => ControlAsync(socket, "images", "import", tar);

    public async ValueTask DisposeAsync()
    {
        if (_dns is not null) await _dns.DisposeAsync();
        await _plane.StopAsync("node");
        await Wait.UntilAsync(() => HasEnded(_firstProcess), "the node's processes have ended");
        await Wait.UntilAsync(() => ControlGroups.Remove(Files.ControlGroup), "the node's control groups are empty");
        if (Directory.Exists(Files.Folder)) Directory.Delete(Files.Folder, true);
    }

    private async Task StartAsync(CancellationToken cancel)
    {
        var network = _plane.Network!;
        var pause = (await Machine.RunAsync(Path.Combine(Machine.Repository, "make", "pause-image"))).Trim();
        ControlGroups.Remove(Files.ControlGroup);
        Files.Write();
        await _plane.StartDaemonAsync("node", "unshare",
        [
            "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--",
            "bash", Path.Combine(AppContext.BaseDirectory, "node.sh"), Files.Folder, _plane.LogFolder, network.NodeLink,
            $"{network.NodeAddress}", $"{network.HostAddress}", _plane.Program("kubelet"), _plane.Program("kube-proxy"),
        ]);
        var outer = _plane.Pid("node");
        await _plane.ReadyAsync("node", () =>
        {
            var children = File.ReadAllText($"/proc/{outer}/task/{outer}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return Task.FromResult(children.Length == 1 && int.TryParse(children[0], out _firstProcess));
        }, cancel);
        await network.AttachAsync(_firstProcess);
        await _plane.ReadyAsync("node", async () =>
        {
            if (!File.Exists(Socket)) return false;
            await ControlAsync(Socket, "version");
            return true;
        }, cancel);
        _plane.Write(SocketFile, Socket);
        _dns = new ClusterDns(_plane.Api, network.HostAddress);
        foreach (var volume in Files.Volumes(_options.Volumes)) await _plane.Api.ApplyAsync(volume, cancel: cancel);
        await ImportImageAsync(pause);
        await _plane.ReadyAsync("node", IsReadyAsync, cancel);
        if (_options.Gpus > 0)
        {
            var gpus = new JsonObject { ["nvidia.com/gpu"] = $"{_options.Gpus}" };
            await _plane.Api.MergePatchAsync($"/api/v1/nodes/{Name}/status",
                new JsonObject { ["status"] = new JsonObject { ["capacity"] = gpus, ["allocatable"] = gpus.DeepClone() } }, cancel);
        }
    }

    private async Task<bool> IsReadyAsync()
    {
        var node = await _plane.Api.GetAsync($"/api/v1/nodes/{Name}");
        return node?["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "Ready" && (string?)c["status"] == "True") == true
            && node["spec"]!["taints"] is null
            && await _plane.Api.GetAsync("/api/v1/namespaces/default/serviceaccounts/default") is not null;
    }

    private static Task ControlAsync(string socket, params string[] arguments) =>
        Machine.RunAsync("ctr", ["--address", socket, "--namespace", "k8s.io", .. arguments]);

    private static bool HasEnded(int pid)
    {
        try { return pid == 0 || File.ReadAllText($"/proc/{pid}/stat").Split(')')[^1].TrimStart().StartsWith('Z'); }
        catch (IOException) { return true; }
    }
}
