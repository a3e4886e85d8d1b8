namespace Hem.TestCluster;

public sealed record ControlPlaneOptions
{
    /// <summary>Runs kube-controller-manager: Jobs, garbage collection, service accounts of namespaces.</summary>
    public bool ControllerManager { get; init; } = true;

    /// <summary>Runs kube-scheduler.</summary>
    public bool Scheduler { get; init; }

    /// <summary>
    /// The controllers' limit of requests a second (Kubernetes' own default is 20, which a test would measure instead of us).
    /// </summary>
    public int ControllerQps { get; init; } = 500;

    /// <summary>
    /// Custom resources of hem.dev are served by what Debian has of a current Kubernetes (make/kubernetes-resources), to which the API
    /// server passes them on, as clusters do with aggregated APIs. So with HEM_RESOURCES=current in the environment.
    /// </summary>
    public bool CurrentResources { get; init; } = Environment.GetEnvironmentVariable("HEM_RESOURCES") == "current";

    /// <summary>Prepares the network that a <see cref="Node"/> needs (root only).</summary>
    public bool ForNode { get; init; }

    /// <summary>The folder for data and logs; none: a fresh one in tmp, removed at the end.</summary>
    public string? Folder { get; init; }

    public IReadOnlyList<string> ApiServerArguments { get; init; } = [];

    public IReadOnlyList<string> ControllerManagerArguments { get; init; } = [];
}
