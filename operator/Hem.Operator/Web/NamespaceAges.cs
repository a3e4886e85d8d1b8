using Hem.Kubernetes;

namespace Hem.Operator.Web;

/// <summary>
/// Since when a namespace exists. What the store has of a sweep that is older is of another namespace of that name, which was deleted, and
/// whoever may see the sweeps of this one has no business there.
/// </summary>
internal sealed class NamespaceAges(KubernetesClient client)
{
    /// <returns>Null where there is no such namespace.</returns>
    /// <exception cref="HttpRequestException">The API server cannot be asked now.</exception>
    public async Task<DateTimeOffset?> CreatedAsync(string @namespace, CancellationToken cancellationToken = default)
    {
        try
        {
            var found = await client.GetAsync(Resources.Namespaces, null, @namespace, cancellationToken).ConfigureAwait(false);
            return found is null ? null : found.Metadata.CreationTimestamp ?? DateTimeOffset.MinValue;
        }
        catch (KubernetesException e)
        {
            throw new HttpRequestException($"namespace {@namespace}: {e.Message}", e);
        }
    }
}
