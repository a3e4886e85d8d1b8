using FsCheck;
using FsCheck.Fluent;

namespace Core.Tests.Planning;

/// <summary>
/// Any interleaving of crashes, repeats, late and old views, disruptions, edits, suspension and budgets: what must hold is checked by
/// <see cref="World"/> and <see cref="Telling"/> after every event. HEM_PROPERTY_RUNS tells more stories than the default.
/// </summary>
public class PlannerProperties
{
    private static Config Runs(int runs) => Config.QuickThrowOnFailure
        .WithMaxTest(int.TryParse(Environment.GetEnvironmentVariable("HEM_PROPERTY_RUNS"), out var asked) ? asked : runs)
        .WithStartSize(5).WithEndSize(120);

    [Fact]
    public void Every_story_ends_with_every_trial_completed_once_and_keeps_every_promise_meanwhile() =>
        Check.One(Runs(1500), Prop.ForAll(Stories.Any(), Telling.Of));

    [Fact]
    public void Engines_with_old_views_never_make_two_live_attempts_nor_complete_a_trial_twice() =>
        Check.One(Runs(1500), Prop.ForAll(Stories.Any(oldEngines: true), Telling.Of));
}
