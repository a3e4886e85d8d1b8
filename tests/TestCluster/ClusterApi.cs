using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Hem.TestCluster;

/// <summary>
/// The API server by plain paths and JSON, as the administrator: what a test arranges and checks does not pass through the client under
/// test.
/// An answer that is no success is an <see cref="ClusterApiException"/> with the server's own words.
/// </summary>
public sealed class ClusterApi : IDisposable
{
    private readonly HttpClient _http;

    internal ClusterApi(Uri server, string caPem, PemPair client)
    {
        var ca = X509Certificate2.CreateFromPem(caPem);
        var tls = new SslClientAuthenticationOptions
        {
            ClientCertificates = [X509Certificate2.CreateFromPem(client.Certificate, client.Key)],
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { ca },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        };
        _http = new HttpClient(new SocketsHttpHandler { SslOptions = tls }) { BaseAddress = server };
    }

    /// <returns>null where there is none (404).</returns>
    public async Task<JsonNode?> GetAsync(string path, CancellationToken cancel = default)
    {
        try { return await SendAsync(HttpMethod.Get, path, null, null, cancel); }
        catch (ClusterApiException e) when (e.StatusCode == HttpStatusCode.NotFound) { return null; }
    }

    public Task<JsonNode> PostAsync(string path, JsonNode body, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Post, path, body.ToJsonString(), "application/json", cancel);

    public Task<JsonNode> PutAsync(string path, JsonNode body, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Put, path, body.ToJsonString(), "application/json", cancel);

    public Task<JsonNode> MergePatchAsync(string path, JsonNode patch, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Patch, path, patch.ToJsonString(), "application/merge-patch+json", cancel);

    public Task<JsonNode> DeleteAsync(string path, JsonNode? options = null, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Delete, path, options?.ToJsonString(), options is null ? null : "application/json", cancel);

    /// <summary>The answer as text: a pod's log, /metrics, /readyz.</summary>
    public Task<string> GetTextAsync(string path, CancellationToken cancel = default) =>
        GetTextAsync(path, new Dictionary<string, string>(), cancel);

    public async Task<string> GetTextAsync(string path, IReadOnlyDictionary<string, string> headers, CancellationToken cancel = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var answer = await _http.SendAsync(request, cancel);
        var text = await answer.Content.ReadAsStringAsync(cancel);
        return answer.IsSuccessStatusCode ? text : throw new ClusterApiException(HttpMethod.Get, path, answer.StatusCode, text);
    }

    /// <summary>
    /// Applies the objects of a YAML text (several documents allowed), as `kubectl apply --server-side --force-conflicts` does.
    /// </summary>
    public Task ApplyAsync(string yaml, string defaultNamespace = "default", CancellationToken cancel = default) =>
        ApplyAsync(yaml, "fieldManager=test-cluster&force=true", defaultNamespace, cancel);

    /// <summary>Has the server judge the objects, and changes nothing.</summary>
    /// <returns>The objects as the server would keep them.</returns>
    public Task<IReadOnlyList<JsonNode>> DryRunAsync(
        string yaml, string defaultNamespace = "default", CancellationToken cancel = default) =>
        ApplyAsync(yaml, "fieldManager=test-cluster&force=true&dryRun=All", defaultNamespace, cancel);

    public void Dispose() => _http.Dispose();

    private async Task<IReadOnlyList<JsonNode>> ApplyAsync(
        string yaml, string query, string defaultNamespace, CancellationToken cancel)
    {
        var answers = new List<JsonNode>();
        foreach (var document in Manifest.Split(yaml))
        {
            // A definition's own resources take a moment to be served.
            var path = await Wait.ForAsync(
                () => PathAsync(document, defaultNamespace, cancel), $"{document.Kind} is served", cancel: cancel);
            answers.Add(await SendAsync(HttpMethod.Patch, $"{path}?{query}", document.Yaml, "application/apply-patch+yaml", cancel));
        }
        return answers;
    }

    private async Task<string?> PathAsync(Manifest document, string defaultNamespace, CancellationToken cancel)
    {
        var group = (document.ApiVersion.Contains('/') ? "/apis/" : "/api/") + document.ApiVersion;
        var resource = (await GetAsync(group, cancel))?["resources"]?.AsArray()
            .FirstOrDefault(r => (string?)r!["kind"] == document.Kind && !((string)r["name"]!).Contains('/'));
        if (resource is null) return null;
        var place = (bool)resource["namespaced"]! ? $"/namespaces/{document.Namespace ?? defaultNamespace}" : "";
        return $"{group}{place}/{(string)resource["name"]!}/{document.Name}";
    }

    private async Task<JsonNode> SendAsync(HttpMethod method, string path, string? body, string? type, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8) { Headers = { ContentType = new MediaTypeHeaderValue(type!) } };
        using var answer = await _http.SendAsync(request, cancel);
        var text = await answer.Content.ReadAsStringAsync(cancel);
        if (!answer.IsSuccessStatusCode) throw new ClusterApiException(method, path, answer.StatusCode, text);
        return JsonNode.Parse(text)!;
    }
}

/// <summary>The API server said no.</summary>
public sealed class ClusterApiException(HttpMethod method, string path, HttpStatusCode status, string body)
    : Exception($"{method} {path}: {(int)status} {Said(body)}")
{
    public HttpStatusCode StatusCode => status;

    private static string Said(string body)
    {
        try { return (string?)JsonNode.Parse(body)?["message"] ?? body; }
        catch (System.Text.Json.JsonException) { return body; }
    }
}
