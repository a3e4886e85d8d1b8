using System.Diagnostics;
using Hem.Core.Sweeps;
using Hem.Progress;

namespace Trainer.Tests.Trials;

/// <summary>A trial, a real progress server on a unix socket, and the real trainer program as often as a test starts it.</summary>
internal sealed class TrialHarness : IAsyncDisposable
{
    /// <summary>How long anything in these tests may take before it counts as hung.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly TemporaryFolder folder = new();
    private readonly AttemptRegistry registry = new();
    private readonly ProgressService service;
    private readonly List<TrainerProcess> processes = [];
    private ProgressServer? server;

    public TrialHarness(
        ParameterSet parameters, int seed = 1, double checkpointSeconds = 60, bool remoteCheckpoints = false,
        ICheckpointStore? checkpoints = null)
    {
        Trial = new TrialDocument(
            HemSweep.CurrentApiVersion,
            "test",
            Identity.TrialName("test", Identity.TrialHash(parameters, seed)),
            seed,
            ParameterTable.Resolve(parameters),
            new TrainerSettings(CheckpointSeconds: checkpointSeconds));
        checkpoints ??= remoteCheckpoints ? new FileCheckpointStore(folder["remote"]) : null;
        service = new ProgressService(registry, Sink, checkpoints);
        CheckpointFolder = checkpoints is null ? folder["checkpoint"] : null;
    }

    public TrialDocument Trial { get; set; }

    public MemorySink Sink { get; } = new();

    public ProgressService Service => service;

    /// <summary>HEM_CHECKPOINT_DIR, or null for checkpoints through the server.</summary>
    public string? CheckpointFolder { get; set; }

    /// <summary>More environment for the programs.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    public string Address => "unix:" + folder["progress.sock"];

    public TemporaryFolder Folder => folder;

    public async Task ServeAsync() =>
        server = await ProgressServer.StartAsync(service, new ProgressServerOptions { UnixSocket = folder["progress.sock"] });

    public async Task StopServingAsync()
    {
        if (server is not null)
            await server.DisposeAsync();
        server = null;
    }

    /// <summary>Starts the next attempt: hem-trainer, or the given command.</summary>
    public TrainerProcess Start(params string[] command)
    {
        int number = processes.Count + 1;
        var attempt = new AttemptIdentity("sweep-uid", Trial.Name, $"attempt-{number}", number);
        registry.Add(attempt, $"token-{number}");
        File.WriteAllText(folder[$"token-{number}"], $"token-{number}\n");
        if (command.Length == 0)
            command = [Path.Combine(AppContext.BaseDirectory, "hem-trainer")];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["HEM_TRIAL"] = Trial.ToJson();
        start.Environment["HEM_ATTEMPT"] = attempt.AttemptId;
        start.Environment["HEM_PROGRESS_ADDRESS"] = Address;
        start.Environment["HEM_PROGRESS_TOKEN_FILE"] = folder[$"token-{number}"];
        if (CheckpointFolder is not null)
            start.Environment["HEM_CHECKPOINT_DIR"] = CheckpointFolder;
        foreach ((string name, string value) in Environment)
            start.Environment[name] = value;
        var process = new TrainerProcess(start, attempt);
        processes.Add(process);
        return process;
    }

    /// <summary>Waits for the process to be gone, and tells the service so.</summary>
    public async Task<int> EndAsync(TrainerProcess process)
    {
        int code = await process.ExitAsync();
        await service.EndAsync(process.Attempt);
        return code;
    }

    /// <summary>Waits until something holds; a trainer that ends meanwhile fails the test with its log.</summary>
    public async Task UntilAsync(Func<bool> condition, TrainerProcess? alive = null)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (alive is { HasExited: true } && !condition())
                Assert.Fail($"the trainer ended with {await alive.ExitAsync()}:\n{alive.Log}");
            if (clock.Elapsed > Patience)
                Assert.Fail($"nothing happened for {Patience.TotalSeconds} s; log:\n{alive?.Log}");
            await Task.Delay(2);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TrainerProcess process in processes)
            process.Dispose();
        await StopServingAsync();
        folder.Dispose();
    }
}

/// <summary>One attempt's process and what it wrote.</summary>
internal sealed class TrainerProcess : IDisposable
{
    private readonly Process process;
    private readonly System.Text.StringBuilder log = new();

    public TrainerProcess(ProcessStartInfo start, AttemptIdentity attempt)
    {
        Attempt = attempt;
        process = new Process { StartInfo = start };
        process.ErrorDataReceived += Append;
        process.OutputDataReceived += Append;
        process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
    }

    public AttemptIdentity Attempt { get; }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    public string Log
    {
        get
        {
            lock (log)
                return log.ToString();
        }
    }

    public void Kill() => process.Kill();

    public void Terminate() => Process.Start("kill", ["-TERM", $"{process.Id}"]).WaitForExit();

    public async Task<int> ExitAsync()
    {
        using var patience = new CancellationTokenSource(TrialHarness.Patience);
        await process.WaitForExitAsync(patience.Token);
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private void Append(object sender, DataReceivedEventArgs line)
    {
        lock (log)
            log.AppendLine(line.Data);
    }
}
