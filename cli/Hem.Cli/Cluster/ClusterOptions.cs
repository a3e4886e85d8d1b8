using System.CommandLine;
using System.CommandLine.Parsing;
using Hem.Kubernetes;

namespace Hem.Cli.Cluster;

/// <summary>Which cluster a command asks, in kubectl's words. With a namespace it asks a cluster, without one this machine.</summary>
internal sealed class ClusterOptions
{
    private const string Usual = "hem-system";

    public Option<string?> Namespace { get; } = new("--namespace", "-n")
    {
        Description = "Ask the cluster of your kubeconfig, about this namespace",
        HelpName = "NS",
    };

    private Option<string?> Context { get; } = new("--context") { Description = "Context of the kubeconfig (with -n)", HelpName = "NAME" };

    private Option<string?> Kubeconfig { get; } = new("--kubeconfig")
    {
        Description = "The kubeconfig (with -n; default: $KUBECONFIG, else ~/.kube/config)",
        HelpName = "FILE",
    };

    private Option<string?> OperatorNamespace { get; } = new("--operator-namespace")
    {
        Description = $"Namespace of Hem's operator (with -n; default: {Usual})",
        HelpName = "NS",
    };

    private Option[] All => [Namespace, Context, Kubeconfig, OperatorNamespace];

    public void AddTo(Command command)
    {
        foreach (Option option in All) command.Add(option);
    }

    /// <summary>The cluster that the command line means, or null: this machine.</summary>
    /// <exception cref="HemException">
    /// There is no such kubeconfig or context, or what makes sense only with -n is there without.
    /// </exception>
    public ClusterConnection? Connect(ParseResult parsed)
    {
        if (parsed.GetValue(Namespace) is not { Length: > 0 } space)
        {
            return All.FirstOrDefault(option => parsed.GetResult(option) is not null) is { } lone
                ? throw new HemException(ExitCodes.BadInput, $"{lone.Name} asks a cluster, which takes -n NAMESPACE.")
                : null;
        }

        try
        {
            var configuration = KubernetesClientConfiguration.FromKubeconfig(parsed.GetValue(Kubeconfig), parsed.GetValue(Context));
            // A large report takes a while to make and to send.
            var client = new KubernetesClient(configuration, new KubernetesClientOptions { RequestTimeout = TimeSpan.FromMinutes(5) });
            return new ClusterConnection(client, space, parsed.GetValue(OperatorNamespace) ?? Usual);
        }
        catch (Exception e) when (e is KubernetesConfigurationException or IOException or UnauthorizedAccessException)
        {
            throw new HemException(ExitCodes.BadInput, e.Message);
        }
    }
}

/// <summary>A cluster, the namespace in question, and where Hem's operator is there.</summary>
internal sealed record ClusterConnection(KubernetesClient Client, string Namespace, string OperatorNamespace) : IDisposable
{
    public void Dispose() => Client.Dispose();
}
