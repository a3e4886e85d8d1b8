namespace Hem.Cli.Processes;

/// <summary>How a process ended: an exit code, a signal, or unknown where it was not our child.</summary>
internal readonly record struct ExitStatus(int? Code, int? Signal)
{
    public static ExitStatus Unseen => default;

    /// <summary>From the status word of waitpid(2).</summary>
    public static ExitStatus FromWaitStatus(int status) =>
        (status & 0x7f) == 0 ? new((status >> 8) & 0xff, null) : new(null, status & 0x7f);

    /// <summary>As a shell sees it: 128 + n for signal n; null where the end was not seen.</summary>
    public int? ShellCode => Code ?? 128 + Signal;

    public override string ToString() => this switch
    {
        { Code: { } code } => $"exit code {code}",
        { Signal: { } signal } => $"killed by {SignalName(signal)}",
        _ => "end not seen",
    };

    private static string SignalName(int signal) => signal switch
    {
        2 => "SIGINT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL (out of memory?)",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => $"signal {signal}",
    };
}
