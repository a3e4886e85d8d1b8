namespace Hem.Core.Planning;

/// <summary>Where an attempt is. Exited and Gone are terminal: once observed, nothing about the attempt changes again.</summary>
public enum AttemptPhase
{
    /// <summary>Claimed; its process or pod may not exist yet, or waits for a place.</summary>
    Starting,
    Running,

    /// <summary>Asked to save and leave.</summary>
    Stopping,

    /// <summary>Ended; <see cref="AttemptObservation.Outcome"/> says how.</summary>
    Exited,

    /// <summary>Its process or pod vanished without telling an end (the machine restarted, the node was lost): a disruption.</summary>
    Gone,
}

public enum AttemptResult
{
    /// <summary>Exit code 0. The trial is complete only if its Finished is stored too; without it this is a failure.</summary>
    Completed,
    Failed,

    /// <summary>Not the trial's fault: preempted, evicted, its machine lost, told to leave by somebody else than us.</summary>
    Disrupted,

    /// <summary>Left because it was asked to, or was claimed and never launched: neither failure nor disruption.</summary>
    Left,
}

/// <summary>How an attempt ended.</summary>
/// <param name="Result">The class, which decides what happens next.</param>
/// <param name="Reason">For people, one line: "exit code 1", "out of memory", "evicted: disk pressure".</param>
/// <param name="Permanent">With Failed: no retry would help (exit code 64).</param>
public sealed record AttemptOutcome(AttemptResult Result, string Reason, bool Permanent = false)
{
    /// <summary>Exit code of a trainer that left because it was asked to (128 + SIGTERM).</summary>
    public const int LeftExitCode = 143;

    /// <summary>Exit code of a trainer whose configuration is bad.</summary>
    public const int BadConfigurationExitCode = 64;

    public static AttemptOutcome Completed { get; } = new(AttemptResult.Completed, "exit code 0");
    public static AttemptOutcome Left { get; } = new(AttemptResult.Left, "left as asked");
    public static AttemptOutcome NeverLaunched { get; } = new(AttemptResult.Left, "never launched");
    public static AttemptOutcome Failed(string reason, bool permanent = false) => new(AttemptResult.Failed, reason, permanent);
    public static AttemptOutcome Disrupted(string reason) => new(AttemptResult.Disrupted, reason);

    /// <summary>The class of an exit code, as the trial contract defines it.</summary>
    /// <param name="exitCode">As a shell sees it: 128 + n for signal n.</param>
    /// <param name="stopAsked">Hem had asked this attempt to stop (StopAttempt, SIGTERM by the engine).</param>
    /// <param name="reported">The reason of the trainer's own Failed report, if it sent one.</param>
    /// <param name="permanent">That report's `permanent`.</param>
    public static AttemptOutcome FromExit(int exitCode, bool stopAsked, string? reported = null, bool permanent = false) => exitCode switch
    {
        0 => Completed,
        LeftExitCode when stopAsked => Left,
        LeftExitCode => Disrupted("told to leave by somebody else (exit code 143)"),
        BadConfigurationExitCode => Failed(reported ?? "bad configuration (exit code 64)", permanent: true),
        // The engine ends what does not leave in time with SIGKILL: still asked to leave, though it lost what it had not saved.
        137 when stopAsked => new(AttemptResult.Left, "ended after it did not leave in time"),
        > 128 and < 128 + 65 => Failed(reported ?? $"killed by signal {exitCode - 128}", permanent),
        _ => Failed(reported ?? $"exit code {exitCode}", permanent),
    };
}

/// <summary>A stretch of time in which an attempt held its process or pod.</summary>
public readonly record struct HeldTime(DateTimeOffset From, DateTimeOffset To);

/// <summary>One attempt of a trial, as last seen.</summary>
/// <param name="Number">From 1, in the order of claims; numbers are never used twice in the life of a sweep's UID.</param>
/// <param name="Id">The engine's opaque identity of what runs (pid and start time, pod UID); the planner only passes it through.</param>
/// <param name="Phase">Where it is.</param>
public sealed record AttemptObservation(int Number, string Id, AttemptPhase Phase)
{
    /// <summary>Given when <see cref="Phase"/> is Exited; ignored otherwise.</summary>
    public AttemptOutcome? Outcome { get; init; }

    /// <summary>Since when its process or pod exists; null while it only waits (then it costs neither wall clock nor GPU hours).</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it became terminal. Back-off counts from here.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Earlier stretches of the same attempt (a queue took the pod away and gave another one).</summary>
    public IReadOnlyList<HeldTime> Earlier { get; init; } = [];

    /// <summary>GPUs it holds while it runs.</summary>
    public int Gpus { get; init; }

    /// <summary>While Starting: why it does not run yet, one line without names of trials ("unschedulable: 0/4 nodes have ...").</summary>
    public string? Waiting { get; init; }

    public bool IsTerminal => Phase is AttemptPhase.Exited or AttemptPhase.Gone;

    /// <summary>What a terminal attempt counts as, before it is known whether Finished is stored.</summary>
    public AttemptOutcome? Ended => Phase switch
    {
        AttemptPhase.Gone => AttemptOutcome.Disrupted("gone without an exit code"),
        AttemptPhase.Exited => Outcome ?? AttemptOutcome.Failed("ended in an unknown way"),
        _ => null,
    };
}
