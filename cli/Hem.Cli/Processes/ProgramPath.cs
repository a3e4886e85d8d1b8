namespace Hem.Cli.Processes;

/// <summary>Finds the program that a name means, as a shell would.</summary>
internal static class ProgramPath
{
    /// <summary>A name with a slash is a path from <paramref name="directory"/>; any other is looked for along PATH.</summary>
    /// <returns>The absolute path, or null where there is no such executable file.</returns>
    public static string? Find(string name, string directory)
    {
        if (name.Contains('/'))
        {
            string path = Path.GetFullPath(name, directory);
            return IsExecutable(path) ? path : null;
        }

        return (Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin")
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.GetFullPath(Path.Combine(folder, name)))
            .FirstOrDefault(IsExecutable);
    }

    public static bool IsExecutable(string path) =>
        File.Exists(path)
        && !OperatingSystem.IsWindows()
        && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;
}
