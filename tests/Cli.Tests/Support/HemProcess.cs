using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;

namespace Cli.Tests.Support;

/// <summary>A running `hem`, the real program.</summary>
internal sealed partial class HemProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new(), _error = new();
    private readonly Task _ended;

    private HemProcess(IEnumerable<string> arguments, string directory, IReadOnlyDictionary<string, string?> environment)
    {
        // What a shell starts in the background ignores Ctrl-C, and so would every program that these tests start.
        var start = new ProcessStartInfo("env", ["--default-signal=HUP,INT,QUIT", Programs.Hem, .. arguments])
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HEM_STORE"] = null;
        foreach ((string name, string? value) in environment) start.Environment[name] = value;
        _process = Process.Start(start)!;
        _ended = Task.WhenAll(
            Collect(_process.StandardOutput, _output), Collect(_process.StandardError, _error), _process.WaitForExitAsync());
    }

    public int Id => _process.Id;

    public int ExitCode => _process.ExitCode;

    public bool HasExited => _process.HasExited;

    /// <summary>A hangup was sent that the process has not taken yet.</summary>
    public bool HangupIsPending => File.ReadLines($"/proc/{Id}/status")
        .Where(line => line.StartsWith("ShdPnd:", StringComparison.Ordinal))
        .Any(line => (Convert.ToUInt64(line["ShdPnd:".Length..].Trim(), 16) & 1) != 0);

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public string Error
    {
        get
        {
            lock (_error) return _error.ToString();
        }
    }

    /// <summary>The lines of `--json`.</summary>
    public IReadOnlyList<JsonObject> Events =>
        [.. Output.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonNode.Parse(line)!.AsObject())];

    public static HemProcess Start(TemporaryFolder folder, params string[] arguments) =>
        new(arguments, folder.Path, new Dictionary<string, string?>());

    public static HemProcess Start(TemporaryFolder folder, IReadOnlyDictionary<string, string?> environment, params string[] arguments) =>
        new(arguments, folder.Path, environment);

    /// <summary>Runs `hem` to its end.</summary>
    public static async Task<HemProcess> RunAsync(TemporaryFolder folder, params string[] arguments)
    {
        HemProcess hem = Start(folder, arguments);
        await hem.EndAsync();
        return hem;
    }

    /// <summary>Waits for the end; the exit code.</summary>
    public async Task<int> EndAsync()
    {
        try
        {
            await _ended.Within($"the end of hem; it said:\n{Output}{Error}", Patience.Long);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n--- output\n{Output}--- error\n{Error}", e);
        }

        return ExitCode;
    }

    public void Interrupt() => Send(2);

    public void Kill() => Send(9);

    public void HangUp() => Send(1);

    public void Dispose()
    {
        if (!_process.HasExited) Send(9);
        _process.Dispose();
    }

    private void Send(int signal) => _ = kill(_process.Id, signal);

    private static async Task Collect(StreamReader reader, StringBuilder text)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (text) text.Append(line).Append('\n');
        }
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
