using System.Diagnostics;
using System.Runtime.InteropServices;
using Hem.TestCluster;

namespace Operator.Tests.Hosting;

/// <summary>hem-operator as a process of its own, to be stopped, continued and killed.</summary>
internal sealed partial class OperatorProcess : IAsyncDisposable
{
    public const int Kill = 9, Terminate = 15, Continue = 18, Stop = 19;

    private readonly Process _process;
    private readonly StringWriter _log = new();

    public OperatorProcess(ControlPlane plane, string ns, string store, params string[] more)
        : this(plane, ns, store, new Dictionary<string, string>(), more)
    {
    }

    public OperatorProcess(
        ControlPlane plane, string ns, string store, IReadOnlyDictionary<string, string> environment, params string[] more)
    {
        var start = new ProcessStartInfo(Path.Combine(Machine.Repository, "artifacts/bin/Hem.Operator/release/hem-operator"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] arguments =
        [
            "run", "--kubeconfig", plane.Kubeconfig, "--namespace", ns, "--watch-namespace", ns, "--store", store,
            "--progress-listen", "127.0.0.1:0", "--answers-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", .. more,
        ];
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Write(line.Data);
        _process.ErrorDataReceived += (_, line) => Write(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    public bool HasExited => _process.HasExited;

    public void Signal(int signal)
    {
        if (!_process.HasExited) _ = kill(_process.Id, signal);
    }

    /// <summary>Its exit status, once it has ended.</summary>
    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Timeouts.Normal);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Signal(Kill);
        await _process.WaitForExitAsync();
        if (TestContext.Current.TestState?.Result == TestResult.Failed) TestContext.Current.TestOutputHelper?.WriteLine(Log);
        _process.Dispose();
    }

    private void Write(string? line)
    {
        lock (_log)
            if (line is not null) _log.WriteLine(line);
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
