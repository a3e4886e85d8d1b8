using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Hem.Kubernetes;

/// <summary>
/// Tells users what happened to their objects. Never blocks and never throws: an event is for reading, and nothing may depend on one. When
/// the server cannot be reached for long, or there are too many, some are dropped and counted. Thread-safe.
/// </summary>
public sealed class EventRecorder : IAsyncDisposable
{
    internal const int MostWaiting = 1000;
    internal const int MostTries = 5;

    /// <summary>A longer message is cut: the API's newer half refuses them.</summary>
    public const int MaxMessageBytes = 1024;

    private static readonly TimeSpan _drainTime = TimeSpan.FromSeconds(2);

    private readonly KubernetesClient _client;
    private readonly string _component;
    private readonly string _instance;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly EventCorrelator _correlator;
    private readonly Channel<Occurrence> _waiting;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private long _dropped;

    /// <param name="client">Needs to be allowed to create and patch events.</param>
    /// <param name="component">The program, for instance <c>hem-operator</c>.</param>
    /// <param name="instance">This process of it: its pod's name.</param>
    public EventRecorder(KubernetesClient client, string component, string instance)
    {
        (_client, _component, _instance) = (client, component, instance);
        (_time, _logger) = (client.Options.Time, client.Options.Logger);
        _correlator = new(_time);
        _waiting = Channel.CreateBounded<Occurrence>(
            new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true }, DropNew);
        _running = Task.Run(RunAsync);
    }

    private readonly record struct Occurrence(V1ObjectReference About, string Type, string Reason, string Message,
        TaskCompletionSource? Flushed);

    /// <summary>How many events were not written.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public void Normal(IKubernetesObject about, string reason, string message) => Record(Reference(about), "Normal", reason, message);

    public void Warning(IKubernetesObject about, string reason, string message) => Record(Reference(about), "Warning", reason, message);

    public void Record(V1ObjectReference about, string type, string reason, string message) =>
        _waiting.Writer.TryWrite(new(about, type, reason, Cut(message), null));

    /// <summary>Returns when all events that were recorded before are written or dropped.</summary>
    public async Task FlushAsync(CancellationToken cancel = default)
    {
        var flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_waiting.Writer.TryWrite(new(new(), "", "", "", flushed))) return;
        await Task.WhenAny(flushed.Task, _running).WaitAsync(cancel);
    }

    /// <summary>Writes what waits, for a few seconds at most.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_waiting.Writer.TryComplete()) return;
        _stop.CancelAfter(_drainTime);
        await _running;
        _stop.Dispose();
    }

    private static V1ObjectReference Reference(IKubernetesObject about) => new()
    {
        ApiVersion = about.ApiVersion,
        Kind = about.Kind,
        Namespace = about.Metadata.Namespace,
        Name = about.Metadata.Name,
        Uid = about.Metadata.Uid,
        ResourceVersion = about.Metadata.ResourceVersion,
    };

    private async Task RunAsync()
    {
        await foreach (var occurrence in _waiting.Reader.ReadAllAsync())
        {
            if (occurrence.Flushed is { } flushed)
            {
                flushed.SetResult();
                continue;
            }
            try
            {
                if (_stop.IsCancellationRequested) Drop();
                else await WriteAsync(occurrence);
            }
            catch (Exception exception)
            {
                Log.EventFailed(_logger, occurrence.Reason, $"{occurrence.About.Kind} {occurrence.About.Name}", exception.Message);
                Drop();
            }
        }
    }

    private async Task WriteAsync(Occurrence occurrence)
    {
        if (_correlator.Take(occurrence.About, occurrence.Type, occurrence.Reason, occurrence.Message) is not var (written, message))
        {
            Drop();
            return;
        }
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (written.IsNew || !await CountUpAsync(occurrence, written, message)) await CreateAsync(occurrence, written, message);
                return;
            }
            catch (Exception exception) when (attempt < MostTries && IsPassing(exception))
            {
                await Task.Delay(TimeSpan.FromSeconds(1 << (attempt - 1)), _time, _stop.Token);
            }
        }
    }

    private static bool IsPassing(Exception exception) =>
        exception is HttpRequestException
            or KubernetesException { StatusCode: >= HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests };

    /// <returns>False where the event is there no more.</returns>
    private async Task<bool> CountUpAsync(Occurrence occurrence, EventCorrelator.Written written, string message)
    {
        var patch = new JsonObject
        {
            ["count"] = written.Count,
            ["lastTimestamp"] = _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
            ["message"] = message,
        };
        try
        {
            await _client.MergePatchAsync(Resources.Events, Namespace(occurrence), written.Name, patch, cancel: _stop.Token);
            return true;
        }
        catch (KubernetesException exception) when (exception.IsNotFound)
        {
            return false;
        }
    }

    private async Task CreateAsync(Occurrence occurrence, EventCorrelator.Written written, string message)
    {
        try
        {
            await _client.CreateAsync(Resources.Events, new CoreV1Event
            {
                Metadata = new() { Namespace = Namespace(occurrence), Name = written.Name },
                InvolvedObject = occurrence.About,
                Type = occurrence.Type,
                Reason = occurrence.Reason,
                Message = message,
                Count = written.Count,
                FirstTimestamp = written.First,
                LastTimestamp = _time.GetUtcNow(),
                Source = new() { Component = _component },
                ReportingComponent = _component,
                ReportingInstance = _instance,
            }, cancel: _stop.Token);
        }
        catch (KubernetesException exception) when (exception.IsAlreadyExists)
        {
            // An earlier try did it, whose answer was lost.
        }
        written.IsNew = false;
    }

    /// <summary>Events of what lives in no namespace live in this one.</summary>
    private static string Namespace(Occurrence occurrence) => occurrence.About.Namespace ?? "default";

    private void DropNew(Occurrence occurrence)
    {
        // The caller of a flush that finds the queue full has waited for nothing less than the others.
        if (occurrence.Flushed is { } flushed) flushed.SetResult();
        else Drop();
    }

    private void Drop()
    {
        Interlocked.Increment(ref _dropped);
        KubernetesMetrics.EventDropped(_component);
    }

    private static string Cut(string message)
    {
        if (Encoding.UTF8.GetByteCount(message) <= MaxMessageBytes) return message;
        var cut = message.AsSpan(0, Math.Min(message.Length, MaxMessageBytes - 3));
        while (Encoding.UTF8.GetByteCount(cut) > MaxMessageBytes - 3) cut = cut[..^1];
        if (char.IsHighSurrogate(cut[^1])) cut = cut[..^1];
        return $"{cut}...";
    }
}
