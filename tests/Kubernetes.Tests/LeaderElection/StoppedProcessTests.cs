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
        var last = await LeaseAsync();
        a.Signal(SigKill);
        await b.UntilAsync("leads");
        var next = await LeaseAsync();
        (last.HolderIdentity, next.HolderIdentity).ShouldBe(("a", "b"));
        (next.AcquireTime - last.RenewTime)!.Value.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task A_leader_that_is_asked_to_end_is_followed_before_its_lease_has_passed()
    {
        // For longer than the test waits.
        const int lease = 3600;
        using var a = await StartAsync("a", lease);
        await a.UntilAsync("leads");
        using var b = await StartAsync("b", lease);
        await b.UntilAsync("sees a");
        a.Signal(SigTerm);
        await b.UntilAsync("leads");
    }

    [Fact]
    public async Task A_leader_that_stood_still_until_another_led_writes_nothing_when_it_goes_on()
    {
        using var a = await StartAsync("a");
        await a.UntilAsync("leads");
        using var b = await StartAsync("b");
        await Wait.UntilAsync(async () => await NumberAsync("a") > 10, "a works");
        a.Signal(SigStop);
        await b.UntilAsync("leads");
        await Wait.UntilAsync(async () => await NumberAsync("b") > 10, "b works");
        var number = await NumberAsync("a");
        a.Signal(SigCont);
        await a.UntilAsync("stopped");
        // One request may have been under way, and out of its hands, when it was stopped.
        (await NumberAsync("a")).ShouldBeLessThanOrEqualTo(number + 1, string.Join(", ", a.Lines));
    }

    private async Task<V1LeaseSpec> LeaseAsync() => (await Client.GetAsync(Resources.Leases, Namespace, "lead", Cancel))!.Spec!;

    private async Task<int> NumberAsync(string by) =>
        await Client.GetAsync(Resources.ConfigMaps, Namespace, $"by-{by}", Cancel) is { Data: { } data } ? int.Parse(data["number"]) : 0;

    private async Task<CandidateProcess> StartAsync(string identity, int leaseSeconds = 15)
    {
        var process = new CandidateProcess(Plane.Kubeconfig, Namespace, identity, leaseSeconds);
        await process.UntilAsync("started");
        return process;
    }

    private sealed partial class CandidateProcess : IDisposable
    {
        private readonly Process _process;
        private readonly ConcurrentQueue<string> _lines = new();

        public CandidateProcess(string kubeconfig, string space, string identity, int leaseSeconds)
        {
            string[] arguments = ["candidate", kubeconfig, space, "lead", identity, $"{leaseSeconds}"];
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
