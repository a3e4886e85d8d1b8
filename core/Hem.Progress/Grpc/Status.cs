namespace Hem.Progress.Grpc;

/// <summary>How a call ended. The numbers are what travels in <c>grpc-status</c>.</summary>
public enum StatusCode
{
    OK = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// <summary>A status code and the sentence that goes with it.</summary>
public readonly struct Status(StatusCode statusCode, string? detail, Exception? debugException = null)
{
    public static readonly Status DefaultSuccess = new(StatusCode.OK, "");
    public static readonly Status DefaultCancelled = new(StatusCode.Cancelled, "");

    public StatusCode StatusCode { get; } = statusCode;

    /// <summary>For people; travels in <c>grpc-message</c>.</summary>
    public string Detail { get; } = detail ?? "";

    /// <summary>What went wrong on this side, if that is how the call ended. Never travels.</summary>
    public Exception? DebugException { get; } = debugException;

    public override string ToString() =>
        DebugException is null
            ? $"Status(StatusCode=\"{StatusCode}\", Detail=\"{Detail}\")"
            : $"Status(StatusCode=\"{StatusCode}\", Detail=\"{Detail}\", DebugException=\"{DebugException.GetType()}: "
                + $"{DebugException.Message}\")";
}

/// <summary>
/// A call that did not end with <see cref="StatusCode.OK"/>. Thrown to a client by everything it awaits of the call; thrown by a
/// server's handler it becomes the status of the call, and its trailers are added to the call's.
/// </summary>
public sealed class RpcException(Status status, Metadata trailers, string message) : Exception(message, status.DebugException)
{
    public RpcException(Status status)
        : this(status, Metadata.Empty)
    {
    }

    public RpcException(Status status, Metadata trailers)
        : this(status, trailers, status.ToString())
    {
    }

    public Status Status { get; } = status;
    public StatusCode StatusCode => Status.StatusCode;
    public Metadata Trailers { get; } = trailers;
}
