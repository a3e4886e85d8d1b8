using System.Collections.Concurrent;
using System.Diagnostics;

namespace Hem.TestCluster;

/// <summary>
/// A process of the cluster: its output goes to a log file, and it dies with us, however we die (the kernel kills it with the thread
/// that started it, so that thread is one that lasts as long as this program).
/// </summary>
internal sealed class Daemon : IAsyncDisposable
{
    private static readonly BlockingCollection<Action> Starts = StartThread();
    private readonly Process _process;

    private Daemon(string name, string log, Process process) => (Name, Log, _process) = (name, log, process);

    public string Name { get; }

    public string Log { get; }

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Its last lines, for a message on why it failed.</summary>
    public string Tail => File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(15)) : "";

    public static async Task<Daemon> StartAsync(
        string name, string folder, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var log = Path.Combine(folder, name + ".log");
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true };
        foreach (var argument in (IEnumerable<string>)
                 ["-c", "exec \"$@\" >>\"$0\" 2>&1", log, "setpriv", "--pdeathsig", "KILL", "--", program, .. arguments])
            start.ArgumentList.Add(argument);
        foreach (var (key, value) in environment ?? new Dictionary<string, string>()) start.Environment[key] = value;
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Add(() =>
        {
            try { started.SetResult(Process.Start(start)!); }
            catch (Exception e) { started.SetException(e); }
        });
        var process = await started.Task;
        process.StandardInput.Close();
        File.WriteAllText(Path.Combine(folder, name + ".pid"), $"{process.Id}\n");
        return new Daemon(name, log, process);
    }

    public void Signal(int signal)
    {
        if (!_process.HasExited) NativeMethods.Kill(_process.Id, signal);
    }

    /// <summary>Ends it: nothing of a test cluster is worth a polite end.</summary>
    public async Task KillAsync()
    {
        Signal(9);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private static BlockingCollection<Action> StartThread()
    {
        var starts = new BlockingCollection<Action>();
        new Thread(() =>
        {
            foreach (var start in starts.GetConsumingEnumerable()) start();
        })
        { IsBackground = true, Name = "starts daemons" }.Start();
        return starts;
    }
}
