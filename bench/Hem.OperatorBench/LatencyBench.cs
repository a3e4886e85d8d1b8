using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.Operator.Trials;

namespace Hem.OperatorBench;

/// <summary>
/// How long a sweep waits for the operator: from apply to its first Job, and from the end of a pod to the next Job, one trial at a time.
/// Jobs are seen by a watch, as anybody would see them.
/// </summary>
internal static class LatencyBench
{
    private const int Samples = 200;

    public static async Task<int> RunAsync(string[] args)
    {
        int samples = args is [var count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : Samples;
        await using BenchCluster cluster = await BenchCluster.StartAsync();
        string ns = await cluster.Plane.CreateNamespaceAsync("latency");
        string folder = Directory.CreateTempSubdirectory("hem-operator-bench-").FullName;
        using KubernetesClient nodes = BenchCluster.NewClient(cluster.Plane);
        await using var kubelet = new FlippingKubelet(nodes, ns);
        var seen = new ConcurrentDictionary<string, TaskCompletionSource<long>>();
        var ended = new ConcurrentDictionary<string, TaskCompletionSource<long>>();
        await using var jobs = new Informer<V1Job>(cluster.Client, Resources.Jobs, ns, HemLabels.SweepUid);
        var counts = new ConcurrentDictionary<string, int>();
        jobs.Changed += (type, _, job) =>
        {
            if (type != WatchEventType.Added) return;
            string sweep = job!.Label(HemLabels.Sweep)!;
            At(seen, $"{sweep}/{counts.AddOrUpdate(sweep, 1, (_, number) => number + 1)}");
        };
        var flips = new ConcurrentDictionary<string, int>();
        kubelet.Flipped += pod =>
        {
            string sweep = pod.Label(HemLabels.Sweep)!;
            At(ended, $"{sweep}/{flips.AddOrUpdate(sweep, 1, (_, number) => number + 1)}");
        };
        await jobs.StartAsync();
        await kubelet.StartAsync();
        using Process child = Operating.Start(cluster.Plane.Kubeconfig, ns, Path.Combine(folder, "store"), Path.Combine(folder, "report"));
        var (first, next) = (new List<double>(), new List<double>());
        for (int i = -3; i < samples; i++)
        {
            string name = $"s{i + 3}";
            long applied = Stopwatch.GetTimestamp();
            await cluster.Client.CreateAsync(HemResources.Sweeps, BenchCluster.Sweep(name, ns, 2, 1));
            long firstSeen = await OfAsync(seen, name + "/1");
            long podEnded = await OfAsync(ended, name + "/1");
            long nextSeen = await OfAsync(seen, name + "/2");
            await OfAsync(ended, name + "/2");
            // The first few find the operator asleep.
            if (i < 0) continue;
            first.Add(Stopwatch.GetElapsedTime(applied, firstSeen).TotalMilliseconds);
            next.Add(Math.Max(0, Stopwatch.GetElapsedTime(podEnded, nextSeen).TotalMilliseconds));
        }

        await Operating.EndAsync(child);
        Directory.Delete(folder, recursive: true);
        Console.WriteLine($"apply to first Job: {Words(first)}");
        Console.WriteLine($"pod finished to next Job: {Words(next)}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"latency value={Math.Max(Percentile(first, 0.99), Percentile(next, 0.99)):0} unit=ms"));
        return 0;
    }

    private static void At(ConcurrentDictionary<string, TaskCompletionSource<long>> times, string key) =>
        times.GetOrAdd(key, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult(Stopwatch.GetTimestamp());

    private static Task<long> OfAsync(ConcurrentDictionary<string, TaskCompletionSource<long>> times, string key) =>
        times.GetOrAdd(key, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(TimeSpan.FromMinutes(1));

    private static string Words(List<double> times) => string.Create(CultureInfo.InvariantCulture,
        $"p50 {Percentile(times, 0.5):0} ms, "
        + $"p90 {Percentile(times, 0.9):0} ms, p99 {Percentile(times, 0.99):0} ms ({times.Count} samples)");

    private static double Percentile(List<double> times, double part) =>
        times.Order().ElementAt(Math.Min(times.Count - 1, (int)Math.Ceiling(part * times.Count) - 1));
}
