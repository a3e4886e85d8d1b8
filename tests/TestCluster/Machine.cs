using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Hem.TestCluster;

/// <summary>What a Kubernetes needs from this machine: programs from Debian, and the ones that make/kubernetes builds once.</summary>
public static class Machine
{
    private static readonly Lazy<Task<string>> Folder = new(PrepareAsync);

    /// <summary>The checkout.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The folder with Kubernetes' programs; builds and installs what is missing, and says so.</summary>
    /// <exception cref="CannotException">This machine cannot.</exception>
    public static Task<string> KubernetesAsync() => Folder.Value;

    /// <summary>The folder with the server of custom resources out of a current Kubernetes; builds it where it is missing.</summary>
    /// <exception cref="CannotException">This machine cannot.</exception>
    public static async Task<string> CurrentResourcesAsync() =>
        (await RunAsync(Path.Combine(Repository, "make", "kubernetes-resources"))).Trim();

    /// <summary>Installs what a node needs besides.</summary>
    internal static Task NeedNodeAsync() => RunAsync(Path.Combine(Repository, "make", "need-cluster"), "node");

    private static async Task<string> PrepareAsync()
    {
        if (!OperatingSystem.IsLinux()) throw new CannotException("a Kubernetes test cluster runs on Linux alone");
        await RunAsync(Path.Combine(Repository, "make", "need-cluster"));
        return (await RunAsync(Path.Combine(Repository, "make", "kubernetes"))).Trim();
    }

    /// <summary>Runs a program to its end and returns what it wrote; its stderr passes through to ours.</summary>
    public static async Task<string> RunAsync(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = new List<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null) return;
            lock (errors) errors.Add(line.Data);
            Console.Error.WriteLine(line.Data);
        };
        process.BeginErrorReadLine();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode == 0) return output;
        var said = string.Join('\n', errors.TakeLast(15));
        if (process.ExitCode == 3) throw new CannotException(said);
        throw new InvalidOperationException(
            $"{Path.GetFileName(program)} {string.Join(' ', arguments)} failed ({process.ExitCode}): {said}");
    }

    public static int FreePort(IPAddress address)
    {
        using var listener = new TcpListener(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string FindRepository()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "Hem.sln"))) return folder;
        throw new InvalidOperationException($"No Hem.sln above {AppContext.BaseDirectory}: the test cluster runs from a checkout.");
    }
}

/// <summary>This machine cannot run it (not root, no Debian): the reason to skip a test with.</summary>
public sealed class CannotException(string reason) : Exception(reason);
