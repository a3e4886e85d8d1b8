using System.Globalization;
using Hem.Core.Planning;

namespace Core.Tests.Planning;

/// <summary>One thing that happens. Numbers choose among what is possible at that moment, so that every story can be told.</summary>
public abstract record Event
{
    /// <summary>The engine plans and carries out all of it.</summary>
    public sealed record Step : Event;

    /// <summary>The engine dies after some actions of a step, and starts again from the records.</summary>
    public sealed record CrashAfter(int Actions) : Event;

    /// <summary>A notice arrives, late, out of order or again.</summary>
    public sealed record Hear(int Which, bool Again) : Event;

    /// <summary>Another engine with an old view of everything takes a step.</summary>
    public sealed record OldEngineSteps(int View) : Event;
    public sealed record Launch(int Which) : Event;
    public sealed record Requeue(int Which) : Event;

    /// <summary>Finished is stored and the trainer exits with 0.</summary>
    public sealed record Finish(int Which) : Event;

    /// <summary>Finished is stored; the trainer still lives.</summary>
    public sealed record StoreFinished(int Which) : Event;
    public sealed record Exit(int Which, int Code) : Event;

    /// <summary>Its process or pod vanishes.</summary>
    public sealed record Vanish(int Which) : Event;
    public sealed record Wait(int Seconds) : Event;
    public sealed record LoseObject(int Which) : Event;
    public sealed record Take(int Trial, bool Taken) : Event;
    public sealed record Want(int Trials) : Event;
    public sealed record Parallelism(int Value) : Event;
    public sealed record Retries(int Failures, int Disruptions) : Event;
    public sealed record Suspend(bool Value) : Event;
    public sealed record Budget(int WallSeconds, int GpuSeconds) : Event;
    public sealed record Faulty(bool Value) : Event;
}

/// <summary>A random history. <paramref name="Trials"/> are bits: which of the six possible trials the sweep asks for at first.</summary>
public sealed record Story(int Trials, int Parallelism, int Failures, int Disruptions, bool Revisions, IReadOnlyList<Event> Events)
{
    public const int Universe = 6;

    public static string Name(int trial) => string.Create(CultureInfo.InvariantCulture, $"t{trial}");

    public static IReadOnlyList<DesiredTrial> Wanted(int bits) =>
        [.. Enumerable.Range(0, Universe).Where(i => (bits >> i & 1) != 0).Select(i => new DesiredTrial(Name(i), World.HashOf(Name(i))))];

    public DesiredSweep Desired => new()
    {
        Trials = Wanted(Trials),
        Parallelism = Parallelism,
        Retries = new(Failures, Disruptions),
    };

    public override string ToString() =>
        $"sweep of [{string.Join(' ', Wanted(Trials).Select(t => t.Name))}], parallelism {Parallelism}, "
        + $"retries {Failures} + {Disruptions}, {(Revisions ? "with" : "without")} revisions:\n"
        + string.Join('\n', Events.Select(e => "  " + e));
}
