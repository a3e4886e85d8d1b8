using Hem.Operator.Metrics;
using Hem.Operator.Progress;
using Hem.Results;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace Hem.Operator.Web;

/// <summary>
/// <c>GET /v1/namespaces/NS/sweeps/NAME/FILE</c>: a sweep's report.html, points.csv, ranking.json or ranking.txt, for whoever may get that
/// sweep from the API server. Whoever may not cannot tell whether there is one.
/// </summary>
/// <remarks>
/// The bearer token comes as <c>Authorization</c>, or as <see cref="TokenHeader"/> through the API server's proxy, which takes the former
/// off. <c>Accept: application/octet-stream</c> gets the file as that: the API server's proxy rewrites what says that it is HTML.
/// </remarks>
internal sealed class AnswerEndpoints(
    AnswerCache answers, AccessReviewer access, NamespaceAges namespaces, OperatorMetrics metrics, ILogger logger)
{
    public const string TokenHeader = "Hem-Authorization";

    private const string Scheme = "Bearer ";
    private const string Bytes = "application/octet-stream";

    private static readonly Dictionary<string, string> _types = new(StringComparer.Ordinal)
    {
        [AnswerCache.Page] = "text/html; charset=utf-8",
        [AnswerCache.Points] = "text/csv; charset=utf-8; header=present",
        [AnswerCache.Ranking] = "application/json",
        [AnswerCache.RankingText] = "text/plain; charset=utf-8",
    };

    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapMethods("/v1/namespaces/{namespace}/sweeps/{sweep}/{file}", ["GET", "HEAD"], (RequestDelegate)HandleAsync);

    private async Task HandleAsync(HttpContext http)
    {
        var (space, sweep, file) = (Route(http, "namespace"), Route(http, "sweep"), Route(http, "file"));
        try
        {
            await AnswerAsync(http, space, sweep, file).ConfigureAwait(false);
        }
        catch (TooManyTokensException e)
        {
            http.Response.Headers.RetryAfter = "5";
            await RefuseAsync(http, StatusCodes.Status429TooManyRequests, e.Message).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StoreException or IOException or HttpRequestException && !http.Response.HasStarted
            && !http.RequestAborted.IsCancellationRequested)
        {
            OperatorLog.AnswerFailed(logger, space, sweep, file, e.Message);
            await RefuseAsync(http, StatusCodes.Status503ServiceUnavailable, "it cannot be answered now; try again later")
                .ConfigureAwait(false);
        }
        finally
        {
            metrics.Answered(_types.ContainsKey(file) ? file : "other", http.Response.StatusCode);
        }
    }

    private async Task AnswerAsync(HttpContext http, string space, string sweep, string file)
    {
        if (TokenOf(http.Request) is not { } token)
        {
            await UnauthorizedAsync(http, "send a token of the cluster: `Authorization: Bearer TOKEN`").ConfigureAwait(false);
            return;
        }

        string peer = http.Connection.RemoteIpAddress?.ToString() ?? "";
        switch (await access.ReviewAsync(token, peer, space, sweep, http.RequestAborted).ConfigureAwait(false))
        {
            case Access.Unknown:
                await UnauthorizedAsync(http, "the API server does not know the token").ConfigureAwait(false);
                return;
            case Access.Denied:
                await RefuseAsync(http, StatusCodes.Status403Forbidden,
                    $"you may not get hemsweeps.hem.dev \"{sweep}\" in namespace \"{space}\"").ConfigureAwait(false);
                return;
        }

        if (!_types.TryGetValue(file, out var type))
            await RefuseAsync(http, StatusCodes.Status404NotFound, $"there is no {file}; there are {string.Join(", ", _types.Keys)}")
                .ConfigureAwait(false);
        else if (await namespaces.CreatedAsync(space, http.RequestAborted).ConfigureAwait(false) is { } since
            && await answers.FindAsync(space, sweep, since, http.RequestAborted).ConfigureAwait(false) is { } found)
            await SendAsync(http, found, file, type).ConfigureAwait(false);
        else
            await RefuseAsync(http, StatusCodes.Status404NotFound, $"there are no results of a sweep \"{sweep}\" in namespace \"{space}\"")
                .ConfigureAwait(false);
    }

    private static async Task SendAsync(HttpContext http, Answers found, string file, string type)
    {
        var tag = new EntityTagHeaderValue($"\"{found.Tag}\"");
        var headers = http.Response.GetTypedHeaders();
        headers.ETag = tag;
        headers.CacheControl = new CacheControlHeaderValue { Private = true, NoCache = true };
        http.Response.Headers.Vary = "Authorization, " + TokenHeader;
        http.Response.Headers.XContentTypeOptions = "nosniff";
        // The page has no scripts and loads nothing.
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
        if (http.Request.GetTypedHeaders().IfNoneMatch.Any(known =>
                known.Compare(tag, useStrongComparison: false) || known == EntityTagHeaderValue.Any))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        // Opened before anything is said: from here on it stays readable, though a newer report may take its place.
        await using var data = new FileStream(Path.Combine(found.Folder, file), FileMode.Open, FileAccess.Read,
            FileShare.Read | FileShare.Delete, bufferSize: 1 << 16, useAsync: true);
        http.Response.ContentType = http.Request.Headers.Accept == Bytes ? Bytes : type;
        http.Response.ContentLength = data.Length;
        if (HttpMethods.IsGet(http.Request.Method)) await data.CopyToAsync(http.Response.Body, http.RequestAborted).ConfigureAwait(false);
    }

    private static string? TokenOf(HttpRequest request)
    {
        foreach (var value in new[] { request.Headers.Authorization.ToString(), request.Headers[TokenHeader].ToString() })
            if (value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && value[Scheme.Length..].Trim() is { Length: > 0 } token)
                return token;
        return null;
    }

    private static Task UnauthorizedAsync(HttpContext http, string why)
    {
        http.Response.Headers.WWWAuthenticate = "Bearer";
        return RefuseAsync(http, StatusCodes.Status401Unauthorized, why);
    }

    private static Task RefuseAsync(HttpContext http, int status, string why)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync($"hem: {why}\n", http.RequestAborted);
    }

    private static string Route(HttpContext http, string name) => http.GetRouteValue(name) as string ?? "";
}
