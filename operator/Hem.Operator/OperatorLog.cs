using Microsoft.Extensions.Logging;

namespace Hem.Operator;

/// <summary>What the operator logs.</summary>
internal static partial class OperatorLog
{
    [LoggerMessage(1, LogLevel.Information, "Watching sweeps in {Namespaces}.")]
    public static partial void Started(ILogger logger, string namespaces);

    [LoggerMessage(2, LogLevel.Information, "{Namespace}/{Sweep} is {State}: {Message}")]
    public static partial void SweepState(ILogger logger, string? @namespace, string? sweep, string state, string message);

    [LoggerMessage(3, LogLevel.Warning, "{Namespace}/{Sweep}: {Fault} Trying again.")]
    public static partial void StoreTrouble(ILogger logger, string? @namespace, string? sweep, string fault);

    [LoggerMessage(4, LogLevel.Warning, "{Namespace}/{Sweep}: {Fault}")]
    public static partial void SweepTrouble(ILogger logger, string? @namespace, string? sweep, string fault);

    [LoggerMessage(5, LogLevel.Warning, "{Namespace}/{Sweep}: trial {Trial}: {Fault}")]
    public static partial void TrialTrouble(ILogger logger, string? @namespace, string? sweep, string trial, string fault);

    [LoggerMessage(21, LogLevel.Warning, "{Namespace}/{Sweep}: trial {Trial} cannot be worked on now, trying again: {Fault}")]
    public static partial void TrialWaits(ILogger logger, string? @namespace, string? sweep, string trial, string fault);

    [LoggerMessage(6, LogLevel.Information, "{Namespace}/{Sweep}: trial {Trial}: attempt {Number} {Result}: {Reason}")]
    public static partial void AttemptEnded(
        ILogger logger, string? @namespace, string? sweep, string trial, int number, string result, string reason);

    [LoggerMessage(19, LogLevel.Warning,
        "{Namespace}/{Sweep}: trial {Trial}: attempt {Number} failed: {Reason} (its last words: kubectl -n {Namespace} describe hemtrial "
        + "{Trial})")]
    public static partial void AttemptFailed(
        ILogger logger, string? @namespace, string? sweep, string trial, int number, string reason);

    [LoggerMessage(7, LogLevel.Warning,
        "The status of {Kind} {Namespace}/{Name} cannot be written now, and others may not be either; trying again: {Fault}")]
    public static partial void StatusTrouble(ILogger logger, string kind, string? @namespace, string name, string fault);

    [LoggerMessage(9, LogLevel.Warning, "{Identity} leads no more: it ends, and begins anew as a candidate.")]
    public static partial void LeadsNoMore(ILogger logger, string identity);

    [LoggerMessage(10, LogLevel.Information, "Stopping: trainers go on; whoever leads next goes on with their sweeps.")]
    public static partial void Stopping(ILogger logger);

    [LoggerMessage(30, LogLevel.Error,
        "{Identity} has held the lease for {Seconds} s and does none of its work, because it cannot {Step}: {Fault} Nothing is started and "
        + "no report is stored meanwhile; it goes on trying. What to do: docs/runbooks/HemOperatorWithoutLeader.md")]
    public static partial void DoesNotBegin(ILogger logger, string identity, long seconds, string step, string fault);

    [LoggerMessage(11, LogLevel.Information, "Waiting for the result store: {Fault}")]
    public static partial void WaitsForStore(ILogger logger, string fault);

    [LoggerMessage(13, LogLevel.Information,
        "Results of {Namespace}/{Sweep}, deleted at {Deleted:u}, are deleted too: their time is over.")]
    public static partial void ResultsDeleted(ILogger logger, string @namespace, string sweep, DateTimeOffset deleted);

    [LoggerMessage(14, LogLevel.Warning, "Results whose time is over cannot be deleted now, trying again: {Fault}")]
    public static partial void RetentionTrouble(ILogger logger, string fault);

    [LoggerMessage(15, LogLevel.Warning, "Checkpoints of deleted sweep {Sweep} cannot be deleted now: {Fault}")]
    public static partial void CheckpointsStay(ILogger logger, string sweep, string fault);

    [LoggerMessage(16, LogLevel.Error,
        "{Namespace}/{Sweep}: trial {Trial}: what follows the end of attempt {Number} failed: its event may be missing and its Job may "
        + "stay; the trial itself goes on")]
    public static partial void AftermathFailed(
        ILogger logger, Exception exception, string @namespace, string? sweep, string trial, int number);

    [LoggerMessage(17, LogLevel.Information, "Pod {Pod} keeps the leader's label until the next one leads: {Fault}")]
    public static partial void LabelStays(ILogger logger, string pod, string fault);

    [LoggerMessage(18, LogLevel.Warning,
        "{Namespace}/{Sweep}: trial {Trial}: the result store does not know that it is complete, as its HemTrial says: the store was put "
        + "back to an older state. It is not trained again; its curve is lost.")]
    public static partial void StoreIsOlder(ILogger logger, string @namespace, string? sweep, string trial);

    [LoggerMessage(20, LogLevel.Warning,
        "{Namespace}/{Sweep}: trial {Trial}: the result store knows nothing of the attempt that runs: the store was put back to an "
        + "older state. The attempt goes on; what it told before now is lost.")]
    public static partial void StoreIsBehind(ILogger logger, string @namespace, string? sweep, string trial);

    [LoggerMessage(12, LogLevel.Warning, "Pod {Pod} cannot be labelled as the leader now, trying again: {Fault}")]
    public static partial void LabelTrouble(ILogger logger, string pod, string fault);
}
