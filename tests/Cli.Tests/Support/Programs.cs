namespace Cli.Tests.Support;

/// <summary>The built programs that these tests run.</summary>
internal static class Programs
{
    public static string Hem { get; } = Built("Hem.Cli", "hem");

    public static string Trainer { get; } = Built("Hem.Trainer", "hem-trainer");

    /// <summary>Root of the repository.</summary>
    public static string Repository { get; } = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../.."));

    // artifacts/bin/Cli.Tests/release/ is where we are; the others are built beside us.
    private static string Built(string project, string program)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        string path = Path.Combine(here.Parent!.Parent!.FullName, project, here.Name, program);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is not built");
    }
}
