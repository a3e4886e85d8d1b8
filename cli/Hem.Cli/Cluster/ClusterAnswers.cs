using System.Net;
using Hem.Kubernetes;

namespace Hem.Cli.Cluster;

/// <summary>
/// Reads a sweep's answers from the operator, by way of the API server's service proxy: whoever reaches the API server reaches them.
/// </summary>
/// <remarks>
/// The API server tells a service nothing of who asks, so the user's own bearer token goes along in a header, and the operator has the API
/// server check it. Whoever shows the API server a certificate instead has no such token; a short-lived one of the operator's service
/// account for readers takes its place, which those may make whom an administrator allows to.
/// </remarks>
internal sealed class ClusterAnswers(ClusterConnection cluster)
{
    private const string Service = "https:hem:web";
    private const string TokenHeader = "Hem-Authorization";
    private const string ReaderAccount = "hem-reader";
    private const string Audience = "hem-answers";

    private IReadOnlyDictionary<string, string>? _headers;

    /// <summary>Reads one of the sweep's files.</summary>
    /// <exception cref="HemException">It cannot be had; says why, and what to do.</exception>
    public async Task ReadAsync(string sweep, string file, Stream destination, CancellationToken cancel = default)
    {
        try
        {
            _headers ??= new Dictionary<string, string> { [TokenHeader] = "Bearer " + await TokenAsync(cancel) };
            await cluster.Client.ReadFromServiceAsync(cluster.OperatorNamespace, Service,
                $"v1/namespaces/{Uri.EscapeDataString(cluster.Namespace)}/sweeps/{Uri.EscapeDataString(sweep)}/{file}",
                destination, _headers, cancel);
        }
        catch (KubernetesException e)
        {
            throw new HemException(CodeOf(e.StatusCode), Explain(e));
        }
        catch (HttpRequestException e)
        {
            throw new HemException(ExitCodes.Unavailable, $"the cluster does not answer: {e.Message}");
        }
        catch (KubernetesConfigurationException e)
        {
            throw new HemException(ExitCodes.BadInput, e.Message);
        }
    }

    private async Task<string> TokenAsync(CancellationToken cancel)
    {
        if (await cluster.Client.GetTokenAsync(cancel) is { Length: > 0 } token) return token;
        try
        {
            var spec = new V1TokenRequestSpec { Audiences = [Audience], ExpirationSeconds = 600 };
            return (await cluster.Client.CreateTokenAsync(cluster.OperatorNamespace, ReaderAccount, spec, cancel)).Token!;
        }
        catch (KubernetesException e) when (e.IsForbidden || e.IsNotFound)
        {
            throw new HemException(ExitCodes.Unavailable,
                "your kubeconfig has a client certificate, which the API server does not show to Hem's operator, and "
                + (e.IsNotFound
                    ? $"there is no service account {cluster.OperatorNamespace}/{ReaderAccount} to read as "
                        + "(is Hem's operator in that namespace?). "
                    : $"you may not create tokens of the service account {cluster.OperatorNamespace}/{ReaderAccount}. ")
                + "Use a kubeconfig with a token, or ask your administrator.");
        }
    }

    private string Explain(KubernetesException e)
    {
        // What the service itself says begins so; all else is the API server.
        string said = e.Status.Message?.Trim() ?? e.Message;
        if (said.StartsWith("hem: ", StringComparison.Ordinal)) return said["hem: ".Length..] + (said.EndsWith('.') ? "" : ".");
        return e.StatusCode switch
        {
            HttpStatusCode.NotFound =>
                $"there is no service {cluster.OperatorNamespace}/hem: name the namespace of Hem's operator with --operator-namespace NS.",
            HttpStatusCode.ServiceUnavailable => $"Hem's operator in namespace {cluster.OperatorNamespace} is not ready: {said}.",
            HttpStatusCode.Forbidden =>
                $"{said}. Ask your administrator for the Role hem-answers of namespace {cluster.OperatorNamespace}.",
            _ => said,
        };
    }

    private static int CodeOf(HttpStatusCode status) => status is HttpStatusCode.NotFound ? ExitCodes.BadInput : ExitCodes.Unavailable;
}
