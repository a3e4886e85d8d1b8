using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Hem.Kubernetes;
using Hem.Operator;
using Hem.Operator.Progress;
using Hem.Operator.Sweeps;
using Hem.Operator.Trials;
using Hem.Progress;
using Hem.Results;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hem.OperatorBench;

/// <summary>
/// The operator in a process of its own, so that its memory and processor time can be told from the bench's. Its trainers are names only:
/// what one would have reported is stored when its pod is seen to be over, on the way that a report takes that was still under way.
/// </summary>
internal sealed class Operating : IProgressAuthority, ITrust
{
    public const string Verb = "operate";

    private readonly ConcurrentDictionary<string, long> _requests = new();
    private ResultStore? _store;

    public event Action<string, string>? Changed;

    /// <summary>What the process says of itself when it is told to end.</summary>
    public sealed record Report(long PeakBytes, TimeSpan Processor, IReadOnlyDictionary<string, long> Requests);

    // With the settings of the runtime that hem-operator has, by which its memory goes.
    public static Process Start(string kubeconfig, string ns, string store, string report) =>
        Process.Start(new ProcessStartInfo("dotnet",
        [
            "exec", "--runtimeconfig", Path.Combine(AppContext.BaseDirectory, "hem-operator.runtimeconfig.json"),
            Path.Combine(AppContext.BaseDirectory, "hem-operator-bench.dll"), Verb, kubeconfig, ns, store, report,
        ]))!;

    /// <summary>Tells it to end, and waits until it has.</summary>
    public static async Task EndAsync(Process process)
    {
        using Process kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        await process.WaitForExitAsync();
    }

    public static async Task<int> RunAsync(string kubeconfig, string ns, string folder, string report)
    {
        // Stored reports block a thread each, see Gone.
        ThreadPool.SetMinThreads(64, 64);
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        var bench = new Operating();
        using var client = new KubernetesClient(
            KubernetesClientConfiguration.FromKubeconfig(kubeconfig), new KubernetesClientOptions { OnRequest = bench.Count });
        await using var store = ResultStore.Open(folder);
        bench._store = store;
        await using (var engine = new SweepEngine(
            client, store, new ProgressService(bench, store), bench, new PodLookup(), new OperatorOptions { WatchNamespace = ns },
            TimeProvider.System, NullLogger.Instance))
        {
            try
            {
                await engine.RunAsync(stop.Token);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Told to before it had begun.
            }
        }

        using Process self = Process.GetCurrentProcess();
        await File.WriteAllLinesAsync(report,
        [
            self.PeakWorkingSet64.ToString(CultureInfo.InvariantCulture),
            self.TotalProcessorTime.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            .. bench._requests.Select(pair => $"{pair.Key} {pair.Value}"),
        ]);
        return 0;
    }

    public static Report Read(string path)
    {
        string[] lines = File.ReadAllLines(path);
        return new Report(
            long.Parse(lines[0], CultureInfo.InvariantCulture), TimeSpan.FromSeconds(double.Parse(lines[1], CultureInfo.InvariantCulture)),
            lines.Skip(2).Select(line => line.Split(' ')).ToDictionary(
                words => words[0], words => long.Parse(words[1], CultureInfo.InvariantCulture)));
    }

    public ValueTask<AttemptIdentity?> AuthenticateAsync(
        string token, string peer = "", CancellationToken cancellationToken = default) => default;

    public ValueTask<GrantDecision> DecideAsync(AttemptIdentity attempt, CancellationToken cancellationToken = default) => default;

    public Task EnsurePublishedAsync(string @namespace, bool verify = false, CancellationToken cancellationToken = default) =>
        Task.CompletedTask;

    public void Gone(AttemptIdentity attempt)
    {
        StoreAsync(attempt).GetAwaiter().GetResult();
        Changed?.Invoke(attempt.SweepUid, attempt.Trial);
    }

    private async Task StoreAsync(AttemptIdentity attempt)
    {
        await _store!.BindPodAsync(
            new NewPod(attempt.SweepUid, attempt.Trial, attempt.AttemptNumber, attempt.AttemptId, "")).ConfigureAwait(false);
        await _store.StoreAsync(attempt,
        [
            new TrainerMessage { Sequence = 1, Evaluated = new Evaluated { Iteration = 4, SuccessRate = 0.5, Loss = 1, WallSeconds = 1 } },
            new TrainerMessage { Sequence = 2, Finished = new Finished { Iteration = 4, WallSeconds = 1 } },
        ]).ConfigureAwait(false);
    }

    private void Count(KubernetesRequest request)
    {
        string[] path = request.Path.Split('?')[0].Split('/', StringSplitOptions.RemoveEmptyEntries);
        int at = Array.IndexOf(path, "namespaces") + 2;
        string kind = at >= 2 && at < path.Length ? path[at] + (path[^1] == "status" ? "/status" : "") : path[^1];
        _requests.AddOrUpdate($"{request.Method}:{kind}", 1, (_, count) => count + 1);
    }
}
