using Hem.Progress.Grpc;

namespace Hem.Progress;

/// <summary>Where a trainer reports to, and as whom.</summary>
public sealed record ProgressClientOptions
{
    /// <summary>HEM_PROGRESS_ADDRESS: <c>unix:/path</c>, <c>https://host:port</c> or <c>http://host:port</c>.</summary>
    public required string Address { get; init; }

    /// <summary>Name of the trial, as in HEM_TRIAL.</summary>
    public required string Trial { get; init; }

    /// <summary>HEM_ATTEMPT.</summary>
    public required string Attempt { get; init; }

    /// <summary>HEM_PROGRESS_TOKEN_FILE. Read at each connection.</summary>
    public required string TokenFile { get; init; }

    /// <summary>HEM_PROGRESS_CA_FILE (PEM, one certificate or several), or null. Read at each connection.</summary>
    public string? CaFile { get; init; }

    /// <summary>For people: program and version.</summary>
    public string Program { get; init; } = "";

    /// <summary>For people: what it computes with.</summary>
    public string Device { get; init; } = "";

    /// <summary>Longest wait between two connections; null = 1 s to a unix socket, 5 s else.</summary>
    public TimeSpan? LongestBackoff { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Is told when the connection is lost, refused and found again, one line each.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Lets tests put faults into the way.</summary>
    internal Func<GrpcChannelOptions, GrpcChannelOptions>? Channel { get; init; }
}

/// <summary>This attempt is over and the server will never take its reports: touch nothing more, not even to save.</summary>
public sealed class ProgressRefusedException(StatusCode code, string detail)
    : Exception($"Hem refuses this attempt's reports ({code}): {detail}")
{
    public StatusCode StatusCode { get; } = code;
}
