using Microsoft.Extensions.Logging;

namespace Hem.Kubernetes;

/// <summary>Everything that this library logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "{Method} {Path}: the server asks to come again in {Delay}; attempt {Attempt}")]
    public static partial void Retrying(ILogger logger, string method, string path, TimeSpan delay, int attempt);

    [LoggerMessage(2, LogLevel.Debug, "{Kind}: the list's continue token is too old; reading it whole")]
    public static partial void ListExpired(ILogger logger, string kind);

    [LoggerMessage(3, LogLevel.Warning, "{Request}: the server warns: {Warning}")]
    public static partial void ServerWarns(ILogger logger, string request, string warning);

    [LoggerMessage(10, LogLevel.Debug, "{Kind}: listed {Count} objects at resourceVersion {ResourceVersion}")]
    public static partial void Listed(ILogger logger, string kind, int count, string resourceVersion);

    [LoggerMessage(11, LogLevel.Information, "{Kind}: listing again, because {Reason}")]
    public static partial void Relisting(ILogger logger, string kind, string reason);

    [LoggerMessage(12, LogLevel.Warning, "{Kind}: cannot be listed or watched, trying again in {Delay}: {Fault}")]
    public static partial void InformerFailed(ILogger logger, string kind, TimeSpan delay, string fault);

    [LoggerMessage(13, LogLevel.Error, "{Kind} {Key}: a handler of its change failed")]
    public static partial void HandlerFailed(ILogger logger, Exception exception, string kind, ObjectKey key);

    [LoggerMessage(14, LogLevel.Debug, "{Kind}: the watch broke off at resourceVersion {ResourceVersion}: {Reason}")]
    public static partial void WatchBroke(ILogger logger, string kind, string resourceVersion, string reason);

    [LoggerMessage(20, LogLevel.Warning, "{Queue}: work on {Key} failed; again in {Delay}: {Fault}")]
    public static partial void ReconcileFailed(
        ILogger logger, Exception? exception, string queue, object key, TimeSpan delay, string fault);

    [LoggerMessage(30, LogLevel.Information, "Lease {Lease}: {Identity} leads")]
    public static partial void Leads(ILogger logger, string lease, string identity);

    [LoggerMessage(31, LogLevel.Information, "Lease {Lease}: held by {Holder}")]
    public static partial void HeldBy(ILogger logger, string lease, string holder);

    [LoggerMessage(32, LogLevel.Warning, "Lease {Lease}: {Identity} leads no more: {Reason}")]
    public static partial void LostLease(ILogger logger, string lease, string identity, string reason);

    [LoggerMessage(33, LogLevel.Warning, "Lease {Lease}: cannot be read or written: {Reason}")]
    public static partial void LeaseFailed(ILogger logger, string lease, string reason);

    [LoggerMessage(34, LogLevel.Information, "Lease {Lease}: released by {Identity}")]
    public static partial void Released(ILogger logger, string lease, string identity);

    [LoggerMessage(40, LogLevel.Debug, "Event {Reason} of {Object} could not be recorded: {Fault}")]
    public static partial void EventFailed(ILogger logger, string reason, string @object, string fault);
}
