using Hem.Cli.Processes;
using Hem.Progress;

namespace Hem.Cli.Engine;

/// <summary>An attempt whose process runs, as far as we know.</summary>
internal sealed class LiveAttempt(AttemptIdentity identity, string logFile, string tokenFile, DateTimeOffset startedAt)
{
    public AttemptIdentity Identity => identity;

    public string Trial => identity.Trial;

    public int Number => identity.AttemptNumber;

    public string LogFile => logFile;

    public string TokenFile => tokenFile;

    public DateTimeOffset StartedAt => startedAt;

    public SupervisedProcess? Process { get; set; }

    /// <summary>When it was asked to save and leave; null while it was not.</summary>
    public DateTimeOffset? StopAskedAt { get; set; }

    /// <summary>Why its process is no use to us though it lives: it reports or saves elsewhere. Its end is then a disruption.</summary>
    public string? Estranged { get; set; }

    /// <summary>It was ended because it did not leave in time.</summary>
    public bool Killed { get; set; }

    /// <summary>Its end is being recorded.</summary>
    public bool Ending { get; set; }
}
