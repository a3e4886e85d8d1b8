namespace Hem.Kubernetes;

public sealed partial class KubernetesClient
{
    /// <summary>
    /// The bearer token that the API server is shown; null where it is shown a certificate. For services behind the API server, which does
    /// not hand it on to them.
    /// </summary>
    public async Task<string?> GetTokenAsync(CancellationToken cancel = default) => await _credentials.TokenAsync(null, cancel);

    /// <summary>
    /// Reads from a service of the cluster through the API server's proxy, which needs the permission to get <c>services/proxy</c>. The
    /// service is not told who asks: give what it wants to know in <paramref name="headers"/>.
    /// </summary>
    /// <param name="ns">The service's namespace.</param>
    /// <param name="service">Its name, or <c>scheme:name:port</c>, the port by name or number.</param>
    /// <param name="path">What to get, without a slash at its beginning.</param>
    /// <param name="destination">Is written to once the service has answered with success.</param>
    /// <param name="headers">Headers besides the usual.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="KubernetesException">
    /// The API server or the service answered, and it was no success. The message has what the service said.
    /// </exception>
    public async Task ReadFromServiceAsync(string ns, string service, string path, Stream destination,
        IReadOnlyDictionary<string, string>? headers = null, CancellationToken cancel = default)
    {
        // What calls itself HTML is rewritten on the way.
        var request = new Request(HttpMethod.Get, $"{Resources.Services.Path(ns, service, "proxy")}/{path}")
        {
            Accept = "application/octet-stream",
            Headers = headers,
            Repeatable = true,
        };
        using var deadline = new Deadline(_options.Time, cancel);
        using var response = await OpenAsync(request, deadline);
        try
        {
            await response.Content.CopyToAsync(destination, deadline.Token);
        }
        catch (OperationCanceledException exception) when (deadline.HasPassed)
        {
            throw NoAnswer(request, exception);
        }
        catch (HttpRequestException exception)
        {
            throw Broken(request, exception);
        }
    }
}
