using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Hem.TestCluster;

/// <summary>
/// The cluster of `make cluster-up`: one a machine, kept by a process in the background until `make cluster-down`. The same code as the
/// tests'.
/// </summary>
internal static class DeveloperCluster
{
    private static readonly string Folder = Path.Combine(Path.GetTempPath(), "hem-cluster");
    private static readonly string PidFile = Path.Combine(Folder, "pid"), ReadyFile = Path.Combine(Folder, "ready");
    private static readonly string Log = Path.Combine(Path.GetTempPath(), "hem-cluster.log");

    public static async Task<int> UpAsync()
    {
        if (Server() is null)
        {
            try
            {
                await Machine.KubernetesAsync();
                await Machine.NeedNodeAsync();
            }
            catch (CannotException e)
            {
                Console.Error.WriteLine($"No cluster here: {e.Message}");
                return 3;
            }
            var clock = Stopwatch.StartNew();
            Console.WriteLine("Starting a Kubernetes of one node (etcd, kube-apiserver, controllers, containerd, kubelet: about 20 s)");
            RemoveLeftOvers();
            Directory.CreateDirectory(Folder);
            using var server = Process.Start("setsid",
                ["sh", "-c", "exec \"$0\" serve </dev/null >\"$1\" 2>&1", Environment.ProcessPath!, Log]);
            await Wait.UntilAsync(() => File.Exists(ReadyFile) || server.HasExited, "the cluster is ready", Timeouts.Long);
            if (!File.Exists(ReadyFile))
            {
                var last = string.Join('\n', File.ReadLines(Log).TakeLast(20));
                Console.Error.WriteLine($"The cluster did not start (whole log: {Log}):\n{last}");
                return 1;
            }
            Console.WriteLine($"Ready after {clock.Elapsed.TotalSeconds:0} s. `make cluster-down` ends it. Logs: {Folder}/logs");
        }
        Console.WriteLine($"export KUBECONFIG={Folder}/admin.kubeconfig");
        return 0;
    }

    public static async Task<int> DownAsync()
    {
        if (Server() is { } server)
        {
            NativeMethods.Kill(server.Id, 15);
            await Wait.UntilAsync(() => Server() is null, "the cluster has ended", Timeouts.Normal);
        }
        RemoveLeftOvers();
        Console.WriteLine("No cluster runs.");
        return 0;
    }

    /// <summary>Images of the same content are not imported again.</summary>
    public static async Task<int> ImportAsync(string[] files)
    {
        if (Server() is null)
        {
            Console.Error.WriteLine("No cluster runs here: `make cluster-up` starts one.");
            return 1;
        }
        foreach (var file in files)
        {
            var imported = Path.Combine(Folder, "imported-" + Path.GetFileName(file));
            var content = $"{new FileInfo(file).Length} {File.GetLastWriteTimeUtc(file):O}";
            if (File.Exists(imported) && File.ReadAllText(imported) == content) continue;
            await Node.ImportImageAsync(File.ReadAllText(Path.Combine(Folder, Node.SocketFile)), file);
            File.WriteAllText(imported, content);
            Console.WriteLine($"Imported {file}");
        }
        return 0;
    }

    /// <summary>What stays in the background.</summary>
    public static async Task<int> ServeAsync()
    {
        var ended = new TaskCompletionSource();
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => End(signal, ended));
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => End(signal, ended));
        Directory.CreateDirectory(Folder);
        File.WriteAllText(PidFile, $"{Environment.ProcessId}\n");
        var options = new ControlPlaneOptions { Scheduler = true, ForNode = true, Folder = Folder };
        await using var plane = await ControlPlane.StartAsync(options);
        await using var node = await Node.StartAsync(plane, new NodeOptions { Gpus = 2 });
        File.WriteAllText(ReadyFile, "");
        await ended.Task;
        return 0;
    }

    private static void End(PosixSignalContext signal, TaskCompletionSource ended)
    {
        signal.Cancel = true;
        ended.TrySetResult();
    }

    private static Process? Server()
    {
        if (!File.Exists(PidFile) || !int.TryParse(File.ReadAllText(PidFile), out var pid)) return null;
        var command = $"/proc/{pid}/cmdline";
        return File.Exists(command) && File.ReadAllText(command).EndsWith("\0serve\0") ? Process.GetProcessById(pid) : null;
    }

    private static void RemoveLeftOvers()
    {
        if (Directory.Exists(Folder)) Directory.Delete(Folder, true);
        ControlPlane.RemoveLeftOvers();
    }
}
