using FsCheck;
using FsCheck.Fluent;

namespace Core.Tests.Planning;

/// <summary>Generates stories and makes failing ones short.</summary>
internal static class Stories
{
    /// <summary>With <paramref name="oldEngines"/>, engines with old views act too; then parallelism is not promised.</summary>
    public static Arbitrary<Story> Any(bool oldEngines = false) => Arb.From(Generate(oldEngines), Shrink);

    private static Gen<Story> Generate(bool oldEngines) =>
        from trials in Gen.Choose(1, (1 << Story.Universe) - 1)
        from parallelism in Gen.Choose(1, 3)
        from failures in Gen.Choose(0, 2)
        from disruptions in Gen.Choose(0, 2)
        from revisions in Gen.Elements(true, false)
        from events in Gen.Sized(size => Gen.Choose(0, 20 + size).SelectMany(length => OneEvent(oldEngines).ListOf(length)))
        select new Story(trials, parallelism, failures, disruptions, revisions, [.. events]);

    private static Gen<Event> OneEvent(bool oldEngines)
    {
        var which = Gen.Choose(0, Story.Universe - 1);
        return Gen.Frequency(
            (30, Gen.Constant<Event>(new Event.Step())),
            (4, Gen.Choose(0, 5).Select(n => (Event)new Event.CrashAfter(n))),
            (20, Gen.Choose(0, 30).Zip(Gen.Elements(true, false), (n, again) => (Event)new Event.Hear(n, again))),
            (oldEngines ? 10 : 0, Gen.Choose(0, 30).Select(n => (Event)new Event.OldEngineSteps(n))),
            (20, which.Select(n => (Event)new Event.Launch(n))),
            (3, which.Select(n => (Event)new Event.Requeue(n))),
            (8, which.Select(n => (Event)new Event.Finish(n))),
            (3, which.Select(n => (Event)new Event.StoreFinished(n))),
            (16, which.Zip(Gen.Elements(0, 1, 1, 64, 137, 143, 143), (n, code) => (Event)new Event.Exit(n, code))),
            (4, which.Select(n => (Event)new Event.Vanish(n))),
            (14, Gen.Elements(1, 2, 3, 10, 60).Select(n => (Event)new Event.Wait(n))),
            (3, which.Select(n => (Event)new Event.LoseObject(n))),
            (4, which.Zip(Gen.Elements(true, false), (n, taken) => (Event)new Event.Take(n, taken))),
            (5, Gen.Choose(1, (1 << Story.Universe) - 1).Select(n => (Event)new Event.Want(n))),
            (3, Gen.Choose(0, 3).Select(n => (Event)new Event.Parallelism(n))),
            (1, Gen.Choose(0, 2).Zip(Gen.Choose(0, 2), (f, d) => (Event)new Event.Retries(f, d))),
            (4, Gen.Elements(true, false).Select(on => (Event)new Event.Suspend(on))),
            (2, Gen.Elements(0, 5, 60).Zip(Gen.Elements(0, 5, 60), (w, g) => (Event)new Event.Budget(w, g))),
            (1, Gen.Elements(true, false).Select(on => (Event)new Event.Faulty(on))));
    }

    private static IEnumerable<Story> Shrink(Story story)
    {
        var events = story.Events;
        for (var chunk = events.Count; chunk > 0; chunk /= 2)
            for (var at = 0; at < events.Count; at += chunk)
                yield return story with { Events = [.. events.Take(at), .. events.Skip(at + chunk)] };
        for (var trial = 0; trial < Story.Universe; trial++)
            if ((story.Trials >> trial & 1) != 0 && story.Trials != 1 << trial)
                yield return story with { Trials = story.Trials & ~(1 << trial) };
        if (story.Parallelism > 1)
            yield return story with { Parallelism = 1 };
        if (story.Failures > 0)
            yield return story with { Failures = story.Failures - 1 };
        if (story.Disruptions > 0)
            yield return story with { Disruptions = story.Disruptions - 1 };
        if (!story.Revisions)
            yield return story with { Revisions = true };
        for (var at = 0; at < events.Count; at++)
            if (Simpler(events[at]) is { } simpler)
                yield return story with { Events = [.. events.Take(at), simpler, .. events.Skip(at + 1)] };
    }

    private static Event? Simpler(Event what) => what switch
    {
        Event.CrashAfter { Actions: > 0 } => new Event.CrashAfter(0),
        Event.Hear { Which: > 0 } e => e with { Which = e.Which / 2 },
        Event.Launch { Which: > 0 } => new Event.Launch(0),
        Event.Finish { Which: > 0 } => new Event.Finish(0),
        Event.Exit { Which: > 0 } e => e with { Which = 0 },
        Event.Vanish { Which: > 0 } => new Event.Vanish(0),
        Event.Wait { Seconds: > 1 } => new Event.Wait(1),
        _ => null,
    };
}
