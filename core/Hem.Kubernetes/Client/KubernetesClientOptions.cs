using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hem.Kubernetes;

public sealed record KubernetesClientOptions
{
    /// <summary>Puts a handler between the client and the network: for faults in tests.</summary>
    public Func<HttpMessageHandler, HttpMessageHandler>? WrapHandler { get; init; }

    /// <summary>Requests a second, on average; null for no limit, which is right where the server has priority and fairness.</summary>
    public double? QueriesPerSecond { get; init; }

    /// <summary>How many requests may be made at once after a quiet time, where there is a limit.</summary>
    public int Burst { get; init; } = 100;

    /// <summary>For one request and its whole answer; of a watch, for the beginning of the answer.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a request that the server was too busy for is made again before the caller is told.</summary>
    public int MaxRetries { get; init; } = 5;

    /// <summary>A longer Retry-After than this is the caller's to wait for.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Asked before every request that would change something, at each retry too; a no is <see cref="WriteRefusedException"/>.
    /// </summary>
    /// <remarks>
    /// <see cref="LeaderElector.IsLeader"/> here keeps a process that was stopped and continued from writing. Leases and reviews of
    /// tokens and access are written without asking.
    /// </remarks>
    public Func<bool>? MayWrite { get; init; }

    /// <summary>Told of every answer and every request that got none.</summary>
    public Action<KubernetesRequest>? OnRequest { get; init; }

    public string UserAgent { get; init; } = "hem";
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>A request that was made; the status is null where no answer came.</summary>
public readonly record struct KubernetesRequest(HttpMethod Method, string Path, HttpStatusCode? Status, TimeSpan Duration);

/// <summary><see cref="KubernetesClientOptions.MayWrite"/> said no; nothing was sent.</summary>
public sealed class WriteRefusedException(string message) : InvalidOperationException(message);

public sealed record ListOptions
{
    public string? LabelSelector { get; init; }
    public string? FieldSelector { get; init; }

    /// <summary>Objects a request; lists are read in chunks of this size.</summary>
    public int ChunkSize { get; init; } = 500;

    /// <summary>Null for what is true now; <c>0</c> for whatever the server has at hand, which may be old.</summary>
    public string? ResourceVersion { get; init; }
}

public sealed record WatchOptions
{
    public string? LabelSelector { get; init; }
    public string? FieldSelector { get; init; }

    /// <summary>Where to go on from: a list's, an event's or a bookmark's. Null begins with an ADDED for each object there is.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>After this the server ends the watch. Default: between 5 and 10 minutes, by chance.</summary>
    public TimeSpan? Timeout { get; init; }
}

public enum PropagationPolicy
{
    Background,
    Foreground,
    Orphan,
}

public sealed record DeleteOptions
{
    /// <summary>Delete this very object and not a later one of its name.</summary>
    public string? Uid { get; init; }

    /// <summary>Delete the object only as it was seen.</summary>
    public string? ResourceVersion { get; init; }
    public PropagationPolicy? PropagationPolicy { get; init; }
    public int? GracePeriodSeconds { get; init; }
}

public enum WatchEventType
{
    Added,
    Modified,
    Deleted,

    /// <summary>No change: the object has nothing but the resourceVersion up to which all has been told.</summary>
    Bookmark,
}

public readonly record struct WatchEvent<T>(WatchEventType Type, T Object);
