using System.Runtime.InteropServices;
using System.Text.Json;
using Hem.Core.Sweeps;
using Hem.Progress;
using Hem.Progress.Grpc;
using Hem.Trainer.Algorithms;
using Hem.Trainer.Checkpoints;
using Hem.Trainer.Metrics;
using Hem.Trainer.Rendering;

namespace Hem.Trainer.Trials;

/// <summary>The process: from its environment to its exit code.</summary>
internal static class TrainerProgram
{
    public const string Program = "hem-trainer";

    public static readonly string Version = typeof(TrainerProgram).Assembly.GetName().Version!.ToString(3);

    private static readonly string Name = $"{Program} {Version}";

    public static int Execute(string[] args, Func<string, string?> variable, TextWriter output, TextWriter error)
    {
        switch (args)
        {
            case []:
                return Run(variable, new Log(error, TimeProvider.System, json: variable("HEM_LOG_FORMAT") == "json"));
            case ["--help" or "-h" or "help"]:
                output.WriteLine(Usage.Text);
                return ExitCode.Finished;
            case ["--version"]:
                output.WriteLine(Name);
                return ExitCode.Finished;
            case ["look", ..]:
                return Look(args.AsSpan(1), output, error);
            case ["theory", .. string[] rest]:
                return TheoryCommand.Run(rest, output, error);
            case ["metrics"]:
                output.Write(MetricsPage.Write());
                return ExitCode.Finished;
            default:
                error.WriteLine(
                    $"hem-trainer takes no arguments but look, theory, metrics, --help and --version; it got: {string.Join(' ', args)}");
                return ExitCode.BadConfiguration;
        }
    }

    private static int Look(ReadOnlySpan<string> args, TextWriter output, TextWriter error)
    {
        try
        {
            return LookProgram.Run(args, output);
        }
        catch (BadConfigurationException e)
        {
            error.WriteLine(e.Message);
            return ExitCode.BadConfiguration;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error.WriteLine(e.Message);
            return ExitCode.Failed;
        }
    }

    private static int Run(Func<string, string?> variable, Log log)
    {
        TrialEnvironment environment;
        try
        {
            environment = TrialEnvironment.Read(variable);
        }
        catch (BadConfigurationException e)
        {
            log.Error(e.Message);
            return ExitCode.BadConfiguration;
        }

        using var leave = new CancellationTokenSource();
        void Leave(PosixSignalContext context)
        {
            context.Cancel = true;
            leave.Cancel();
        }

        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Leave);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Leave);
        return Run(environment, leave, log);
    }

    private static int Run(TrialEnvironment environment, CancellationTokenSource leave, Log log)
    {
        TrialParseResult parsed = TrialDocument.Parse(environment.Trial);
        if (parsed.Document is { } document) log.About(document.Sweep, document.Name, environment.Attempt);
        ProgressClient progress;
        try
        {
            progress = Connect(environment, parsed.Document, log);
        }
        catch (ArgumentException e)
        {
            log.Error($"HEM_PROGRESS_ADDRESS: {e.Message}");
            return ExitCode.BadConfiguration;
        }

        using (progress)
        using (progress.StopRequested.Register(leave.Cancel))
        {
            try
            {
                TrialDocument trial = parsed.Document
                    ?? throw new BadConfigurationException("HEM_TRIAL: " + string.Join("; ", parsed.Faults));
                return Run(trial, environment, progress, log, leave.Token);
            }
            catch (OperationCanceledException) when (leave.IsCancellationRequested)
            {
                return progress.Refusal is { } refusal ? Refused(refusal, log) : LeftEarly(progress, log);
            }
            catch (ProgressRefusedException e)
            {
                return Refused(e, log);
            }
            catch (Exception e) when (e is BadConfigurationException or ForeignCheckpointException)
            {
                log.Error(e.Message);
                Fail(progress, e.Message, permanent: true, leave.Token);
                return ExitCode.BadConfiguration;
            }
            catch (Exception e)
            {
                string reason = $"{e.GetType().Name}: {e.Message}";
                log.Error(e.ToString());
                log.Error($"failed: {reason}");
                Fail(progress, reason, permanent: false, leave.Token);
                return ExitCode.Failed;
            }
        }
    }

    private static int Run(TrialDocument trial, TrialEnvironment environment, ProgressClient progress, Log log, CancellationToken leave)
    {
        log.Line(
            $"{Name}: trial {trial.Name}, attempt {environment.Attempt}: "
            + $"{trial.Parameters["algorithm"]} on {trial.Parameters["task"]}, seed {trial.Seed}");
        using IAlgorithm algorithm = AlgorithmCatalog.Create(trial);
        using MetricsServer? metrics = environment is { MetricsPort: null, SendsMetrics: false }
            ? null
            : MetricsServer.Start(trial, environment.MetricsPort, progress, log);
        if (!progress.Granted.WaitAsync(leave).GetAwaiter().GetResult())
            return LeftEarly(progress, log);

        string hash = Identity.TrialHash(trial.Parameters, trial.Seed);
        ICheckpoints checkpoints = environment.CheckpointFolder is { } folder
            ? new CheckpointFolder(folder, hash, Name, log.Line)
            : new RemoteCheckpoints(
                () => Download(progress, log, leave), (iteration, data) => Upload(progress, iteration, data), hash, Name, log.Line);
        var saveEvery = TimeSpan.FromSeconds(trial.Trainer.CheckpointSeconds);
        var run = new TrialRun(algorithm, checkpoints, progress, saveEvery, TimeProvider.System, log, leave);
        metrics?.Observe(algorithm, run);
        return run.Run();
    }

    private static int LeftEarly(ProgressClient progress, Log log)
    {
        log.Line($"leaving before training, as asked: {progress.StopReason ?? "signal"}");
        return ExitCode.Left;
    }

    /// <summary>Another attempt may have the trial: nothing may be touched any more, so nothing is saved.</summary>
    private static int Refused(ProgressRefusedException refusal, Log log)
    {
        log.Error(refusal.Message);
        return refusal.StatusCode == StatusCode.FailedPrecondition ? ExitCode.Left : ExitCode.Failed;
    }

    private static ProgressClient Connect(TrialEnvironment environment, TrialDocument? trial, Log log) =>
        ProgressClient.Start(new ProgressClientOptions
        {
            Address = environment.ProgressAddress,
            Trial = trial?.Name ?? NameIn(environment.Trial),
            Attempt = environment.Attempt,
            TokenFile = environment.TokenFile,
            CaFile = environment.CaFile,
            Program = Name,
            Device = trial?.Trainer.Device is { } device and not "cpu"
                ? device : $"cpu ({trial?.Trainer.Kernels ?? "auto"} kernels, {trial?.Trainer.Threads ?? 1} threads)",
            Log = log.Line,
        });

    /// <summary>The trial's name in a configuration that is otherwise bad, so that the fault can be reported; else nothing.</summary>
    private static string NameIn(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.GetProperty("name").GetString() ?? "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return "";
        }
    }

    /// <summary>Tells Hem why, where it can be told within a few seconds.</summary>
    private static void Fail(ProgressClient progress, string reason, bool permanent, CancellationToken leave)
    {
        progress.Report(new Failed { Reason = reason, Permanent = permanent });
        try
        {
            progress.FlushAsync(leave).Wait(TimeSpan.FromSeconds(5), leave);
        }
        catch (Exception e) when (e is AggregateException or OperationCanceledException)
        {
            // The exit code and the log say it too.
        }
    }

    /// <summary>Asks until there is an answer: starting from zero because the server is away would lose the work.</summary>
    private static byte[]? Download(ProgressClient progress, Log log, CancellationToken leave)
    {
        while (true)
        {
            try
            {
                var stream = new MemoryStream();
                return progress.GetCheckpointAsync(stream, leave).GetAwaiter().GetResult() is null ? null : stream.ToArray();
            }
            catch (Exception e) when (e is RpcException or InvalidDataException or IOException)
            {
                leave.ThrowIfCancellationRequested();
                log.Warning($"the checkpoint cannot be fetched yet: {e.Message}");
                leave.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
                leave.ThrowIfCancellationRequested();
            }
        }
    }

    private static void Upload(ProgressClient progress, long iteration, ReadOnlyMemory<byte> data)
    {
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(4));
            MemoryMarshal.TryGetArray(data, out ArraySegment<byte> bytes);
            using var stream = new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count);
            progress.PutCheckpointAsync(iteration, stream, patience.Token).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            throw new IOException($"the progress server did not take the checkpoint: {e.Message}", e);
        }
    }
}
