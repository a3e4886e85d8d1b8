namespace Hem.Trainer.Trials;

/// <summary>How a trainer leaves (docs/trainer-contract.md).</summary>
internal static class ExitCode
{
    /// <summary>The trial is complete: its `Finished` was acknowledged.</summary>
    public const int Finished = 0;

    /// <summary>Anything that a retry may mend.</summary>
    public const int Failed = 1;

    /// <summary>The configuration is bad: no retry would help.</summary>
    public const int BadConfiguration = 64;

    /// <summary>It was asked to leave (SIGTERM or `Stop`), saved and left; never a failure.</summary>
    public const int Left = 143;
}
