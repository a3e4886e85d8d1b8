using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hem.Kubernetes;

public sealed partial class KubernetesClient
{
    private readonly KubernetesClientOptions _options;
    private readonly Credentials _credentials;
    private readonly HttpMessageInvoker _http;
    private readonly RateLimiter? _limiter;
    private readonly string _host;
    private readonly ServerWarnings _warnings;

    public KubernetesClient(KubernetesClientConfiguration configuration, KubernetesClientOptions? options = null)
    {
        Configuration = configuration;
        _options = options ?? new();
        _credentials = Credentials.From(configuration, _options.Time);
        _host = configuration.Server.Authority;
        _warnings = new(_options.Logger);
        _limiter = _options.QueriesPerSecond is { } rate ? new(rate, _options.Burst, _options.Time) : null;
        HttpMessageHandler handler = NewHandler();
        _http = new(_options.WrapHandler?.Invoke(handler) ?? handler, disposeHandler: true);
    }

    internal KubernetesClientOptions Options => _options;

    public void Dispose()
    {
        _http.Dispose();
        _credentials.Dispose();
    }

    /// <summary>A request, which may be tried more than once.</summary>
    private sealed record Request(HttpMethod Method, string Path, string Query = "")
    {
        public byte[]? Body { get; init; }
        public string ContentType { get; init; } = Json;
        public string Accept { get; init; } = Json;
        public IEnumerable<KeyValuePair<string, string>>? Headers { get; init; }

        /// <summary>Doing it twice does no more than once.</summary>
        public bool Repeatable { get; init; }

        /// <summary>Not subject to <see cref="KubernetesClientOptions.MayWrite"/>.</summary>
        public bool IsFree { get; init; }

        public override string ToString() => $"{Method} /{Path}";
    }

    private SocketsHttpHandler NewHandler()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            // One connection carries it all; a second is opened where the server allows no more streams on the first.
            EnableMultipleHttp2Connections = true,
            // A server that went away without a word is noticed in 45 s, though a watch says nothing for minutes.
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // New connections see rotated client certificates, and servers that were added.
            PooledConnectionLifetime = TimeSpan.FromMinutes(30),
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = new ServerTrust(Configuration, _options.Time).Callback,
                LocalCertificateSelectionCallback = (_, _, _, _, _) => _credentials.Certificate!,
            },
        };
        if (Configuration.Proxy is { } proxy) handler.Proxy = new WebProxy(proxy);
        return handler;
    }

    private async Task<ResponseBody> SendAsync(Request request, CancellationToken cancel)
    {
        using var deadline = new Deadline(_options.Time, cancel);
        using var response = await OpenAsync(request, deadline);
        return await ReadBodyAsync(request, response, deadline);
    }

    /// <summary>The beginning of a successful answer, after as many tries as are allowed.</summary>
    private async Task<HttpResponseMessage> OpenAsync(Request request, Deadline deadline)
    {
        Credentials.Refusal? refused = null;
        for (var attempt = 0; ; attempt++)
        {
            deadline.Set(_options.RequestTimeout);
            var (response, sent) = await TryAsync(request, refused, deadline);
            if (response.IsSuccessStatusCode) return response;
            KubernetesException error;
            using (response) error = await ErrorAsync(request, response, deadline);
            if (error.StatusCode == HttpStatusCode.Unauthorized && refused is null)
            {
                refused = new(sent);
                continue;
            }
            if (attempt >= _options.MaxRetries || DelayBeforeRetry(request, error) is not { } delay) throw error;
            Log.Retrying(_options.Logger, request.Method.Method, request.Path, delay, attempt + 1);
            deadline.Set(Timeout.InfiniteTimeSpan);
            // Not all at the same moment: many were sent away together.
            await Task.Delay(delay * (1 + 0.1 * Random.Shared.NextDouble()), _options.Time, deadline.Token);
        }
    }

    private TimeSpan? DelayBeforeRetry(Request request, KubernetesException error)
    {
        var refused = error.StatusCode == HttpStatusCode.TooManyRequests;
        var failed = error.StatusCode >= HttpStatusCode.InternalServerError && error.RetryAfter is not null;
        if (!refused && !(failed && request.Repeatable)) return null;
        var delay = error.RetryAfter ?? TimeSpan.FromSeconds(1);
        return delay <= _options.MaxRetryAfter ? delay : null;
    }

    /// <returns>The beginning of the answer, and the token that was sent.</returns>
    private async Task<(HttpResponseMessage Response, string? Token)> TryAsync(Request request, Credentials.Refusal? refused,
        Deadline deadline)
    {
        if (_limiter is not null) await _limiter.WaitAsync(deadline.Token);
        using var message = await MessageAsync(request, refused, deadline);
        // The last thing before it is sent: a process may have been stopped for long since the caller decided to write.
        if (!request.IsFree && request.Method != HttpMethod.Get && _options.MayWrite?.Invoke() == false)
            throw new WriteRefusedException($"{request}: not sent, for this process may not write now.");
        var started = _options.Time.GetTimestamp();
        HttpStatusCode? status = null;
        try
        {
            var response = await _http.SendAsync(message, deadline.Token);
            status = response.StatusCode;
            _warnings.Tell(request.ToString(), response);
            return (response, message.Headers.Authorization?.Parameter);
        }
        // A connection that is not made in time ends in the same exception, though nobody cancelled anything.
        catch (OperationCanceledException exception) when (deadline.HasPassed || !deadline.Token.IsCancellationRequested)
        {
            throw NoAnswer(request, exception);
        }
        catch (IOException exception)
        {
            throw Broken(request, exception);
        }
        finally
        {
            var duration = _options.Time.GetElapsedTime(started);
            KubernetesMetrics.Request(request.Method, _host, status is { } code ? Text(code) : "<error>", duration);
            _options.OnRequest?.Invoke(new(request.Method, "/" + request.Path, status, duration));
        }
    }

    private async Task<HttpRequestMessage> MessageAsync(Request request, Credentials.Refusal? refused, Deadline deadline)
    {
        string? token;
        try
        {
            token = await _credentials.TokenAsync(refused, deadline.Token);
        }
        catch (OperationCanceledException exception) when (deadline.HasPassed)
        {
            throw NoAnswer(request, exception);
        }
        var query = request.Query.Length == 0 ? "" : "?" + request.Query[1..];
        var message = new HttpRequestMessage(request.Method, new Uri(Configuration.Server, request.Path + query))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        if (token is not null) message.Headers.Authorization = new("Bearer", token);
        // The name that is asked for in TLS follows this header.
        if (Configuration.TlsServerName is { } host) message.Headers.Host = host;
        if (Configuration.ImpersonateUser is { } user) message.Headers.Add("Impersonate-User", user);
        message.Headers.TryAddWithoutValidation("Accept", request.Accept);
        message.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        foreach (var (name, value) in request.Headers ?? [])
            message.Headers.TryAddWithoutValidation(name, value);
        if (request.Body is not null)
            message.Content = new ByteArrayContent(request.Body) { Headers = { ContentType = new(request.ContentType) } };
        return message;
    }

    private async Task<ResponseBody> ReadBodyAsync(Request request, HttpResponseMessage response, Deadline deadline)
    {
        try
        {
            return await ResponseBody.ReadAsync(response.Content, deadline.Token);
        }
        catch (OperationCanceledException exception) when (deadline.HasPassed)
        {
            throw NoAnswer(request, exception);
        }
        catch (IOException exception)
        {
            throw Broken(request, exception);
        }
    }

    private async Task<KubernetesException> ErrorAsync(Request request, HttpResponseMessage response, Deadline deadline)
    {
        using var body = await ReadBodyAsync(request, response, deadline);
        V1Status? status = null;
        try
        {
            status = JsonSerializer.Deserialize(body.Bytes.Span, KubernetesJson.Default.V1Status);
        }
        catch (JsonException)
        {
            // Proxies, and the server's own outermost handlers, answer in plain text.
        }
        if (status?.Status is null)
            status = new() { Status = "Failure", Code = (int)response.StatusCode, Message = body.Head() };
        return NewException(request.ToString(), status, response.StatusCode, RetryAfter(response, status));
    }

    internal static KubernetesException NewException(string request, V1Status status, HttpStatusCode code, TimeSpan? retryAfter)
    {
        var reason = status.Reason is { Length: > 0 } given ? given : code.ToString();
        return new($"{request}: {Text(code)} {reason}: {status.Message}", status, code, retryAfter);
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response, V1Status status) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => TimeSpan.FromTicks(Math.Max(0, (date - _options.Time.GetUtcNow()).Ticks)),
        _ => status.Details?.RetryAfterSeconds is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : null,
    };

    private T Read<T>(ResourceKind<T> kind, ResponseBody body, HttpMethod? method = null, string? path = null)
        where T : class, IKubernetesObject
    {
        var item = Read(method ?? HttpMethod.Get, path ?? kind.ToString(), body, kind.Json);
        item.ApiVersion ??= kind.ApiVersion;
        item.Kind ??= kind.Kind;
        return item;
    }

    private T Read<T>(HttpMethod method, string path, ResponseBody body, JsonTypeInfo<T> json)
    {
        try
        {
            return JsonSerializer.Deserialize(body.Bytes.Span, json) ?? throw new JsonException("The answer is null.");
        }
        catch (JsonException exception)
        {
            throw NotJson(method, path, exception);
        }
    }

    private HttpRequestException NotJson(HttpMethod method, string path, JsonException exception) =>
        new($"{method} /{path} at {Configuration.Server}: the answer makes no sense: {exception.Message}", exception);

    private HttpRequestException NoAnswer(Request request, Exception exception) => new(
        $"{request} at {Configuration.Server}: no whole answer within {_options.RequestTimeout.TotalSeconds:0.#} s.", exception);

    private HttpRequestException Broken(Request request, Exception exception) =>
        new($"{request} at {Configuration.Server}: the answer broke off: {exception.Message}", exception);

    private static string Text(HttpStatusCode code) => ((int)code).ToString(CultureInfo.InvariantCulture);
}
