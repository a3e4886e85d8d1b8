using Microsoft.Extensions.Logging;

namespace Hem.Operator;

/// <summary>What the operator logs about certificates and answers.</summary>
internal static partial class OperatorLog
{
    [LoggerMessage(200, LogLevel.Information, "Certificate authority written: {Current} signs, next is {Next}")]
    public static partial void AuthorityWritten(ILogger logger, string current, string? next);

    [LoggerMessage(201, LogLevel.Error,
        "Secret {Namespace}/{Name} holds no certificate authority that can be read; it is replaced, and trainers connect again once "
        + "their pods see the new one")]
    public static partial void AuthorityUnreadable(ILogger logger, string @namespace, string name);

    [LoggerMessage(202, LogLevel.Warning, "Certificates cannot be looked after now; trying again")]
    public static partial void CertificatesFailed(ILogger logger, Exception exception);

    [LoggerMessage(203, LogLevel.Warning, "ConfigMap hem-progress-ca of namespace {Namespace} cannot be written now; trying again")]
    public static partial void TrustNotPublished(ILogger logger, Exception exception, string @namespace);

    [LoggerMessage(210, LogLevel.Error, "The answer {File} of sweep {Namespace}/{Sweep} failed")]
    public static partial void AnswerFailed(ILogger logger, Exception exception, string file, string @namespace, string sweep);
}
