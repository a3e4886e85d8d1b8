using System.Globalization;

namespace Hem.Cli.Processes;

/// <summary>
/// A process that cannot be mistaken for a later one with the same pid. <paramref name="StartTime"/> is when it started: clock ticks
/// since boot (field 22 of /proc/PID/stat) in the lower 40 bits, and above them some bits of the identity of that boot.
/// </summary>
internal sealed record ProcessIdentity(int Pid, long StartTime)
{
    private const int TickBits = 40;

    private static readonly Lazy<long> Boot = new(() =>
    {
        try
        {
            string id = File.ReadAllText("/proc/sys/kernel/random/boot_id");
            return long.Parse(id.AsSpan(0, 5), NumberStyles.HexNumber, CultureInfo.InvariantCulture) << TickBits;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException or FormatException)
        {
            return 0;
        }
    });

    /// <summary>Whether this very process still runs. A zombie does not.</summary>
    public bool IsAlive => ReadStat(Pid) is { } stat && stat.State is not ('Z' or 'X') && StartTimeOf(stat.StartTicks) == StartTime;

    /// <summary>The process that has this pid now, or null where there is none.</summary>
    public static ProcessIdentity? Of(int pid) => ReadStat(pid) is { } stat ? new(pid, StartTimeOf(stat.StartTicks)) : null;

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
            if (ReadVariable(pid, name) is { Length: > 0 } value) found[value] = new(pid, StartTimeOf(stat.StartTicks));
        }

        return found;
    }

    /// <summary>
    /// Ends every process of ours that carries NAME=one of the values in its environment, whoever its parent and whatever its session:
    /// what is left of an attempt. Until there is none, as what is being ended may start more.
    /// </summary>
    public static void KillAll(string name, IReadOnlySet<string> values)
    {
        while (values.Count > 0 && Sweep())
        {
        }

        bool Sweep()
        {
            bool any = false;
            foreach (string directory in Directory.EnumerateDirectories("/proc"))
            {
                if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)) continue;
                if (Belongs(pid) && Kill(pid)) any = true;
            }

            return any;
        }

        bool Belongs(int pid) =>
            pid != Environment.ProcessId
            && ReadVariable(pid, name) is { } value && values.Contains(value)
            && ReadStat(pid) is { State: not ('Z' or 'X') }
            && UserOf(pid) is { } user && user == UserOf(Environment.ProcessId);

        // Looked at again while the handle keeps the pid from meaning another process.
        bool Kill(int pid)
        {
            int handle = Libc.PidFdOpen(pid);
            if (handle < 0) return Libc.kill(pid, Libc.SIGKILL) == 0;
            bool killed = Belongs(pid) && Libc.PidFdSendSignal(handle, Libc.SIGKILL) == 0;
            _ = Libc.close(handle);
            return killed;
        }
    }

    /// <summary>A variable of the environment that the process was started with; null where it has none or we may not look.</summary>
    public string? Variable(string name) => IsAlive ? ReadVariable(Pid, name) : null;

    private static long StartTimeOf(ulong ticks) => Boot.Value | (long)(ticks & ((1UL << TickBits) - 1));

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

    /// <summary>Its effective user.</summary>
    private static string? UserOf(int pid)
    {
        try
        {
            return File.ReadLines($"/proc/{pid}/status").FirstOrDefault(line => line.StartsWith("Uid:", StringComparison.Ordinal))
                ?.Split('\t')[2];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
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
