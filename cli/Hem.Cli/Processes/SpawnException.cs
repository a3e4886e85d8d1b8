namespace Hem.Cli.Processes;

/// <summary>A program could not be started at all.</summary>
internal sealed class SpawnException(string program, int error)
    : IOException($"cannot start {program}: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error)}")
{
    public int Error => error;
}
