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

    [LoggerMessage(202, LogLevel.Warning,
        "Certificates cannot be looked after now, trying again: {Fault} Trainers that run go on with what they have. If it lasts: is the "
        + "API server there, and may the operator read and write Secret {Namespace}/{Name} and ConfigMaps hem-progress-ca?")]
    public static partial void CertificatesFailed(ILogger logger, Exception? exception, string fault, string @namespace, string name);

    [LoggerMessage(203, LogLevel.Warning,
        "ConfigMap hem-progress-ca of namespace {Namespace} cannot be written now, and no trainer can start there before it is; trying "
        + "again: {Fault}")]
    public static partial void TrustNotPublished(ILogger logger, string @namespace, string fault);

    [LoggerMessage(210, LogLevel.Warning,
        "{Namespace}/{Sweep}: {File} cannot be answered now, and whoever asked is told to ask again later: {Fault} If it lasts: is the "
        + "volume of the results there and not full, and the API server?")]
    public static partial void AnswerFailed(ILogger logger, string @namespace, string sweep, string file, string fault);
}
