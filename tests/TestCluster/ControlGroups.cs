namespace Hem.TestCluster;

/// <summary>The control groups that a node's pods live in: the one thing of a node that does not end with its first process.</summary>
internal static class ControlGroups
{
    private const string Root = "/sys/fs/cgroup", Prefix = "hem-node-";

    public static string NameOf(NodeNetwork network) => $"{Prefix}{network.Number}";

    public static void Create(string name)
    {
        foreach (var controller in Controllers()) Directory.CreateDirectory(Path.Combine(controller, name));
    }

    /// <returns>false while a process still lingers in one.</returns>
    public static bool Remove(string name)
    {
        var tops = Controllers().Append($"{Root}/unified").Select(c => Path.Combine(c, name)).Where(Directory.Exists);
        var groups = tops.SelectMany(top => Directory.EnumerateDirectories(top, "*", SearchOption.AllDirectories).Append(top));
        return groups.OrderByDescending(group => group.Length).ToList()
            .TrueForAll(group => NativeMethods.RemoveDirectory(group) == 0 || !Directory.Exists(group));
    }

    /// <summary>Those of nodes that were killed: their link is gone.</summary>
    public static void RemoveLeftOvers()
    {
        if (!Environment.IsPrivilegedProcess || !Directory.Exists(Root)) return;
        var groups = Controllers().SelectMany(controller => Directory.EnumerateDirectories(controller, Prefix + "*"));
        foreach (var name in groups.Select(Path.GetFileName).Distinct())
            if (!Directory.Exists($"/sys/class/net/hem{name![Prefix.Length..]}")) Remove(name);
    }

    /// <summary>The folders under which control groups are made: one a controller, or one for all on a machine with version 2.</summary>
    private static IEnumerable<string> Controllers() => File.Exists($"{Root}/cgroup.controllers")
        ? [Root]
        : Directory.EnumerateDirectories(Root)
            .Where(c => new DirectoryInfo(c).LinkTarget is null && Path.GetFileName(c) != "unified");
}
