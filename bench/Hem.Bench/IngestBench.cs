using System.Diagnostics;
using System.Globalization;
using Hem.Progress;
using Hem.Results;

namespace Hem.Bench;

/// <summary>
/// Points per second from trainers' ends through real streams (unix socket) into a real store on disk, counted when acknowledged, that is
/// when durable; the median of three rounds. Options: `--streams 8 --points 25000` (points per stream), `--results postgresql://...`.
/// </summary>
internal static class IngestBench
{
    public static async Task<int> RunAsync(string[] args)
    {
        var streams = Option(args, "--streams", 8);
        var points = Option(args, "--points", 25_000);
        var results = Array.IndexOf(args, "--results") is var at and >= 0 ? args.ElementAtOrDefault(at + 1) : null;
        var root = Environment.GetEnvironmentVariable("TMPDIR") ?? ".";
        var folder = Directory.CreateDirectory(Path.Combine(root, $"hem-ingest-{Environment.ProcessId}")).FullName;
        try
        {
            var rates = new List<double>();
            for (var round = 1; round <= 3; round++)
            {
                var (rate, latency) = await MeasureAsync(Path.Combine(folder, $"{round}"), results, streams, points);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"round {round}: {streams} streams x {points} points, {rate:F0} points/s; "
                    + $"one report alone is acknowledged in {latency:F2} ms (median)"));
                rates.Add(rate);
            }

            rates.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ingest value={rates[1]:F0} unit=points/s"));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(double Rate, double Latency)> MeasureAsync(string folder, string? results, int streams, int points)
    {
        Directory.CreateDirectory(folder);
        await using var store = results is null ? ResultStore.Open(folder) : ResultStore.OpenPostgres(() => results);
        if (store.FindSweep("bench") is { } before) await store.DeleteSweepAsync(before.Uid);
        var sweep = await store.UpsertSweepAsync("bench", "");
        await store.AddTrialsAsync(sweep.Uid, Enumerable.Range(0, streams).Select(i => new NewTrial($"bench-{i}", $"{i}", i, "c", "{}")));
        var registry = new AttemptRegistry();
        // The socket's path has a limit that a temporary folder's may exceed.
        var socket = Path.Combine(Path.GetTempPath(), $"hem-{Environment.ProcessId}.sock");
        await using var server = await ProgressServer.StartAsync(
            new ProgressService(registry, store), new ProgressServerOptions { UnixSocket = socket });
        var clients = new List<ProgressClient>();
        for (var i = 0; i < streams; i++)
        {
            var attempt = new AttemptIdentity(sweep.Uid, $"bench-{i}", $"{sweep.Uid}-{i}", 1);
            await store.AddAttemptAsync(new NewAttempt(sweep.Uid, attempt.Trial, 1, attempt.AttemptId));
            var tokenFile = Path.Combine(folder, $"token-{i}");
            await File.WriteAllTextAsync(tokenFile, $"token-{i}");
            registry.Add(attempt, $"token-{i}");
            clients.Add(ProgressClient.Start(new ProgressClientOptions
            {
                Address = server.Address,
                Trial = attempt.Trial,
                Attempt = attempt.AttemptId,
                TokenFile = tokenFile,
            }));
        }

        foreach (var client in clients) await client.Granted;
        var latencies = new List<double>();
        for (var i = 0; i < 200; i++)
        {
            var sent = Stopwatch.GetTimestamp();
            clients[0].Report(Point(points + i));
            await clients[0].FlushAsync();
            latencies.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
        }

        var begun = Stopwatch.GetTimestamp();
        await Task.WhenAll(clients.Select(client => Task.Run(async () =>
        {
            for (var i = 0; i < points; i++) client.Report(Point(i));
            await client.FlushAsync();
        })));
        var rate = streams * points / Stopwatch.GetElapsedTime(begun).TotalSeconds;
        foreach (var client in clients) await client.DisposeAsync();
        var stored = store.ReadPoints(sweep.Uid).Count();
        if (stored != (streams * points) + 200) throw new InvalidOperationException($"{stored} points are stored.");
        return (rate, latencies.Order().ElementAt(latencies.Count / 2));
    }

    private static Evaluated Point(int iteration) => new()
    {
        Iteration = (ulong)iteration,
        Trajectories = (ulong)iteration * 600,
        EnvSteps = (ulong)iteration * 30_000,
        Updates = (ulong)iteration * 40,
        SuccessRate = iteration % 101 / 100.0,
        Loss = 0.3 + (iteration * 1e-6),
        WallSeconds = iteration * 0.1,
    };

    private static int Option(string[] args, string name, int otherwise) =>
        Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length
            ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
}
