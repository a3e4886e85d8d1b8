using System.Xml.Linq;

namespace Hem.TestCluster;

/// <summary>The project's images, which make/image builds from this checkout (at once where nothing has changed).</summary>
public static class Images
{
    public static string Version { get; } =
        XDocument.Load(Path.Combine(Machine.Repository, "Directory.Build.props")).Descendants("Version").Single().Value;

    public static string Trainer => $"localhost/hem-trainer:{Version}";

    public static string Operator => $"localhost/hem-operator:{Version}";

    /// <returns>The files of the images, for <see cref="Node.ImportImageAsync"/>.</returns>
    /// <exception cref="CannotException">This machine cannot; the reason.</exception>
    public static async Task<IReadOnlyList<string>> BuildAsync(params string[] names)
    {
        var files = await Machine.RunAsync(Path.Combine(Machine.Repository, "make", "image"), names);
        return [.. files.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(f => Path.Combine(Machine.Repository, f))];
    }
}
