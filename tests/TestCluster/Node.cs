namespace Hem.TestCluster;

/// <summary>A real node: containerd, runc, CNI, kubelet and kube-proxy, in a process, mount and network namespace of its own.</summary>
public sealed class Node : IAsyncDisposable
{
    private Node(string name) => Name = name;

    public string Name { get; }

    /// <param name="plane">Started with <see cref="ControlPlaneOptions.ForNode"/>, <see cref="ControlPlaneOptions.Scheduler"/> and controllers.</param>
    /// <exception cref="CannotException">This machine cannot; the reason.</exception>
    public static Task<Node> StartAsync(ControlPlane plane, CancellationToken cancel = default) =>
        throw new CannotException("a node cannot be started here yet");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
