namespace Hem.Cli;

/// <summary>An end that the user can do something about: a plain message and an exit code, never a stack trace.</summary>
internal sealed class HemException(int exitCode, string message) : Exception(message)
{
    public int ExitCode => exitCode;

    /// <summary>The message is complete; nothing is put before it.</summary>
    public bool IsWholeMessage { get; init; }
}
