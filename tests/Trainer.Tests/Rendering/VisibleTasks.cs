using Hem.Trainer.Tasks;

namespace Trainer.Tests.Rendering;

/// <summary>The tasks that can be drawn.</summary>
internal static class VisibleTasks
{
    public static IReadOnlyDictionary<string, Func<IVisibleTask>> All { get; } = new Dictionary<string, Func<IVisibleTask>>
    {
        ["pointmass"] = () => new PointMass(startsUniform: true),
    };
}
