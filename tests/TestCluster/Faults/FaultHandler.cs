using System.Collections.Concurrent;
using System.Net;

namespace Hem.TestCluster;

/// <summary>
/// Stands between a client and the real API server and makes things go wrong as a test says: <c>WrapHandler = faults.Wrap</c>.
/// Rules are tried in the order in which they were added; the first that matches and has times left decides. Thread-safe.
/// </summary>
public sealed class FaultHandler
{
    private readonly Lock _lock = new();
    private readonly List<FaultRule> _rules = [];
    private readonly ConcurrentQueue<FaultRequest> _requests = new();
    private readonly ConcurrentDictionary<FaultStream, bool> _open = new();
    private readonly TaskCompletionSource _killed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _writes;
    private int _killAt;
    private bool _killAfter;

    /// <summary>What counts as a write for <see cref="KillBeforeWrite"/>: all that changes something, unless said otherwise.</summary>
    public Func<HttpRequestMessage, bool> IsWrite { get; init; } = request => request.Method != HttpMethod.Get;

    /// <summary>All requests as the client made them, those that met a fault too.</summary>
    public IReadOnlyCollection<FaultRequest> Requests => _requests;

    /// <summary>How many writes were made.</summary>
    public int Writes => Volatile.Read(ref _writes);

    /// <summary>The client is cut off for good: no request of it reaches the server any more, as if its process were dead.</summary>
    public Task Killed => _killed.Task;

    /// <summary>How many answers are being read: watches, mostly.</summary>
    public int OpenBodies => _open.Count;

    public HttpMessageHandler Wrap(HttpMessageHandler inner) => new Handler(this, inner);

    /// <summary>Requests that match meet the fault, so many times.</summary>
    public FaultRule On(Func<HttpRequestMessage, bool> match, Fault fault, int times = int.MaxValue)
    {
        var rule = new FaultRule(match, fault, times);
        lock (_lock) _rules.Add(rule);
        return rule;
    }

    public FaultRule On(HttpMethod method, string pathContains, Fault fault, int times = int.MaxValue) =>
        On(request => request.Method == method && request.RequestUri!.PathAndQuery.Contains(pathContains, StringComparison.Ordinal),
            fault, times);

    /// <summary>Watches of a resource, by its plural.</summary>
    public FaultRule OnWatch(string plural, Fault fault, int times = int.MaxValue) =>
        On(request => IsWatch(request.RequestUri!)
            && request.RequestUri!.AbsolutePath.EndsWith("/" + plural, StringComparison.Ordinal), fault, times);

    /// <summary>Lists of a resource, by its plural.</summary>
    public FaultRule OnList(string plural, Fault fault, int times = int.MaxValue) =>
        On(request => request.Method == HttpMethod.Get && !IsWatch(request.RequestUri!)
            && request.RequestUri!.AbsolutePath.EndsWith("/" + plural, StringComparison.Ordinal), fault, times);

    /// <summary>From the n-th write (1 is the first) on nothing goes through, that write included.</summary>
    public void KillBeforeWrite(int n) => (_killAt, _killAfter) = (n, false);

    /// <summary>The n-th write is carried out, but its answer is lost, and nothing goes through any more.</summary>
    public void KillAfterWrite(int n) => (_killAt, _killAfter) = (n, true);

    /// <summary>Nothing goes through any more.</summary>
    public void Kill()
    {
        _killed.TrySetResult();
        BreakOpenBodies();
    }

    /// <summary>Breaks off every answer that is being read: all watches drop.</summary>
    public void BreakOpenBodies()
    {
        foreach (var body in _open.Keys) body.Break();
    }

    private static bool IsWatch(Uri uri) => uri.Query.Contains("watch=true", StringComparison.Ordinal);

    private Fault? Next(HttpRequestMessage request)
    {
        lock (_lock)
        {
            foreach (var rule in _rules)
                if (rule.Take(request)) return rule.Fault;
        }
        return null;
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, Func<Task<HttpResponseMessage>> send, CancellationToken cancel)
    {
        HttpStatusCode? status = null;
        try
        {
            ThrowIfKilled();
            var write = IsWrite(request) ? Interlocked.Increment(ref _writes) : 0;
            if (write > 0 && write == _killAt && !_killAfter) Kill();
            ThrowIfKilled();
            var answer = await FaultyAsync(request, send, cancel);
            status = answer.StatusCode;
            if (write > 0 && write == _killAt)
            {
                answer.Dispose();
                Kill();
            }
            ThrowIfKilled();
            return answer;
        }
        finally
        {
            _requests.Enqueue(new(request.Method, request.RequestUri!, status));
        }
    }

    private async Task<HttpResponseMessage> FaultyAsync(
        HttpRequestMessage request, Func<Task<HttpResponseMessage>> send, CancellationToken cancel)
    {
        var fault = Next(request);
        if (fault?.Before is { } before) await before(cancel).WaitAsync(cancel);
        if (fault?.Answer is { } made) return made(request);
        if (fault?.IsDropped == true) throw new HttpRequestException("Dropped by a test before it was sent.");
        if (fault?.IsRepeated == true) (await send()).Dispose();
        var answer = await send();
        if (fault?.After is { } after) await after(cancel).WaitAsync(cancel);
        if (fault?.IsAnswerDropped == true)
        {
            answer.Dispose();
            throw new HttpRequestException("The answer was dropped by a test.");
        }
        var inner = await answer.Content.ReadAsStreamAsync(cancel);
        var body = new FaultStream(inner, fault ?? Fault.None, stream => _open.TryRemove(stream, out _));
        _open.TryAdd(body, true);
        var content = new StreamContent(body);
        // What is wrong with a body is not to be seen from its announced length.
        foreach (var (name, values) in answer.Content.Headers)
            if (name != "Content-Length") content.Headers.TryAddWithoutValidation(name, values);
        answer.Content = content;
        return answer;
    }

    private void ThrowIfKilled()
    {
        if (_killed.Task.IsCompleted) throw new HttpRequestException("The client was cut off by a test.");
    }

    private sealed class Handler(FaultHandler faults, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel) =>
            faults.SendAsync(request, () => base.SendAsync(request, cancel), cancel);
    }
}

/// <summary>A request that was made, and the status of its answer, if one reached the client.</summary>
public sealed record FaultRequest(HttpMethod Method, Uri Uri, HttpStatusCode? Status);

/// <summary>Which requests meet which fault, and how often that was so.</summary>
public sealed class FaultRule(Func<HttpRequestMessage, bool> match, Fault fault, int times)
{
    private int _met;

    public Fault Fault { get; } = fault;

    /// <summary>How many requests met the fault.</summary>
    public int Met => Volatile.Read(ref _met);

    /// <summary>No further request meets the fault.</summary>
    public void End() => times = 0;

    internal bool Take(HttpRequestMessage request)
    {
        if (_met >= times || !match(request)) return false;
        _met++;
        return true;
    }
}
