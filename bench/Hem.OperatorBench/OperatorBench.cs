using System.Diagnostics;
using System.Globalization;
using Hem.Core.Planning;
using Hem.Kubernetes;
using Hem.Operator.Api;
using Hem.TestCluster;

namespace Hem.OperatorBench;

/// <summary>
/// Trials a second of a sweep (2,000 trials, 200 at once) against the Jobs a second that the Job controller makes of as many bare Jobs, on
/// the same API server, one after the other, with the same stand-in for nodes.
/// </summary>
internal static class OperatorBench
{
    private const int Parallelism = 200;

    public static async Task<int> RunAsync(string[] args)
    {
        int trials = args is [var count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : 2_000;
        await using BenchCluster cluster = await BenchCluster.StartAsync();
        double jobs = await JobsAsync(cluster, trials);
        (double sweep, Operating.Report report) = await SweepAsync(cluster, trials);

        string[] own = ["hemtrials", "hemtrials/status", "jobs", "hemsweeps/status", "hemsweeps"];
        long writes = report.Requests.Where(pair => !pair.Key.StartsWith("GET:", StringComparison.Ordinal)
            && own.Contains(pair.Key[(pair.Key.IndexOf(':') + 1)..])).Sum(pair => pair.Value);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{trials} bare Jobs: {jobs:0.0}/s; {trials} trials, {Parallelism} at once: {sweep:0.0}/s"));
        Console.WriteLine(string.Join(
            ", ", report.Requests.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Key} {pair.Value}")));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"writes per trial {(double)writes / trials:0.00}, operator: {report.PeakBytes / 1048576.0:0} MiB at most, "
            + $"{report.Processor.TotalMilliseconds / trials:0.00} ms of processor a trial"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"operator ratio={sweep / jobs:0.00}"));
        return 0;
    }

    private static async Task<double> JobsAsync(BenchCluster cluster, int count)
    {
        string ns = await cluster.Plane.CreateNamespaceAsync("jobs");
        using KubernetesClient nodes = BenchCluster.NewClient(cluster.Plane);
        await using var kubelet = new FlippingKubelet(nodes, ns);
        await kubelet.StartAsync();
        int done = 0;
        var allDone = new TaskCompletionSource();
        await using var jobs = new Informer<V1Job>(cluster.Client, Resources.Jobs, ns);
        jobs.Changed += (_, old, job) =>
        {
            if (job?.Status?.Succeeded == 1 && old?.Status?.Succeeded != 1 && Interlocked.Increment(ref done) == count) allDone.SetResult();
        };
        await jobs.StartAsync();
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, cancel) =>
            await cluster.Client.CreateAsync(Resources.Jobs, new V1Job
            {
                ApiVersion = "batch/v1",
                Kind = "Job",
                Metadata = new V1ObjectMeta { Name = $"job-{i}", Namespace = ns },
                Spec = new V1JobSpec
                {
                    BackoffLimit = 0,
                    Template = new V1PodTemplateSpec
                    {
                        Spec = new V1PodSpec
                        {
                            RestartPolicy = "Never",
                            Containers = [new V1Container { Name = "trainer", Image = "trainer" }],
                        },
                    },
                },
            }, cancel: cancel));
        await allDone.Task.WaitAsync(TimeSpan.FromMinutes(10));
        double rate = count / clock.Elapsed.TotalSeconds;
        // What is left must not slow down what comes next.
        // So many take a busy server longer than one request may: what it has not deleted by then is asked for again.
        await Wait.UntilAsync(async () =>
        {
            await cluster.Client.DeleteCollectionAsync(
                Resources.Jobs, ns, "job-name!=x", new DeleteOptions { PropagationPolicy = PropagationPolicy.Background });
            return (await cluster.Client.ListAsync(Resources.Pods, ns, new ListOptions { ChunkSize = 1 })).Items.Count == 0;
        }, "the bare Jobs' pods are gone", TimeSpan.FromMinutes(10));
        return rate;
    }

    private static async Task<(double, Operating.Report)> SweepAsync(BenchCluster cluster, int trials)
    {
        string ns = await cluster.Plane.CreateNamespaceAsync("sweep");
        string folder = Directory.CreateTempSubdirectory("hem-operator-bench-").FullName;
        string reportFile = Path.Combine(folder, "report");
        using KubernetesClient nodes = BenchCluster.NewClient(cluster.Plane);
        await using var kubelet = new FlippingKubelet(nodes, ns);
        await kubelet.StartAsync();
        using Process child = Operating.Start(cluster.Plane.Kubeconfig, ns, Path.Combine(folder, "store"), reportFile);
        var complete = new TaskCompletionSource();
        await using var sweeps = new Informer<HemSweepResource>(cluster.Client, HemResources.Sweeps, ns);
        sweeps.Changed += (_, _, sweep) =>
        {
            if (sweep?.Status?.State is SweepState.Complete or SweepState.CompleteWithFailures) complete.TrySetResult();
        };
        await sweeps.StartAsync();
        // A first sweep finds the operator awake.
        await cluster.Client.CreateAsync(HemResources.Sweeps, BenchCluster.Sweep("first", ns, 1, 1));
        await complete.Task.WaitAsync(TimeSpan.FromMinutes(2));
        complete = new TaskCompletionSource();
        var clock = Stopwatch.StartNew();
        await cluster.Client.CreateAsync(HemResources.Sweeps, BenchCluster.Sweep("bench", ns, trials, Parallelism));
        await complete.Task.WaitAsync(TimeSpan.FromMinutes(10));
        double rate = trials / clock.Elapsed.TotalSeconds;
        HemSweepStatus status = (await cluster.Client.GetAsync(HemResources.Sweeps, ns, "bench"))!.Status!;
        if (status.Done != trials) throw new InvalidOperationException($"{status.Done} of {trials} trials done, {status.Failed} failed.");
        // What is still to be written about it counts too: final phases of trials, Jobs that are deleted.
        await Wait.UntilAsync(
            async () => (await cluster.Client.ListAsync(Resources.Jobs, ns, new ListOptions { ChunkSize = 1 })).Items.Count == 0,
            "the Jobs are deleted", TimeSpan.FromMinutes(10));
        await Operating.EndAsync(child);
        Operating.Report report = Operating.Read(reportFile);
        Directory.Delete(folder, recursive: true);
        return (rate, report);
    }
}
