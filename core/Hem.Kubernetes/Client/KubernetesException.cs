using System.Net;

namespace Hem.Kubernetes;

/// <summary>The API server answered, and it was no success.</summary>
public sealed class KubernetesException(
    string message, V1Status status, HttpStatusCode statusCode, TimeSpan? retryAfter = null, Exception? innerException = null)
    : Exception(message, innerException)
{
    public V1Status Status { get; } = status;
    public HttpStatusCode StatusCode { get; } = statusCode;

    /// <summary>How long the server asked to be left alone.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>The object is not as the resourceVersion or UID of the request said: read it again.</summary>
    public bool IsConflict => StatusCode == HttpStatusCode.Conflict && Status.Reason != "AlreadyExists";

    /// <summary>An object of that name is there. Whether it is the one meant is for the caller to see.</summary>
    public bool IsAlreadyExists => StatusCode == HttpStatusCode.Conflict && Status.Reason == "AlreadyExists";

    public bool IsNotFound => StatusCode == HttpStatusCode.NotFound;

    /// <summary>The resourceVersion, or a list's continue token, is too old: list again.</summary>
    public bool IsGone => StatusCode == HttpStatusCode.Gone;

    /// <summary>The object is wrong, and will be until it is changed.</summary>
    public bool IsInvalid => StatusCode is HttpStatusCode.UnprocessableEntity or HttpStatusCode.BadRequest;

    public bool IsForbidden => StatusCode == HttpStatusCode.Forbidden;

    /// <summary>The namespace is being deleted: nothing can be created in it any more.</summary>
    public bool IsNamespaceTerminating =>
        IsForbidden && Status.Details?.Causes?.Exists(cause => cause.Reason == "NamespaceTerminating") == true;
}
