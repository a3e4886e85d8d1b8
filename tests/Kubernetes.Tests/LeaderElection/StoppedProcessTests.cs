using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Hem.Kubernetes.Tests.Support;
using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.LeaderElection;

/// <summary>Real processes with the default lease: killed, stopped and continued, asked to end.</summary>
public partial class StoppedProcessTests(ControlPlaneFixture fixture) : ApiServerTest(fixture)
{
    private const int SigKill = 9, SigTerm = 15, SigCont = 18, SigStop = 19;

    [Fact]
    public async Task A_killed_leader_is_followed_once_its_lease_has_passed()
    {
        using var a = await StartAsync("a");
        await a.UntilAsync("leads");
        using var b = await StartAsync("b");
        await Wait.UntilAsync(async () => await NumberAsync("a") > 2, "a works");
        a.Signal(SigKill);
        var clock = Stopwatch.StartNew();
        await b.UntilAsync("leads");
        // Not before the lease has passed, which was renewed at most 10 s ago.
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(5));
        ShouldTake(clock.Elapsed, 20, 60);
    }

    [Fact]
    public async Task A_leader_that_is_asked_to_end_is_followed_before_its_lease_has_passed()
    {
        using var a = await StartAsync("a");
        await a.UntilAsync("leads");
        using var b = await StartAsync("b");
        await b.UntilAsync("sees a");
        a.Signal(SigTerm);
        var clock = Stopwatch.StartNew();
        await b.UntilAsync("leads");
        // On any machine long before the lease, 15 s, would have passed.
        ShouldTake(clock.Elapsed, 3, 10);
    }

    [Fact]
    public async Task A_leader_that_was_stopped_for_30_seconds_writes_nothing_when_it_goes_on()
    {
        using var a = await StartAsync("a");
        await a.UntilAsync("leads");
        using var b = await StartAsync("b");
        await Wait.UntilAsync(async () => await NumberAsync("a") > 10, "a works");
        a.Signal(SigStop);
        await b.UntilAsync("leads");
        await Task.Delay(TimeSpan.FromSeconds(13), Cancel);
        await Wait.UntilAsync(async () => await NumberAsync("b") > 10, "b works");
        var number = await NumberAsync("a");
        a.Signal(SigCont);
        await a.UntilAsync("stopped");
        // One request may have been under way, and out of its hands, when it was stopped.
        (await NumberAsync("a")).ShouldBeLessThanOrEqualTo(number + 1, string.Join(", ", a.Lines));
    }

    /// <param name="seconds">On a machine that has nothing else to do, as for `make soak`.</param>
    /// <param name="busy">On any other.</param>
    private static void ShouldTake(TimeSpan taken, int seconds, int busy)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"followed after {taken.TotalSeconds:0.0} s");
        taken.ShouldBeLessThan(TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("HEM_SOAK") == "1" ? seconds : busy));
    }

    private async Task<int> NumberAsync(string by) =>
        await Client.GetAsync(Resources.ConfigMaps, Namespace, $"by-{by}", Cancel) is { Data: { } data } ? int.Parse(data["number"]) : 0;

    private async Task<CandidateProcess> StartAsync(string identity)
    {
        var process = new CandidateProcess(Plane.Kubeconfig, Namespace, identity);
        await process.UntilAsync("started");
        return process;
    }

    private sealed partial class CandidateProcess : IDisposable
    {
        private readonly Process _process;
        private readonly ConcurrentQueue<string> _lines = new();

        public CandidateProcess(string kubeconfig, string space, string identity)
        {
            string[] arguments = ["candidate", kubeconfig, space, "lead", identity];
            var start = new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardOutput = true };
            _process = Process.Start(start)!;
            _process.OutputDataReceived += (_, e) =>
            {
                if (e.Data is not null) _lines.Enqueue(e.Data);
            };
            _process.BeginOutputReadLine();
        }

        public IReadOnlyCollection<string> Lines => _lines;

        public Task UntilAsync(string line) =>
            Wait.UntilAsync(() => _lines.Contains(line), $"{line} ({string.Join(", ", _lines)})", Timeouts.Normal);

        public void Signal(int signal) => Send(_process.Id, signal).ShouldBe(0);

        public void Dispose()
        {
            if (!_process.HasExited) Send(_process.Id, SigKill);
            _process.Dispose();
        }

        [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
        private static partial int Send(int pid, int signal);
    }
}
