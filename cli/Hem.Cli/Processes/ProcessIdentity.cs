using System.Globalization;

namespace Hem.Cli.Processes;

/// <summary>
/// A process that cannot be mistaken for a later one with the same pid: pid, when it started (clock ticks since boot, field 22 of
/// /proc/PID/stat) and which boot that was.
/// </summary>
internal sealed record ProcessIdentity(int Pid, string StartTime)
{
    private static readonly Lazy<string> Boot = new(() =>
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()[..8];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            return "unknown";
        }
    });

    /// <summary>Whether this very process still runs. A zombie does not.</summary>
    public bool IsAlive => ReadStat(Pid) is { } stat && stat.State is not ('Z' or 'X') && Format(stat.StartTicks) == StartTime;

    /// <summary>The process that has this pid now, or null where there is none.</summary>
    public static ProcessIdentity? Of(int pid) => ReadStat(pid) is { } stat ? new(pid, Format(stat.StartTicks)) : null;

    /// <summary>
    /// Processes of ours that carry NAME=value in their environment and lead a session, as every trainer does: the way to find a
    /// trainer whose pid was never written down because we were killed right after starting it.
    /// </summary>
    public static IReadOnlyDictionary<string, ProcessIdentity> FindByEnvironment(string name)
    {
        var found = new Dictionary<string, ProcessIdentity>(StringComparer.Ordinal);
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)) continue;
            if (ReadStat(pid) is not { } stat || stat.Session != pid || stat.State is 'Z' or 'X') continue;
            if (ReadVariable(pid, name) is { Length: > 0 } value) found[value] = new(pid, Format(stat.StartTicks));
        }

        return found;
    }

    private static string Format(ulong ticks) => string.Create(CultureInfo.InvariantCulture, $"{ticks}@{Boot.Value}");

    private static string? ReadVariable(int pid, string name)
    {
        string environment;
        try
        {
            environment = File.ReadAllText($"/proc/{pid}/environ");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;  // somebody else's process, or just gone
        }

        string prefix = name + "=";
        foreach (string entry in environment.Split('\0'))
        {
            if (entry.StartsWith(prefix, StringComparison.Ordinal)) return entry[prefix.Length..];
        }

        return null;
    }

    private static (char State, int Session, ulong StartTicks)? ReadStat(int pid)
    {
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        // pid (name) state ppid pgrp session ...: the name may hold spaces and parentheses, so count from the last ')'.
        int end = text.LastIndexOf(')');
        if (end < 0) return null;
        string[] fields = text[(end + 2)..].Split(' ');
        return fields.Length > 19
            && int.TryParse(fields[3], CultureInfo.InvariantCulture, out int session)
            && ulong.TryParse(fields[19], CultureInfo.InvariantCulture, out ulong ticks)
                ? (fields[0][0], session, ticks)
                : null;
    }
}
