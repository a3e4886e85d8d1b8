using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Hem.Kubernetes;
using Hem.Progress;
using Hem.TestCluster;
using Wait = Hem.TestCluster.Wait;

namespace Hem.OperatorBench;

/// <summary>
/// One operator, as many reports a second as asked for a minute: trainers of pods with real tokens, over TLS, to SQLite on disk. Counted
/// are reports that were acknowledged, that is durable. Fails under 99% of the rate asked for, or at 300 MB.
/// Options: `--rate 5000 --streams 200 --seconds 60`.
/// </summary>
internal static class ReportsBench
{
    private const long MostMemory = 300_000_000;

    public static async Task<int> RunAsync(string[] args)
    {
        var (rate, streams, seconds) = (Option(args, "--rate", 5000), Option(args, "--streams", 200), Option(args, "--seconds", 60));
        await using var bench = await OperatorUnderTest.StartAsync();
        await bench.CreateSweepAsync("reports", new JsonObject
        {
            ["base"] = new JsonObject { ["algorithm"] = "her", ["task"] = "flipbit-25", ["iterations"] = 1_000_000 },
            ["seeds"] = new JsonObject { ["count"] = streams },
            ["parallelism"] = streams,
        });
        var folder = Directory.CreateTempSubdirectory("hem-trainers-").FullName;
        var clients = await ConnectAsync(bench, streams, folder);
        Console.WriteLine($"{streams} trainers are connected; the operator has {bench.PeakMemory / 1e6:F0} MB");

        // The probe asks how long one report takes meanwhile.
        using var ends = new CancellationTokenSource();
        var latencies = new ConcurrentBag<double>();
        var probing = ProbeAsync(clients[0], latencies, ends.Token);
        var sending = SendAsync(clients[1..], rate, ends.Token);
        await Task.Delay(TimeSpan.FromSeconds(3));
        latencies.Clear();
        var (before, processor, since) = (Acknowledged(clients), bench.ProcessorTime, Stopwatch.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        var (time, acknowledged, used) = (Stopwatch.GetElapsedTime(since), Acknowledged(clients) - before, bench.ProcessorTime - processor);
        var (waiting, memory) = (clients.Sum(client => client.Client.UnacknowledgedCount), bench.PeakMemory);
        await ends.CancelAsync();
        await Task.WhenAll(probing, sending);
        foreach (var client in clients) await client.Client.DisposeAsync();
        Directory.Delete(folder, recursive: true);

        var value = acknowledged / time.TotalSeconds;
        var sorted = latencies.Order().ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"asked {rate} reports/s for {time.TotalSeconds:F0} s; at the end {waiting} wait; one report alone is acknowledged in "
            + $"{sorted[sorted.Length / 2]:F1} ms (median), {sorted[sorted.Length * 99 / 100]:F1} ms (99%)"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"operator: {memory / 1e6:F0} MB at most, {used.TotalSeconds / time.TotalSeconds:F2} processors, "
            + $"{used.TotalMicroseconds / acknowledged:F0} us a report"));
        var good = value >= 0.99 * rate && memory < MostMemory;
        if (!good) Console.WriteLine($"NOT GOOD: at least {rate} reports/s (less 1%) with under {MostMemory / 1_000_000} MB are asked for");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"reports value={value:F0} unit=reports/s"));
        return good ? 0 : 1;
    }

    private static async Task<Trainer[]> ConnectAsync(OperatorUnderTest bench, int streams, string folder)
    {
        var pods = $"/api/v1/namespaces/{bench.Namespace}/pods";
        var found = await Wait.ForAsync(async () =>
        {
            var items = (await bench.Plane.Api.GetAsync(pods))!["items"]!.AsArray();
            return items.Count >= streams ? items : null;
        }, $"{streams} pods", Timeouts.Normal);
        var ca = Path.Combine(folder, "ca.crt");
        var trust = await bench.Plane.Api.GetAsync($"/api/v1/namespaces/{bench.Namespace}/configmaps/hem-progress-ca");
        await File.WriteAllTextAsync(ca, (string)trust!["data"]!["ca.crt"]!);
        using var client = new KubernetesClient(KubernetesClientConfiguration.FromKubeconfig(bench.Plane.Kubeconfig));
        var trainers = new List<Trainer>();
        foreach (var pod in found)
        {
            var (name, uid) = ((string)pod!["metadata"]!["name"]!, (string)pod["metadata"]!["uid"]!);
            var token = await client.CreateTokenAsync(bench.Namespace, "default", new V1TokenRequestSpec
            {
                Audiences = ["hem-progress"],
                ExpirationSeconds = 3600,
                BoundObjectRef = new V1BoundObjectReference { ApiVersion = "v1", Kind = "Pod", Name = name, Uid = uid },
            });
            var file = Path.Combine(folder, name);
            await File.WriteAllTextAsync(file, token.Token);
            trainers.Add(new Trainer(ProgressClient.Start(new ProgressClientOptions
            {
                Address = bench.ProgressAddress,
                Trial = (string)pod["metadata"]!["labels"]!["hem.dev/trial"]!,
                Attempt = uid,
                TokenFile = file,
                CaFile = ca,
            })));
        }

        await Task.WhenAll(trainers.Select(trainer => trainer.Client.Granted)).WaitAsync(Timeouts.Normal);
        return [.. trainers];
    }

    // As many as are due at each moment, one trainer after the other, however late this comes.
    private static async Task SendAsync(Trainer[] trainers, int rate, CancellationToken ends)
    {
        var (since, sent) = (Stopwatch.GetTimestamp(), 0L);
        while (!ends.IsCancellationRequested)
        {
            for (var due = (long)(Stopwatch.GetElapsedTime(since).TotalSeconds * rate); sent < due; sent++)
                trainers[sent % trainers.Length].Report();
            await Task.Delay(5, ends).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task ProbeAsync(Trainer trainer, ConcurrentBag<double> latencies, CancellationToken ends)
    {
        while (!ends.IsCancellationRequested)
        {
            var sent = Stopwatch.GetTimestamp();
            trainer.Report();
            await trainer.Client.FlushAsync(CancellationToken.None);
            latencies.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            await Task.Delay(50, ends).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static long Acknowledged(Trainer[] trainers) => trainers.Sum(trainer => trainer.Sent - trainer.Client.UnacknowledgedCount);

    private static int Option(string[] args, string name, int otherwise) =>
        Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length
            ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;

    private sealed record Trainer(ProgressClient Client)
    {
        private long _sent;

        public long Sent => Volatile.Read(ref _sent);

        public void Report()
        {
            var iteration = (ulong)Interlocked.Increment(ref _sent);
            Client.Report(new Evaluated
            {
                Iteration = iteration,
                Trajectories = iteration * 600,
                EnvSteps = iteration * 30_000,
                Updates = iteration * 40,
                SuccessRate = iteration % 101 / 100.0,
                Loss = 0.3,
                WallSeconds = iteration * 0.1,
            });
        }
    }
}
