using System.Security.Cryptography;
using System.Text;
using Hem.Results;

namespace Hem.Cli.Engine;

/// <summary>Where things lie in a store on one machine.</summary>
internal sealed class StoreLayout
{
    // The kernel's limit is 107 bytes; gRPC libraries of other languages differ by a few.
    private const int LongestSocketPath = 100;

    public StoreLayout(string directory) => Root = Path.GetFullPath(directory);

    public string Root { get; }

    public string TrialDirectory(string trial) => Path.Combine(Root, "trials", trial);

    public string CheckpointDirectory(string trial) => Path.Combine(TrialDirectory(trial), "checkpoint");

    public string LogFile(string trial, int attempt) => Path.Combine(TrialDirectory(trial), $"attempt-{attempt}.log");

    public string TokenFile(string trial, int attempt) => Path.Combine(TrialDirectory(trial), $"token-{attempt}");

    public string ReportDirectory(string sweep) => Path.Combine(Root, "reports", sweep);

    /// <summary>The process that runs on this store now.</summary>
    public StoreHolder? FindHolder() => ResultStore.FindHolder(Root);

    /// <summary>
    /// The progress socket: in the store where its path is short enough for a unix socket, else at a stable place that a trainer of a
    /// killed predecessor knows too.
    /// </summary>
    /// <param name="environment">Environment variables.</param>
    public string SocketPath(Func<string, string?> environment)
    {
        string inStore = Path.Combine(Root, "progress.sock");
        if (Encoding.UTF8.GetByteCount(inStore) <= LongestSocketPath) return inStore;
        string key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Root)))[..16];
        string? runtime = environment("XDG_RUNTIME_DIR");
        string folder = runtime is { Length: > 0 and < 60 } && Directory.Exists(runtime) ? runtime : "/tmp";
        // Others may write to /tmp: a folder that only we can enter keeps them from taking our place.
        return Path.Combine(folder, folder == "/tmp" ? $"hem-{Environment.UserName}-{key}/progress.sock" : $"hem-{key}.sock");
    }

    /// <summary>
    /// Creates the folder of the socket, for us alone; where it is the store itself, who may write there is its owner's choice.
    /// </summary>
    /// <exception cref="HemException">The folder belongs to somebody else.</exception>
    public void PrepareSocketFolder(string socket)
    {
        string folder = Path.GetDirectoryName(socket)!;
        if (folder == Root) return;
        if (!Directory.Exists(folder))
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        else if (folder.StartsWith("/tmp/hem-", StringComparison.Ordinal)
            && (File.GetUnixFileMode(folder) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
        {
            throw new HemException(
                ExitCodes.Unavailable, $"{folder} can be written to by others. Remove it, or choose a store with a shorter path.");
        }
    }
}
