using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hem.Kubernetes;

/// <summary>
/// The API server, spoken to over HTTP. Thread-safe; one a process is enough.
/// <para>
/// Two kinds of exceptions mean that a request did not do what it should. <see cref="KubernetesException"/>: the server answered so, and
/// the change was not made (but for 5xx, after which it may have been). <see cref="HttpRequestException"/>: there was no answer, or not the
/// whole of it within <see cref="KubernetesClientOptions.RequestTimeout"/>, and a change may or may not have been made: look again.
/// </para>
/// <para>
/// What the server was too busy for (429, and with Retry-After 5xx too) is asked again after the time that it named: a 429 always, since
/// then nothing was done; a 5xx only where doing it twice does no more than once, so not for <see cref="CreateAsync"/>.
/// A 401 is asked again once, with credentials read anew.
/// </para>
/// <para>
/// The types here know the fields that Hem uses, and <see cref="ReplaceAsync"/> erases all others: change what others write too by
/// <see cref="MergePatchAsync"/> or <see cref="ApplyAsync{T}(ResourceKind{T}, T, string, bool, string?, CancellationToken)"/>.
/// </para>
/// </summary>
public sealed partial class KubernetesClient : IDisposable
{
    private const string Json = "application/json";

    public KubernetesClientConfiguration Configuration { get; }

    /// <returns>The object, or null where there is none of that name.</returns>
    public async Task<T?> GetAsync<T>(ResourceKind<T> kind, string? ns, string name, CancellationToken cancel = default)
        where T : class, IKubernetesObject
    {
        try
        {
            using var body = await SendAsync(new(HttpMethod.Get, kind.Path(ns, name)) { Repeatable = true }, cancel);
            return Read(kind, body);
        }
        catch (KubernetesException exception) when (exception.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>All objects of a kind, in one namespace or (null) in all, read in chunks.</summary>
    public async Task<KubernetesList<T>> ListAsync<T>(
        ResourceKind<T> kind, string? ns = null, ListOptions? options = null, CancellationToken cancel = default)
        where T : class, IKubernetesObject
    {
        options ??= new();
        var selection = Query("labelSelector", options.LabelSelector) + Query("fieldSelector", options.FieldSelector);
        var limit = options.ChunkSize > 0 ? Query("limit", options.ChunkSize.ToString(CultureInfo.InvariantCulture)) : "";
        var items = new List<T>();
        string? next = null;
        while (true)
        {
            var page = next is null ? Query("resourceVersion", options.ResourceVersion) : Query("continue", next);
            V1ListMeta metadata;
            try
            {
                var request = new Request(HttpMethod.Get, kind.Path(ns), selection + limit + page) { Repeatable = true };
                using var body = await SendAsync(request, cancel);
                metadata = ListReader.Read(body.Bytes.Span, kind, items);
            }
            catch (KubernetesException exception) when (exception.IsGone && next is not null)
            {
                // It took so long that the server forgot the state which the first chunks showed. All at once cannot be too old.
                Log.ListExpired(_options.Logger, kind.ToString());
                items.Clear();
                (next, limit) = (null, "");
                continue;
            }
            catch (JsonException exception)
            {
                throw NotJson(HttpMethod.Get, kind.Path(ns), exception);
            }
            next = metadata.Continue;
            if (string.IsNullOrEmpty(next)) return new(items, metadata);
        }
    }

    /// <summary>Makes an object; its namespace is that of its metadata.</summary>
    /// <returns>The object as the server made it.</returns>
    public Task<T> CreateAsync<T>(ResourceKind<T> kind, T item, WriteOptions? options = null, CancellationToken cancel = default)
        where T : class, IKubernetesObject =>
        WriteAsync(kind, new(HttpMethod.Post, kind.Path(item.Metadata.Namespace), Query(options))
        {
            Body = Body(kind, item),
            IsFree = IsFree(kind),
        }, cancel);

    /// <summary>Puts an object in place of what is there; with its resourceVersion only if that has not changed meanwhile.</summary>
    public Task<T> ReplaceAsync<T>(
        ResourceKind<T> kind, T item, string? subresource = null, WriteOptions? options = null, CancellationToken cancel = default)
        where T : class, IKubernetesObject =>
        WriteAsync(kind, new(HttpMethod.Put, kind.Path(item.Metadata.Namespace, Name(item), subresource), Query(options))
        {
            Body = Body(kind, item),
            Repeatable = true,
        }, cancel);

    /// <summary>
    /// Changes the fields that <paramref name="patch"/> names (null removes one). With <c>metadata.resourceVersion</c> in it, only if the
    /// object has not changed since; with <c>metadata.uid</c>, only if it is that very object.
    /// </summary>
    public Task<T> MergePatchAsync<T>(ResourceKind<T> kind, string? ns, string name, JsonNode patch, string? subresource = null,
        WriteOptions? options = null, CancellationToken cancel = default)
        where T : class, IKubernetesObject =>
        WriteAsync(kind, new(HttpMethod.Patch, kind.Path(ns, name, subresource), Query(options))
        {
            Body = Encoding.UTF8.GetBytes(patch.ToJsonString()),
            ContentType = "application/merge-patch+json",
            Repeatable = true,
            IsFree = IsFree(kind),
        }, cancel);

    /// <summary>Server-side apply: makes the object, or sees to the fields it gives, as <paramref name="fieldManager"/>.</summary>
    /// <param name="kind">The kind of the object.</param>
    /// <param name="item">Its name, namespace and the fields to own, and no others.</param>
    /// <param name="fieldManager">Who owns the fields.</param>
    /// <param name="force">Take fields over that another manager set otherwise; without it that is a conflict.</param>
    /// <param name="subresource">For instance <c>status</c>.</param>
    /// <param name="cancel">Ends the wait, not the request.</param>
    public Task<T> ApplyAsync<T>(ResourceKind<T> kind, T item, string fieldManager, bool force = false, string? subresource = null,
        CancellationToken cancel = default)
        where T : class, IKubernetesObject =>
        ApplyAsync(kind, item.Metadata.Namespace, Name(item), Body(kind, item), fieldManager, force, subresource, cancel);

    /// <inheritdoc cref="ApplyAsync{T}(ResourceKind{T}, T, string, bool, string?, CancellationToken)"/>
    public Task<T> ApplyAsync<T>(ResourceKind<T> kind, string? ns, string name, JsonObject fields, string fieldManager, bool force = false,
        string? subresource = null, CancellationToken cancel = default)
        where T : class, IKubernetesObject
    {
        var item = (JsonObject)fields.DeepClone();
        item["apiVersion"] = kind.ApiVersion;
        item["kind"] = kind.Kind;
        if (item["metadata"] is not JsonObject metadata) item["metadata"] = metadata = [];
        metadata["name"] = name;
        if (ns is not null) metadata["namespace"] = ns;
        return ApplyAsync(kind, ns, name, Encoding.UTF8.GetBytes(item.ToJsonString()), fieldManager, force, subresource, cancel);
    }

    private Task<T> ApplyAsync<T>(ResourceKind<T> kind, string? ns, string name, byte[] body, string fieldManager, bool force,
        string? subresource, CancellationToken cancel)
        where T : class, IKubernetesObject
    {
        var query = Query("fieldManager", fieldManager) + (force ? Query("force", "true") : "");
        return WriteAsync(kind, new(HttpMethod.Patch, kind.Path(ns, name, subresource), query)
        {
            Body = body,
            ContentType = "application/apply-patch+yaml",
            Repeatable = true,
        }, cancel);
    }

    /// <returns>False where there was none of that name. The object may stay for a while: finalizers, grace.</returns>
    public async Task<bool> DeleteAsync<T>(ResourceKind<T> kind, string? ns, string name, DeleteOptions? options = null,
        CancellationToken cancel = default)
        where T : class, IKubernetesObject
    {
        try
        {
            using var _ = await SendAsync(new(HttpMethod.Delete, kind.Path(ns, name)) { Body = Body(options), Repeatable = true }, cancel);
            return true;
        }
        catch (KubernetesException exception) when (exception.IsNotFound)
        {
            return false;
        }
    }

    /// <summary>Deletes all that the selector selects, by one request.</summary>
    public async Task DeleteCollectionAsync<T>(ResourceKind<T> kind, string? ns, string labelSelector, DeleteOptions? options = null,
        CancellationToken cancel = default)
        where T : class, IKubernetesObject
    {
        if (labelSelector.Length == 0)
            throw new ArgumentException($"Without a selector all {kind} would be deleted.", nameof(labelSelector));
        using var _ = await SendAsync(new(HttpMethod.Delete, kind.Path(ns), Query("labelSelector", labelSelector))
        {
            Body = Body(options),
            Repeatable = true,
        }, cancel);
    }

    /// <summary>The end of a container's log.</summary>
    public async Task<string> ReadPodLogAsync(string ns, string pod, string? container = null, int? tailLines = null,
        int limitBytes = 64 << 10, bool previous = false, CancellationToken cancel = default)
    {
        var query = Query("container", container) + Query("tailLines", tailLines?.ToString(CultureInfo.InvariantCulture))
            + Query("limitBytes", limitBytes.ToString(CultureInfo.InvariantCulture)) + (previous ? Query("previous", "true") : "");
        var request = new Request(HttpMethod.Get, Resources.Pods.Path(ns, pod, "log"), query) { Accept = "*/*", Repeatable = true };
        using var body = await SendAsync(request, cancel);
        return Encoding.UTF8.GetString(body.Bytes.Span);
    }

    /// <summary>A token of a service account, as a pod would get it.</summary>
    public async Task<V1TokenRequestStatus> CreateTokenAsync(string ns, string serviceAccount, V1TokenRequestSpec spec,
        CancellationToken cancel = default)
    {
        var request = new V1TokenRequest { ApiVersion = "authentication.k8s.io/v1", Kind = "TokenRequest", Spec = spec };
        var body = JsonSerializer.SerializeToUtf8Bytes(request, KubernetesJson.Default.V1TokenRequest);
        var path = Resources.ServiceAccounts.Path(ns, serviceAccount, "token");
        using var answer = await SendAsync(new(HttpMethod.Post, path) { Body = body, IsFree = true }, cancel);
        return Read(HttpMethod.Post, path, answer, KubernetesJson.Default.V1TokenRequest).Status
            ?? throw NotJson(HttpMethod.Post, path, new JsonException("The answer has no status."));
    }

    public async Task<KubernetesVersion> GetVersionAsync(CancellationToken cancel = default)
    {
        using var body = await SendAsync(new(HttpMethod.Get, "version") { Repeatable = true }, cancel);
        return Read(HttpMethod.Get, "version", body, KubernetesJson.Default.KubernetesVersion);
    }

    private async Task<T> WriteAsync<T>(ResourceKind<T> kind, Request request, CancellationToken cancel)
        where T : class, IKubernetesObject
    {
        using var body = await SendAsync(request, cancel);
        return Read(kind, body, request.Method, request.Path);
    }

    private static byte[] Body<T>(ResourceKind<T> kind, T item)
        where T : class, IKubernetesObject
    {
        item.ApiVersion ??= kind.ApiVersion;
        item.Kind ??= kind.Kind;
        return JsonSerializer.SerializeToUtf8Bytes(item, kind.Json);
    }

    private static byte[]? Body(DeleteOptions? options) => options is null ? null : JsonSerializer.SerializeToUtf8Bytes(new DeleteBody
    {
        Preconditions = options.Uid is null && options.ResourceVersion is null ? null : new(options.Uid, options.ResourceVersion),
        PropagationPolicy = options.PropagationPolicy?.ToString(),
        GracePeriodSeconds = options.GracePeriodSeconds,
    }, InternalJson.Default.DeleteBody);

    private static string Name(IKubernetesObject item) =>
        item.Metadata.Name ?? throw new ArgumentException("The object has no name.", nameof(item));

    /// <summary>
    /// Not subject to <see cref="KubernetesClientOptions.MayWrite"/>: questions that are asked by POST, and what decides who may write.
    /// </summary>
    private static bool IsFree<T>(ResourceKind<T> kind)
        where T : class, IKubernetesObject => kind.Group is "authentication.k8s.io" or "authorization.k8s.io" or "coordination.k8s.io";

    private static string Query(string name, string? value) => value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";

    private static string Query(WriteOptions? options) => options is null
        ? ""
        : Query("fieldManager", options.FieldManager) + Query("fieldValidation", options.FieldValidation)
            + (options.DryRun ? Query("dryRun", "All") : "");
}

/// <summary>How a write is made where it is not plainly.</summary>
public sealed record WriteOptions
{
    public string? FieldManager { get; init; }

    /// <summary><c>Strict</c>, <c>Warn</c> or <c>Ignore</c>; servers before 1.25 know nothing of it.</summary>
    public string? FieldValidation { get; init; }
    public bool DryRun { get; init; }
}

internal sealed record DeleteBody
{
    public string ApiVersion => "v1";
    public string Kind => "DeleteOptions";
    public DeletePreconditions? Preconditions { get; init; }
    public string? PropagationPolicy { get; init; }
    public int? GracePeriodSeconds { get; init; }
}

internal sealed record DeletePreconditions(string? Uid, string? ResourceVersion);
