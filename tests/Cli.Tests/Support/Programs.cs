namespace Cli.Tests.Support;

/// <summary>
/// The programs that these tests run: as `make build` lays them into a folder, where HEM_PROGRAMS names one (make/test does: they start in
/// half the time), else those that were built with these tests.
/// </summary>
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
        string path = Environment.GetEnvironmentVariable("HEM_PROGRAMS") is { Length: > 0 } folder
            ? Path.Combine(folder, program)
            : Path.Combine(here.Parent!.Parent!.FullName, project, here.Name, program);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is not built");
    }
}
