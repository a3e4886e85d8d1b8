using Hem.Trainer.Tasks;

namespace Trainer.Tests.Rendering;

/// <summary>The tasks that can be drawn.</summary>
internal static class VisibleTasks
{
    public static IReadOnlyDictionary<string, Func<IVisibleTask>> All { get; } = new Dictionary<string, Func<IVisibleTask>>
    {
        ["pointmass"] = () => new PointMass(startsUniform: true),
        ["reacher"] = () => new Reacher(),
        ["fetch-reach"] = () => new Fetch(FetchSettings.Reach),
        ["fetch-push"] = () => new Fetch(FetchSettings.Push),
        ["fetch-slide"] = () => new Fetch(FetchSettings.Slide),
        ["fetch-pickplace"] = () => new Fetch(FetchSettings.PickPlace),
        ["sawyer-reach"] = () => new SawyerReach(),
    };
}
