namespace Hem.Cli;

/// <summary>What `hem` says to the shell. From 64 on as in sysexits.h.</summary>
internal static class ExitCodes
{
    public const int Complete = 0;
    public const int SomeFailed = 1;
    public const int Unfinished = 3;
    public const int BadInput = 64;
    public const int Unavailable = 69;
    public const int Internal = 70;
    public const int Storage = 74;
    public const int Interrupted = 130;

    public const string Help = """
          0    the sweep is complete
          1    complete, but some trials failed for good
          3    not complete: suspended by its spec, or its budget is used up
          64   bad input: the file or the command line
          69   something needed is missing or in use (another hem run, no trainer program)
          70   a fault of hem itself
          74   the store cannot be read or written
          130  interrupted; the same command goes on where it stopped
        """;
}
